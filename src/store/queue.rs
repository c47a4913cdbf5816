//! What waits for the writer: requests in their order, and the newest row of each call.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::{StoreCounters, StoreOptions};
use crate::desk::call_record::CallRecord;
use crate::desk::clocks::ClockBook;
use crate::desk::request::{DeskError, DeskRequest};
use crate::types::CallId;

/// Requests in one transaction at most: a bound on how long a reply waits for others.
const REQUESTS_PER_BATCH: usize = 512;
/// Call rows in one transaction at most, about 20 ms of work.
const CALLS_PER_BATCH: usize = 2_000;

/// SIP messages of calls, and bans, that wait; the newest are left out beyond it.
const NOTES_MAX: usize = 4_096;
const NOTE_BYTES_MAX: usize = 64 << 20;
/// Of them in one transaction at most.
const NOTES_PER_BATCH: usize = 256;

/// A request and whose it is.
#[derive(Debug)]
pub struct Asked {
    pub call: CallId,
    pub at: DateTime<Utc>,
    pub request: DeskRequest,
}

/// A call's row and when it was put.
#[derive(Debug)]
pub struct CallRow {
    pub at: DateTime<Utc>,
    pub record: Box<CallRecord>,
}

/// What goes into one transaction.
#[derive(Debug, Default)]
pub struct Batch {
    pub requests: Vec<Asked>,
    pub calls: Vec<CallRow>,
    /// What nobody waits for: it is lost where it can't be written.
    pub notes: Vec<Asked>,
}

/// The queue between all calls and the one writer.
pub struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    limits: Limits,
    clocks: Mutex<Option<Arc<ClockBook>>>,
}

struct Limits {
    requests_max: usize,
    calls_max: usize,
    gather: Duration,
    retry: Duration,
}

#[derive(Default)]
struct State {
    requests: VecDeque<Asked>,
    calls: HashMap<CallId, CallRow>,
    /// Ids of `calls`, in the order in which they came.
    order: VecDeque<CallId>,
    notes: VecDeque<Asked>,
    note_bytes: usize,
    /// When the waiting call rows are due to be written; none when there are none.
    due: Option<Instant>,
    closed: bool,
    /// Call rows whose last try, after closing, failed.
    unwritten: usize,
    counters: StoreCounters,
}

impl Queue {
    pub fn new(options: &StoreOptions) -> Self {
        Self {
            state: Mutex::default(),
            wake: Condvar::new(),
            clocks: Mutex::default(),
            limits: Limits {
                requests_max: options.queue_max,
                calls_max: options.calls_max,
                gather: options.gather,
                retry: options.retry,
            },
        }
    }

