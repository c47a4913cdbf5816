//! What the board shows, looked at once for all who listen: while anybody does, the line is asked twice a second, the day's
//! figures are counted as often as is cheap, and what has changed is rendered once for each language. Who listens gets the
//! same bytes. Times count in the browser: a board on which nothing happens sends nothing.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use tokio::sync::{Mutex, Notify, Semaphore, watch};

use super::access::{DeskAccess, DeskSettings};
use super::daemon_ask::Daemon;
use super::pages::board_parts;
use crate::desk::board::Today;
use crate::desk::live::LiveCall;
use crate::desk::report::calls::CallRules;
use crate::desk::report::table::Tongue;
use crate::store::{Reader, ResidentFilter, StoreError};

/// The line is asked so often, while anybody listens.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The day's figures are counted at most so often, and never for more than a twentieth of the time.
const COUNT_EVERY: Duration = Duration::from_secs(1);
const COUNT_SHARE: u32 = 20;
/// Also where nothing was written they are counted so often: what is due becomes overdue by itself.
const COUNT_AGAIN: Duration = Duration::from_secs(10);
/// Who listens at the same time; one more is told to come again.
pub(super) const LISTENERS_MAX: usize = 512;
/// Residents of one number that are looked at.
const HOMES_MAX: u32 = 8;

/// A call, and what the desk knows of whoever calls.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KnownCall {
    pub call: LiveCall,
    pub home: Option<Home>,
}

/// Where a number belongs to (R11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    /// `3-1201`; none where it is the number of several places.
    pub place: Option<String>,
    /// Where it is one resident's alone.
    pub name: Option<String>,
}

/// What there is to be seen at one moment.
#[derive(Debug, Default)]
pub(super) struct View {
    /// None where the line does not answer.
    pub live: Option<Vec<KnownCall>>,
    /// None where the database can't be had.
    pub today: Option<Arc<Today>>,
}

/// A piece of the page, rendered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Part {
    /// Its element's id.
    pub name: &'static str,
    pub html: String,
    /// The same as a server-sent event.
    pub event: Bytes,
    /// Another one whenever it changes.
    pub serial: u64,
}

/// What was seen last. `serial` is another one whenever anything of it is.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub serial: u64,
    pub view: View,
    parts: [Vec<Part>; 2],
}

impl Seen {
    pub fn parts(&self, tongue: Tongue) -> &[Part] {
        &self.parts[at(tongue)]
    }
}

const fn at(tongue: Tongue) -> usize {
    match tongue {
        Tongue::Zh => 0,
        Tongue::En => 1,
    }
}

/// See the module.
pub(super) struct Board {
    daemon: Daemon,
    access: DeskAccess,
    looking: Mutex<Looking>,
    seen: watch::Sender<Arc<Seen>>,
    wanted: Notify,
    pub room: Arc<Semaphore>,
}

/// What one look keeps for the next.
struct Looking {
    last: Option<Instant>,
    count: Option<Count>,
    today: Option<Arc<Today>>,
    homes: HashMap<String, Option<Home>>,
}

impl Board {
    pub fn new(daemon: Daemon, access: DeskAccess) -> Arc<Self> {
        let count = Some(Count::new(access.database.clone()));
        let looking = Looking { last: None, count, today: None, homes: HashMap::new() };
        Arc::new(Self {
            daemon,
            access,
            looking: Mutex::new(looking),
            seen: watch::Sender::default(),
            wanted: Notify::new(),
            room: Arc::new(Semaphore::new(LISTENERS_MAX)),
        })
    }

    /// What there is to be seen, half a second old at most.
    pub async fn now(&self) -> Arc<Seen> {
        self.look().await;
        Arc::clone(&self.seen.borrow())
    }

    /// From now on the board is looked at, until this is dropped.
    pub fn listen(&self) -> watch::Receiver<Arc<Seen>> {
        let listener = self.seen.subscribe();
        self.wanted.notify_one();
        listener
    }

