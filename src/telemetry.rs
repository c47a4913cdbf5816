//! What the daemon says about itself while it runs: log lines on stderr, by `RUST_LOG`, as text or JSON.
//!
//! A line is handed to a thread of its own over a bounded queue: a reader that has stopped reading our stderr stops
//! the log, never a call. Lines that any stranger can cause go through a `Throttle`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::metrics::METRICS;
use crate::types::Mono;

/// Lines that wait to be written; more are dropped and counted.
const LINES_MAX: usize = 8192;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Writes what waits when it is dropped. Keep it until the end of `main`.
#[must_use]
pub struct LogGuard {
    queue: Option<SyncSender<Vec<u8>>>,
    done: Receiver<()>,
    writer: Option<JoinHandle<()>>,
}

/// Begins to log. `RUST_LOG` chooses what (default `info`).
///
/// # Errors
/// When `RUST_LOG` can't be understood, when the process logs already, or when no thread can be started.
pub fn init(format: LogFormat) -> Result<LogGuard, TelemetryError> {
    let (queue, lines) = sync_channel(LINES_MAX);
    let (done_sender, done) = sync_channel(1);
    let run = move || {
        write_lines(&lines, &mut io::stderr());
        // Nobody listens any more when the guard has given up waiting.
        let _ = done_sender.send(());
    };
    let writer = std::thread::Builder::new().name("log".to_owned()).spawn(run).map_err(TelemetryError::Thread)?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter()?).with_writer(LineQueue(queue.clone()));
    let set = match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    set.map_err(|_| TelemetryError::Twice)?;
    Ok(LogGuard { queue: Some(queue), done, writer: Some(writer) })
}

#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("RUST_LOG: {0}; write a level such as info, or target=level")]
    Filter(String),
    #[error("no thread for the log could be started: {0}")]
    Thread(io::Error),
    #[error("the log has been set up twice")]
    Twice,
}

/// What strangers send makes no line of a crate that reads it: what is wrong with it is counted.
const DEFAULT_FILTER: &str = "info,stun_types=error,dimpl=error";

fn filter() -> Result<EnvFilter, TelemetryError> {
    match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.trim().is_empty() => {
            EnvFilter::try_new(directives).map_err(|e| TelemetryError::Filter(e.to_string()))
        }
        _ => Ok(EnvFilter::new(DEFAULT_FILTER)),
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        // The subscriber lives as long as the process and keeps its end of the queue, so an empty line tells the
        // writer to end. A reader that has stopped reading gets a second, no more.
        let Some(queue) = self.queue.take() else { return };
        if queue.try_send(Vec::new()).is_ok() && self.done.recv_timeout(Duration::from_secs(1)).is_ok() {
            // The thread has said that it is done: joining can't wait.
            let _ = self.writer.take().map(JoinHandle::join);
        }
    }
}

fn write_lines(lines: &Receiver<Vec<u8>>, out: &mut impl Write) {
    while let Ok(line) = lines.recv() {
        if line.is_empty() {
            return;
        }
        // A closed stderr has nobody left to tell.
        let _ = out.write_all(&line);
    }
}

/// Where the subscriber writes: one call is one line.
#[derive(Clone)]
struct LineQueue(SyncSender<Vec<u8>>);

impl Write for LineQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.0.try_send(line.to_vec()) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => METRICS.log_lines_dropped.add(1),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LineQueue {
    type Writer = LineQueue;

    fn make_writer(&'a self) -> LineQueue {
        self.clone()
    }
}

/// Lets a repeated line through so many times in a window, and then says how many were left out.
///
/// One for each kind of line that network input causes; `static` ones work: `new` is const.
#[derive(Debug)]
pub struct Throttle {
    lines_max: u32,
    window: Duration,
    state: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    start: Mono,
    lines: u32,
    left_out: u64,
}

/// Whether to write a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Write it, and that so many like it were left out since the last one.
    Write {
        left_out: u64,
    },
    LeaveOut,
}

