//! The clerk's thread: looks a few times a second what is due at the desk, beside calls and store.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::Utc;

use super::DaemonError;
use crate::metrics::METRICS;
use crate::site::{self, Site};
use crate::store::{Clerk, Desk, Looked, StoreError};

/// How often it is looked, where nothing is left to be done. A look at a database that nobody wrote to costs microseconds.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long after a look that failed.
const RETRY: Duration = Duration::from_secs(1);

/// The running clerk; it stops when this goes.
pub(super) struct ClerkThread {
    desk: Option<SyncSender<Desk>>,
    thread: Option<JoinHandle<()>>,
}

impl ClerkThread {
    pub fn start(database: &Path, site: &Site) -> Result<Self, DaemonError> {
        let mut clerk = Clerk::open(database)?;
        let (desk, inbox) = sync_channel(1);
        let knows = knows(site);
        let thread = thread::Builder::new()
            .name("clerk".to_owned())
            .spawn(move || work(|desk| clerk.look(Utc::now(), desk), knows, &inbox))
            .map_err(DaemonError::Thread)?;
        Ok(Self { desk: Some(desk), thread: Some(thread) })
    }

    /// Settings and content were read again.
    pub fn reload(&self, site: &Site) {
        if let Some(desk) = &self.desk {
            let _ = desk.send(knows(site));
        }
    }
}

impl Drop for ClerkThread {
    fn drop(&mut self) {
        self.desk = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the clerk panicked; what was due is done after the next start");
        }
    }
}

fn knows(site: &Site) -> Desk {
    Desk {
        people: Arc::clone(&site.people),
        hours: Arc::clone(&site.hours),
        rules: Arc::new(site::work_rules(&site.config)),
        clocks: Arc::new(site::clock_book(&site.config, &site.hours)),
        notify: Arc::new(site::notify_rules(site)),
        transcribes: site.config.transcription.url.is_some(),
    }
}

fn work(mut look: impl FnMut(&Desk) -> Result<Looked, StoreError>, mut knows: Desk, inbox: &Receiver<Desk>) {
    // Logged once until it is mended.
    let mut fails = false;
    loop {
        // A panic is a fault of ours; its transaction is undone, and alarms must go on.
        let looked = catch_unwind(AssertUnwindSafe(|| look(&knows)));
        let failed_before = std::mem::replace(&mut fails, !matches!(looked, Ok(Ok(_))));
        let wait = match looked {
            Ok(Ok(looked)) => {
                tell(&looked);
                if looked.more { Duration::ZERO } else { LOOK_EVERY }
            }
            Ok(Err(error)) => {
                tell_failed(&error.to_string(), failed_before);
                RETRY
            }
            Err(panic) => {
                tell_failed(&format!("a panic: {}", said(&*panic)), failed_before);
                RETRY
            }
        };
        match inbox.recv_timeout(wait) {
            Ok(desk) => knows = desk,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn tell(looked: &Looked) {
    METRICS.clocks_warned.add(looked.warned as u64);
    METRICS.clocks_breached.add(looked.breached as u64);
    if looked.breached > 0 {
        tracing::warn!(clocks = looked.breached, "clocks of tickets are overdue; see `frontdesk tickets --overdue`");
    }
    if looked.tasks_begun > 0 {
        tracing::info!(tasks = looked.tasks_begun, "the desk sees to something new");
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

fn tell_failed(error: &str, before: bool) {
    if !before {
        tracing::error!(error, "what is due can't be looked at; it is tried again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::hours::Hours;
    use crate::desk::people::Directory;

    #[test]
    fn a_panic_ends_one_look_and_not_the_clerk() {
        let knows = Desk {
            people: Arc::new(Directory::parse(Directory::default_text(), "people").expect("they are good")),
            hours: Arc::new(Hours::parse(Hours::default_text(), "hours").expect("they are good")),
            rules: Arc::default(),
            clocks: Arc::default(),
            notify: Arc::default(),
            transcribes: false,
        };
        let (wake, inbox) = sync_channel(2);
        wake.send(knows.clone()).expect("there is room");
        drop(wake);
        let mut looks = 0;
        let look = |_: &Desk| {
            looks += 1;
            assert!(looks != 1, "the first one fails");
            Ok(Looked::default())
        };
        work(look, knows, &inbox);
        assert_eq!(looks, 2);
    }
}