    /// Looks while anybody listens, until it is aborted.
    pub async fn run(self: Arc<Self>) {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if self.seen.receiver_count() == 0 {
                self.wanted.notified().await;
            }
            tick.tick().await;
            self.look().await;
        }
    }

    async fn look(&self) {
        let mut looking = self.looking.lock().await;
        if looking.last.is_some_and(|last| last.elapsed() < LOOK_EVERY / 2) {
            return;
        }
        let settings = self.access.settings();
        let live = self.daemon.live_calls().await;
        let unknown = live.as_deref().map(|live| looking.unknown(live)).unwrap_or_default();
        // Whoever looked may have left in the midst of it, and the count with them: another one begins.
        let count = looking.count.take().unwrap_or_else(|| Count::new(self.access.database.clone()));
        let counting = settings.clone();
        if let Ok((count, counted)) = tokio::task::spawn_blocking(move || count.count(&unknown, &counting)).await {
            looking.learn(count, counted);
        }
        let know = |call: LiveCall| {
            let home = call.caller.as_ref().and_then(|number| looking.homes.get(number).cloned().flatten());
            KnownCall { call, home }
        };
        let live = live.map(|live| live.into_iter().map(know).collect());
        let view = View { live, today: looking.today.clone() };
        self.show(view, &settings, Utc::now());
        looking.last = Some(Instant::now());
    }

    /// Tells who listens, where anything is other than before.
    fn show(&self, view: View, settings: &DeskSettings, now: DateTime<Utc>) {
        let before = Arc::clone(&self.seen.borrow());
        let serial = before.serial + 1;
        let render = |tongue: Tongue| {
            let rendered = board_parts(&view, settings, tongue, now).into_iter();
            let parts = rendered.map(|(name, html)| match before.parts(tongue).iter().find(|part| part.name == name) {
                Some(part) if part.html == html => part.clone(),
                Some(_) | None => Part { name, event: event(name, &html), html, serial },
            });
            parts.collect::<Vec<_>>()
        };
        let parts = [render(Tongue::Zh), render(Tongue::En)];
        if parts != before.parts || view.live != before.view.live {
            self.seen.send_replace(Arc::new(Seen { serial, view, parts }));
        }
    }
}

impl Looking {
    /// Numbers that call now, and of which it was not asked yet whose they are.
    fn unknown(&mut self, live: &[LiveCall]) -> Vec<String> {
        let calling = |number: &String| live.iter().any(|call| call.caller.as_ref() == Some(number));
        self.homes.retain(|number, _| calling(number));
        let numbers = live.iter().filter_map(|call| call.caller.clone());
        numbers.filter(|number| !self.homes.contains_key(number)).collect()
    }

    fn learn(&mut self, count: Count, counted: Counted) {
        self.count = Some(count);
        self.homes.extend(counted.homes);
        match counted.today {
            None => {}
            Some(Ok(today)) => self.today = Some(Arc::new(today)),
            Some(Err(error)) => {
                tracing::warn!(%error, "the board's figures can't be counted");
                self.today = None;
            }
        }
    }
}

/// Counts the day's figures, on a thread that may wait for the disk.
struct Count {
    database: PathBuf,
    reader: Option<Reader>,
    version: Option<i64>,
    counted: Option<Instant>,
    /// Not before.
    next: Option<Instant>,
}

struct Counted {
    /// None where what was counted before still holds.
    today: Option<Result<Today, StoreError>>,
    homes: Vec<(String, Option<Home>)>,
}

impl Count {
    fn new(database: PathBuf) -> Self {
        Self { database, reader: None, version: None, counted: None, next: None }
    }

    fn count(mut self, unknown: &[String], settings: &DeskSettings) -> (Self, Counted) {
        let mut counted = Counted { today: None, homes: Vec::new() };
        match self.read(unknown, settings, &mut counted) {
            Ok(()) => {}
            Err(error) => {
                counted.today = Some(Err(error));
                self.next = Some(Instant::now() + COUNT_AGAIN);
                self.reader = None;
            }
        }
        (self, counted)
    }

