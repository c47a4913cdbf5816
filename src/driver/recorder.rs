//! The thread that puts what is said on disk as it is spoken: a crash loses at most the last second.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::media::wav::RecordingWriter;
use crate::metrics::METRICS;
use crate::types::{CallId, RecordingId};

/// Headers are made right and the disk is told to write this often.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// In the order of one call's life: `Open`, any number of `Append`, `Close`.
#[derive(Debug)]
pub enum ToRecorder {
    Open { call: CallId, recording: RecordingId },
    Append { recording: RecordingId, rate_hz: u32, samples: Vec<i16> },
    Close { call: CallId, recording: RecordingId },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromRecorder {
    pub call: CallId,
    pub recording: RecordingId,
    /// False when it could not be written to its end; what is on disk is kept.
    pub written: bool,
}

pub struct RecorderOptions {
    /// `DATA/recordings`.
    pub dir: PathBuf,
    /// Under this much free space no recording grows.
    pub disk_free_min_bytes: u64,
}

struct Open {
    call: CallId,
    path: PathBuf,
    /// Made with the first audio, whose rate the header needs.
    writer: Option<RecordingWriter<BufWriter<File>>>,
    dirty: bool,
}

/// Runs until every sender is gone; then closes what is open.
pub fn run(options: &RecorderOptions, inbox: &Receiver<ToRecorder>, tell: &dyn Fn(FromRecorder)) {
    let mut recorder = Recorder { options, open: HashMap::new(), tell, disk_full: false };
    let mut flush_at = Instant::now() + FLUSH_EVERY;
    loop {
        match inbox.recv_timeout(flush_at.saturating_duration_since(Instant::now())) {
            Ok(message) => recorder.handle(message),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if Instant::now() >= flush_at {
            recorder.flush();
            flush_at = Instant::now() + FLUSH_EVERY;
        }
    }
    recorder.close_all();
}

struct Recorder<'a> {
    options: &'a RecorderOptions,
    open: HashMap<RecordingId, Open>,
    tell: &'a dyn Fn(FromRecorder),
    disk_full: bool,
}

impl Recorder<'_> {
    fn handle(&mut self, message: ToRecorder) {
        match message {
            ToRecorder::Open { call, recording } => self.start(call, recording),
            ToRecorder::Append { recording, rate_hz, samples } => self.append(&recording, rate_hz, &samples),
            ToRecorder::Close { call, recording } => self.close(call, recording),
        }
    }

    fn start(&mut self, call: CallId, recording: RecordingId) {
        let path = self.options.dir.join(&recording.0);
        let open = Open { call, path, writer: None, dirty: false };
        self.open.insert(recording.clone(), open);
        if self.disk_full {
            self.fail(&recording, "the disk has less free space than record.disk_free_min_mb");
        }
    }

    fn append(&mut self, recording: &RecordingId, rate_hz: u32, samples: &[i16]) {
        let Some(open) = self.open.get_mut(recording) else { return };
        if let Err(error) = open.append(rate_hz, samples) {
            self.fail(recording, &error);
        }
    }

    fn close(&mut self, call: CallId, recording: RecordingId) {
        let Some(open) = self.open.remove(&recording) else { return };
        let written = match open.finish() {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%call, recording = recording.0, error, "recording could not be finished");
                false
            }
        };
        (self.tell)(FromRecorder { call, recording, written });
    }

    fn fail(&mut self, recording: &RecordingId, error: &str) {
        let Some(open) = self.open.remove(recording) else { return };
        tracing::error!(call = %open.call, recording = recording.0, error, "recording stopped; what is on disk is kept");
        let call = open.call;
        // The header is mended as far as the disk allows; the repair at the next start does the rest.
        let _ = open.finish();
        (self.tell)(FromRecorder { call, recording: recording.clone(), written: false });
    }

    fn flush(&mut self) {
        self.watch_disk();
        let mut failed = Vec::new();
        let mut flushed = None;
        for (recording, open) in self.open.iter_mut().filter(|(_, open)| open.dirty) {
            open.dirty = false;
            match open.writer.as_mut().map(RecordingWriter::checkpoint) {
                Some(Err(error)) => failed.push((recording.clone(), error.to_string())),
                Some(Ok(())) => flushed = Some(open.path.clone()),
                None => {}
            }
        }
        if let Some(path) = flushed {
            sync_filesystem(&path);
        }
        for (recording, error) in failed {
            self.fail(&recording, &error);
        }
    }

    fn watch_disk(&mut self) {
        let free = free_bytes(&self.options.dir);
        let full = free.is_some_and(|free| free < self.options.disk_free_min_bytes);
        if full && !self.disk_full {
            tracing::error!(free, "disk nearly full: recordings stop until space is made; calls and tickets go on");
        }
        self.disk_full = full;
        METRICS.disk_low.set(i64::from(full));
        if full {
            let all: Vec<RecordingId> = self.open.keys().cloned().collect();
            for recording in all {
                self.fail(&recording, "the disk has less free space than record.disk_free_min_mb");
            }
        }
    }

    fn close_all(&mut self) {
        let all: Vec<(CallId, RecordingId)> = self.open.iter().map(|(id, open)| (open.call, id.clone())).collect();
        for (call, recording) in all {
            self.close(call, recording);
        }
    }
}

impl Open {
    fn append(&mut self, rate_hz: u32, samples: &[i16]) -> Result<(), String> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(create(&self.path, rate_hz)?),
        };
        self.dirty = true;
        writer.write(samples).map_err(|error| error.to_string())
    }

    /// Header right, file on disk. One in which nothing was said is a valid, empty WAV.
    fn finish(mut self) -> Result<(), String> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => create(&self.path, 8000)?,
        };
        writer.finish().map_err(|error| error.to_string())?;
        let file = File::open(&self.path).map_err(|error| error.to_string())?;
        file.sync_data().map_err(|error| error.to_string())
    }
}

fn create(path: &Path, rate_hz: u32) -> Result<RecordingWriter<BufWriter<File>>, String> {
    let text = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(text)?;
    }
    let file = File::options().write(true).create_new(true).open(path).map_err(text)?;
    RecordingWriter::new(BufWriter::new(file), rate_hz).map_err(|error| error.to_string())
}

/// One call for all files that were written: hundreds of recordings cost one flush.
fn sync_filesystem(path: &Path) {
    if let Ok(file) = File::open(path)
        && let Err(error) = rustix::fs::syncfs(&file)
    {
        tracing::warn!(%error, "recordings could not be synced to disk");
    }
}

fn free_bytes(dir: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(dir).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}