impl Throttle {
    /// At most `lines_max` lines within each window, the first one always.
    pub const fn new(lines_max: u32, window: Duration) -> Self {
        let state = Window { start: Mono(0), lines: 0, left_out: 0 };
        Self { lines_max, window, state: Mutex::new(state) }
    }

    pub fn line(&self, now: Mono) -> Line {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.since(state.start) >= self.window {
            state.start = now;
            state.lines = 0;
        }
        if state.lines < self.lines_max.max(1) {
            state.lines += 1;
            Line::Write { left_out: std::mem::take(&mut state.left_out) }
        } else {
            drop(state);
            self.leave_out()
        }
    }

    fn leave_out(&self) -> Line {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).left_out += 1;
        METRICS.log_lines_suppressed.add(1);
        Line::LeaveOut
    }
}

/// Lets one line about each source through in a window, and so many in all, and then says how many were left out.
#[derive(Debug)]
pub struct SourceThrottle {
    all: Throttle,
    seen: Mutex<BTreeMap<IpAddr, Mono>>,
}

/// Sources that are remembered; when full, the table starts anew.
const SOURCES_MAX: usize = 4_096;

impl SourceThrottle {
    pub const fn new(lines_max: u32, window: Duration) -> Self {
        Self { all: Throttle::new(lines_max, window), seen: Mutex::new(BTreeMap::new()) }
    }

    pub fn line(&self, now: Mono, source: Option<IpAddr>) -> Line {
        let Some(source) = source else { return self.all.line(now) };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.get(&source).is_some_and(|at| now.since(*at) < self.all.window) {
            return self.all.leave_out();
        }
        let line = self.all.line(now);
        if line != Line::LeaveOut {
            if seen.len() >= SOURCES_MAX {
                seen.clear();
            }
            seen.insert(source, now);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_line_becomes_a_few_and_a_count() {
        let throttle = Throttle::new(2, Duration::from_secs(10));
        let at = |ms| throttle.line(Mono::from_millis(ms));
        assert_eq!(at(0), Line::Write { left_out: 0 });
        assert_eq!(at(1), Line::Write { left_out: 0 });
        for ms in 2..1000 {
            assert_eq!(at(ms), Line::LeaveOut);
        }
        assert_eq!(at(10_000), Line::Write { left_out: 998 });
        assert_eq!(at(10_001), Line::Write { left_out: 0 });
        assert_eq!(at(10_002), Line::LeaveOut);
    }

    #[test]
    fn a_loud_source_has_one_line_and_leaves_room_for_others() {
        let throttle = SourceThrottle::new(3, Duration::from_secs(60));
        let source = |n: u32| Some(IpAddr::V4(n.into()));
        let at = |ms, n| throttle.line(Mono::from_millis(ms), source(n));
        assert_eq!(at(1, 1), Line::Write { left_out: 0 });
        (2..100).for_each(|ms| assert_eq!(at(ms, 1), Line::LeaveOut));
        assert_eq!(at(100, 2), Line::Write { left_out: 98 });
        assert_eq!(at(101, 3), Line::Write { left_out: 0 });
        assert_eq!(at(102, 4), Line::LeaveOut, "as many as may be in all");
        assert_eq!(at(60_001, 1), Line::Write { left_out: 1 });
    }

    #[test]
    fn lines_are_written_in_order_until_the_end_is_told() {
        let (queue, lines) = sync_channel(8);
        let mut writer = LineQueue(queue.clone());
        writer.write_all(b"one\n").unwrap();
        writer.write_all(b"two\n").unwrap();
        queue.send(Vec::new()).unwrap();
        let mut out = Vec::new();
        write_lines(&lines, &mut out);
        assert_eq!(out, b"one\ntwo\n");
    }

    #[test]
    fn a_full_queue_drops_lines_and_never_waits() {
        let (queue, lines) = sync_channel(1);
        let mut writer = LineQueue(queue);
        let before = METRICS.log_lines_dropped.value();
        for _ in 0..5 {
            assert_eq!(writer.write(b"line\n").unwrap(), 5);
        }
        assert!(METRICS.log_lines_dropped.value() >= before + 4);
        assert_eq!(lines.try_iter().count(), 1);
    }
}