    fn read(&mut self, unknown: &[String], settings: &DeskSettings, into: &mut Counted) -> Result<(), StoreError> {
        let waits = self.next.is_some_and(|next| Instant::now() < next);
        if waits && (unknown.is_empty() || self.reader.is_none()) {
            return Ok(());
        }
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => Reader::open(&self.database)?,
        };
        for number in unknown {
            into.homes.push((number.clone(), home(&reader, number)?));
        }
        if !waits {
            let version = reader.version()?;
            let old = self.counted.is_none_or(|at| at.elapsed() >= COUNT_AGAIN);
            if old || self.version != Some(version) {
                let began = Instant::now();
                into.today = Some(Ok(today(&reader, settings, Utc::now())?));
                self.version = Some(version);
                self.counted = Some(began);
                self.next = Some(Instant::now() + COUNT_EVERY.max(began.elapsed() * COUNT_SHARE));
            }
        }
        self.reader = Some(reader);
        Ok(())
    }
}

fn today(reader: &Reader, settings: &DeskSettings, now: DateTime<Utc>) -> Result<Today, StoreError> {
    let zone = settings.time_zone;
    let day = now.with_timezone(&zone).date_naive();
    // A midnight that a change of the clocks leaves out is the hour after it.
    let midnight = day.and_time(NaiveTime::MIN);
    let midnight = midnight.and_local_timezone(zone).earliest();
    let midnight = midnight.map_or(now - TimeDelta::hours(24), |at| at.with_timezone(&Utc));
    reader.today(midnight, now, CallRules { cadence: settings.cadence, ..CallRules::default() }, zone)
}

fn home(reader: &Reader, number: &str) -> Result<Option<Home>, StoreError> {
    let filter =
        ResidentFilter { number: Some(number.to_owned()), limit: Some(HOMES_MAX), ..ResidentFilter::default() };
    let residents = reader.residents(&filter)?;
    let Some(first) = residents.first() else { return Ok(None) };
    let one_place = residents.iter().all(|other| (&other.building, &other.room) == (&first.building, &first.room));
    Ok(Some(Home {
        place: one_place.then(|| format!("{}-{}", first.building, first.room)),
        name: (residents.len() == 1).then(|| first.name.clone()),
    }))
}

/// As a server-sent event.
pub(super) fn event(name: &str, data: &str) -> Bytes {
    let mut text = String::with_capacity(data.len() + name.len() + 64);
    text.push_str("event: ");
    text.push_str(name);
    // A carriage return ends a line of the stream too: whoever calls could begin an event with one in their name.
    for line in data.split(['\n', '\r']).filter(|line| !line.is_empty()) {
        text.push_str("\ndata: ");
        text.push_str(line);
    }
    if data.is_empty() {
        text.push_str("\ndata:");
    }
    text.push_str("\n\n");
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Store, StoreOptions};

    #[tokio::test]
    async fn whoever_leaves_in_the_midst_of_a_look_takes_nothing_from_the_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("frontdesk.db");
        let options = StoreOptions::new(database.clone(), chrono_tz::UTC);
        let (store, _) = Store::open(options, Box::new(|_| {})).expect("the store opens");
        let (asks, _) = tokio::sync::mpsc::channel(1);
        let access = DeskAccess::new(database, folder.path().to_owned(), crate::console::tests::settings());
        let board = Board::new(Daemon::new(asks), access);
        // Looks as far as it goes without waiting, and is dropped there.
        drop(tokio::time::timeout(std::time::Duration::ZERO, board.now()).await);
        assert!(board.now().await.view.today.is_some(), "the day is counted");
        assert_eq!(store.shutdown(), 0);
    }

    #[test]
    fn an_event_keeps_its_lines_and_can_be_empty() {
        assert_eq!(event("calls", "<p>\n</p>"), "event: calls\ndata: <p>\ndata: </p>\n\n");
        assert_eq!(event("pop", ""), "event: pop\ndata:\n\n");
        assert_eq!(
            event("pop", "a\r\revent: go\rdata: //x"),
            "event: pop\ndata: a\ndata: event: go\ndata: data: //x\n\n"
        );
    }
}
