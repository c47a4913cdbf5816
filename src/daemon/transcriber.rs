//! The transcriber's thread: has what was said written down, one recording after the other, where the settings name a
//! service.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::Utc;
use rand::RngExt;

use super::DaemonError;
use crate::desk::notifications::NotifyRules;
use crate::metrics::METRICS;
use crate::notify::{Heard, Http, Transcription};
use crate::site::{self, Site};
use crate::store::{DueTranscript, StoreError, Transcribed, Transcripts};
use crate::tls;

/// How often it is looked whether one is due. Nobody waits for it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A longer recording is not sent: services refuse it.
const BYTES_MAX: u64 = 25_000_000;

/// The running transcriber; it stops when this goes, after the request that it is at.
pub(super) struct TranscriberThread {
    desk: Option<SyncSender<Desk>>,
    thread: Option<JoinHandle<()>>,
    recordings: PathBuf,
}

struct Desk {
    /// None: nothing is sent.
    service: Option<Transcription>,
    http: Result<Http, String>,
    rules: Arc<NotifyRules>,
    recordings: PathBuf,
}

impl TranscriberThread {
    pub fn start(database: &Path, recordings: &Path, site: &Site) -> Result<Self, DaemonError> {
        let transcripts = Transcripts::open(database, Utc::now())?;
        let recordings = recordings.to_owned();
        let (desk, inbox) = sync_channel(1);
        let knows = knows(site, recordings.clone());
        let thread = thread::Builder::new()
            .name("transcriber".to_owned())
            .spawn(move || work(transcripts, knows, &inbox))
            .map_err(DaemonError::Thread)?;
        Ok(Self { desk: Some(desk), thread: Some(thread), recordings })
    }

    /// Settings and content were read again.
    pub fn reload(&self, site: &Site) {
        if let Some(desk) = &self.desk {
            // It may be at a request: it takes the newest word after it.
            let _ = desk.try_send(knows(site, self.recordings.clone()));
        }
    }
}

impl Drop for TranscriberThread {
    fn drop(&mut self) {
        self.desk = None;
        // A request that hangs is left behind: it is made again after the next start.
        drop(self.thread.take().filter(JoinHandle::is_finished).map(JoinHandle::join));
    }
}

fn knows(site: &Site, recordings: PathBuf) -> Desk {
    let settings = &site.config.transcription;
    let service = settings.url.as_ref().map(|url| Transcription {
        url: url.clone(),
        key: settings.key.clone(),
        model: settings.model.clone(),
        language: settings.language.clone(),
        timeout: settings.timeout,
    });
    let http = tls::https(site.config.tls.trust.as_deref()).map(Http::new).map_err(|problem| problem.to_string());
    Desk { service, http, rules: Arc::new(site::notify_rules(site)), recordings }
}

fn work(mut transcripts: Transcripts, mut knows: Desk, inbox: &Receiver<Desk>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(%error, "nothing is written down: the transcriber can't begin"),
    };
    // Logged once until it is mended.
    let mut fails = false;
    loop {
        let looked = look(&mut transcripts, &knows, &runtime);
        let failed_before = std::mem::replace(&mut fails, looked.is_err());
        let wait = match looked {
            Ok(true) => Duration::ZERO,
            Ok(false) => LOOK_EVERY,
            Err(error) => {
                if !failed_before {
                    tracing::error!(%error, "what is to be written down can't be read; it is tried again");
                }
                LOOK_EVERY
            }
        };
        match inbox.recv_timeout(wait) {
            Ok(desk) => knows = desk,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Whether there was one to be made.
fn look(transcripts: &mut Transcripts, knows: &Desk, runtime: &tokio::runtime::Runtime) -> Result<bool, StoreError> {
    let Some(service) = &knows.service else { return Ok(false) };
    let Some(due) = transcripts.take(Utc::now())? else { return Ok(false) };
    let result = runtime.block_on(ask(service, knows, &due));
    match &result {
        Transcribed::Text(_) => METRICS.transcripts_made.add(1),
        Transcribed::Again(_) | Transcribed::Refused(_) => METRICS.transcripts_failed.add(1),
    }
    if let Transcribed::Refused(why) = &result {
        tracing::warn!(recording = due.recording.0, why, "it is not written down");
    }
    if transcripts.came_to(Utc::now(), &knows.rules, &due, &result)? {
        tracing::error!("nothing is written down, which is an alarm; [transcription] url names the service");
    }
    Ok(true)
}

async fn ask(service: &Transcription, knows: &Desk, due: &DueTranscript) -> Transcribed {
    let http = match &knows.http {
        Ok(http) => http,
        Err(fault) => return Transcribed::Again(fault.clone()),
    };
    let path = knows.recordings.join(&due.recording.0);
    let size = std::fs::metadata(&path).map(|file| file.len());
    let wav = match size {
        Ok(size) if size > BYTES_MAX => return Transcribed::Refused(format!("{size} bytes are too many")),
        Ok(_) => std::fs::read(&path),
        Err(error) => Err(error),
    };
    let wav = match wav {
        Ok(wav) => wav,
        Err(error) => return Transcribed::Refused(format!("its file can't be read: {error}")),
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let boundary = format!("frontdesk-{:032x}", rand::rng().random::<u128>());
    match service.ask(http, &name, &wav, &boundary).await {
        Heard::Text(text) => Transcribed::Text(text),
        Heard::Again(why) => Transcribed::Again(why),
        Heard::Refused(why) => Transcribed::Refused(why),
    }
}
