//! The clerk's thread: looks a few times a second what is due at the desk, beside calls and store.

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
        let clerk = Clerk::open(database)?;
        let (desk, inbox) = sync_channel(1);
        let knows = knows(site);
        let thread = thread::Builder::new()
            .name("clerk".to_owned())
            .spawn(move || work(clerk, knows, &inbox))
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

fn work(mut clerk: Clerk, mut knows: Desk, inbox: &Receiver<Desk>) {
    // Logged once until it is mended.
    let mut fails = false;
    loop {
        let looked = clerk.look(Utc::now(), &knows);
        let failed_before = std::mem::replace(&mut fails, looked.is_err());
        let wait = match looked {
            Ok(looked) => {
                tell(&looked);
                if looked.more { Duration::ZERO } else { LOOK_EVERY }
            }
            Err(error) => {
                tell_failed(&error, failed_before);
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

fn tell_failed(error: &StoreError, before: bool) {
    if !before {
        tracing::error!(%error, "what is due can't be looked at; it is tried again");
    }
}