    pub fn submit(&self, call: CallId, at: DateTime<Utc>, request: DeskRequest) -> Result<(), DeskError> {
        let mut state = self.lock();
        if state.closed {
            return Err(DeskError::NotWritten("the store is closed".to_owned()));
        }
        let wakes = match request {
            DeskRequest::PutCall(record) => state.put_call(CallRow { at, record }, &self.limits)?,
            request @ (DeskRequest::PutLadder(_) | DeskRequest::PutBan(_)) => {
                state.note(Asked { call, at, request }, &self.limits)
            }
            request => state.ask(Asked { call, at, request }, &self.limits)?,
        };
        drop(state);
        if wakes {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Waits for work. None when the queue is closed and empty.
    pub fn take(&self) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            let wait = match state.work(Instant::now()) {
                Work::Batch => return Some(state.batch()),
                Work::Over => return None,
                Work::Until(wait) => wait,
            };
            state = match wait {
                None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(wait) => self.wake.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    /// Puts call rows back that could not be written, unless newer ones wait. They are due after the retry time. Once the
    /// queue is closed each row has had its last try.
    pub fn put_back(&self, calls: Vec<CallRow>) {
        let mut state = self.lock();
        if state.closed {
            state.unwritten += calls.len();
            return;
        }
        state.counters.calls_put_back += calls.len() as u64;
        for row in calls.into_iter().rev() {
            state.put_back(row, &self.limits);
        }
        state.due = (!state.order.is_empty() || !state.notes.is_empty()).then(|| Instant::now() + self.limits.retry);
    }

    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    pub fn count(&self, update: impl FnOnce(&mut StoreCounters)) {
        update(&mut self.lock().counters);
    }

    pub fn set_clocks(&self, clocks: Arc<ClockBook>) {
        *self.clocks.lock().unwrap_or_else(PoisonError::into_inner) = Some(clocks);
    }

    /// The clocks that hold from now on, where they are others than before.
    pub fn new_clocks(&self) -> Option<Arc<ClockBook>> {
        self.clocks.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub fn counters(&self) -> StoreCounters {
        let state = self.lock();
        StoreCounters {
            requests_waiting: state.requests.len(),
            calls_waiting: state.calls.len() + state.unwritten,
            ..state.counters
        }
    }

    /// A panic while it was held leaves nothing half done: each change is one insertion or removal.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Work {
    Batch,
    Until(Option<Duration>),
    Over,
}

impl State {
    /// Queues a request; always worth waking the writer for.
    fn ask(&mut self, asked: Asked, limits: &Limits) -> Result<bool, DeskError> {
        if self.requests.len() >= limits.requests_max {
            self.counters.requests_refused += 1;
            return Err(DeskError::Overloaded(self.requests.len()));
        }
        self.requests.push_back(asked);
        Ok(true)
    }

    /// Queues what travels with the call rows.
    fn note(&mut self, note: Asked, limits: &Limits) -> bool {
        let bytes = size(&note.request);
        if self.notes.len() >= NOTES_MAX || self.note_bytes + bytes > NOTE_BYTES_MAX {
            self.counters.notes_lost += 1;
            return false;
        }
        self.note_bytes += bytes;
        self.notes.push_back(note);
        let wakes = self.due.is_none();
        if wakes {
            self.due = Some(Instant::now() + limits.gather);
        }
        wakes
    }

    /// Queues a call's row in place of an older one. The writer is woken for the first, which sets the time of the
    /// next commit, and when there are enough for one.
    fn put_call(&mut self, row: CallRow, limits: &Limits) -> Result<bool, DeskError> {
        let waiting = self.calls.len();
        match self.calls.entry(row.record.id) {
            Entry::Occupied(mut older) => {
                older.insert(row);
                self.counters.calls_coalesced += 1;
                Ok(false)
            }
            Entry::Vacant(place) => {
                let room = if row.record.ended_at.is_some() { limits.calls_max } else { limits.calls_max / 4 * 3 };
                if waiting >= room {
                    self.counters.calls_refused += 1;
                    return Err(DeskError::Overloaded(waiting));
                }
                self.order.push_back(row.record.id);
                place.insert(row);
                self.counters.calls_waiting_max = self.counters.calls_waiting_max.max(waiting + 1);
                if self.due.is_none() {
                    self.due = Some(Instant::now() + limits.gather);
                }
                Ok(waiting == 0 || waiting + 1 == CALLS_PER_BATCH)
            }
        }
    }

    fn put_back(&mut self, row: CallRow, limits: &Limits) {
        let full = self.calls.len() >= limits.calls_max;
        match self.calls.entry(row.record.id) {
            Entry::Occupied(_) => self.counters.calls_coalesced += 1,
            Entry::Vacant(_) if full => self.counters.calls_refused += 1,
            Entry::Vacant(place) => {
                self.order.push_front(row.record.id);
                place.insert(row);
            }
        }
    }

    fn work(&self, now: Instant) -> Work {
        if !self.requests.is_empty() {
            return Work::Batch;
        }
        match self.due {
            Some(_) if self.closed => Work::Batch,
            Some(due) if due <= now => Work::Batch,
            Some(_) if self.calls.len() >= CALLS_PER_BATCH && !self.counters.failing => Work::Batch,
            Some(due) => Work::Until(Some(due - now)),
            None if self.closed => Work::Over,
            None => Work::Until(None),
        }
    }

    /// What there is, within one transaction's limits. While the disk fails, call rows wait for their retry instead of
    /// making each request's transaction fail first.
    fn batch(&mut self) -> Batch {
        let requests = self.requests.len().min(REQUESTS_PER_BATCH);
        let waits = self.counters.failing && !self.closed && self.due.is_some_and(|due| due > Instant::now());
        let calls = if waits { 0 } else { self.order.len().min(CALLS_PER_BATCH) };
        let notes = if waits { 0 } else { self.notes.len().min(NOTES_PER_BATCH) };
        let batch = Batch {
            requests: self.requests.drain(..requests).collect(),
            calls: self.order.drain(..calls).filter_map(|id| self.calls.remove(&id)).collect(),
            notes: self.notes.drain(..notes).collect(),
        };
        self.note_bytes -= batch.notes.iter().map(|note| size(&note.request)).sum::<usize>();
        if self.order.is_empty() && self.notes.is_empty() {
            self.due = None;
        }
        batch
    }
}

fn size(request: &DeskRequest) -> usize {
    match request {
        DeskRequest::PutLadder(ladder) => ladder.messages.iter().map(|message| message.bytes.len()).sum(),
        _ => 0,
    }
}
