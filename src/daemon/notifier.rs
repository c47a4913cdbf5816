//! The notifier's thread: sends what is in the outbox, beside calls and store. Channels don't wait for each other: one that
//! hangs has a few tries on their way, and the others go on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::DaemonError;
use crate::config::MailSecurity;
use crate::desk::notifications::{
    Delivery, DueNotification, Note, NoticeContent, NotifyChannel, NotifyRules, channel_name,
};
use crate::desk::people::Directory;
use crate::driver::line::ToLine;
use crate::metrics::METRICS;
use crate::notify::{self, Attachment, Http, Letter, Mailer, MailerOptions, Security};
use crate::site::{self, Site};
use crate::store::{Outbox, StoreError, Told};
use crate::tls;
use crate::types::RecordingId;

/// How often it is looked whether anything was written or is due: a look at a database that nobody wrote to costs
/// microseconds.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long after a look that failed.
const RETRY: Duration = Duration::from_secs(1);
/// Tries that are on their way at the same time, of one channel.
const OF_CHANNEL_MAX: usize = 4;
/// Of all of them.
const ALL_MAX: usize = 32;
/// A longer recording stays here: mail servers refuse such letters.
const ATTACHED_BYTES_MAX: u64 = 10_000_000;
/// A telephone answers within 32 s or not at all (RFC 3261 section 17.1.2.2, timer F).
const TEXT_MAX: Duration = Duration::from_secs(40);
/// How long after the daemon is stopped tries that are on their way are waited for.
const LAST_TRIES_MAX: Duration = Duration::from_secs(2);

/// The running notifier; it stops when this goes.
pub(super) struct NotifierThread {
    desk: Option<SyncSender<Desk>>,
    thread: Option<JoinHandle<()>>,
    recordings: PathBuf,
    to_line: mpsc::Sender<ToLine>,
}

/// What it knows of the desk; another one takes its place when the settings are read again.
struct Desk {
    people: Arc<Directory>,
    rules: Arc<NotifyRules>,
    /// Or why there is none.
    mailer: Option<Result<Mailer, String>>,
    attach_recordings: bool,
    http: Result<Http, String>,
    webhook_timeout: Duration,
    recordings: PathBuf,
    to_line: mpsc::Sender<ToLine>,
}

impl NotifierThread {
    pub fn start(
        database: &Path,
        recordings: &Path,
        site: &Site,
        to_line: &mpsc::Sender<ToLine>,
    ) -> Result<Self, DaemonError> {
        let (outbox, again) = Outbox::open(database, Utc::now())?;
        if again > 0 {
            tracing::info!(
                again,
                "notifications were cut off as they were sent; they are sent again under the same id"
            );
        }
        let (desk, inbox) = sync_channel(1);
        let (recordings, to_line) = (recordings.to_owned(), to_line.clone());
        let knows = knows(site, recordings.clone(), to_line.clone());
        let thread = thread::Builder::new()
            .name("notifier".to_owned())
            .spawn(move || run(outbox, knows, &inbox))
            .map_err(DaemonError::Thread)?;
        Ok(Self { desk: Some(desk), thread: Some(thread), recordings, to_line })
    }

    /// Settings and content were read again.
    pub fn reload(&self, site: &Site) {
        if let Some(desk) = &self.desk {
            let _ = desk.send(knows(site, self.recordings.clone(), self.to_line.clone()));
        }
    }
}

impl Drop for NotifierThread {
    fn drop(&mut self) {
        self.desk = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the notifier panicked; what was in the outbox is sent after the next start");
        }
    }
}

fn knows(site: &Site, recordings: PathBuf, to_line: mpsc::Sender<ToLine>) -> Desk {
    let trust = site.config.tls.trust.as_deref();
    Desk {
        people: Arc::clone(&site.people),
        rules: Arc::new(site::notify_rules(site)),
        mailer: mailer(site),
        attach_recordings: site.config.mail.attach_recordings,
        http: tls::https(trust).map(Http::new).map_err(|problem| problem.to_string()),
        webhook_timeout: site.config.webhooks.timeout,
        recordings,
        to_line,
    }
}

/// None without a mail server.
fn mailer(site: &Site) -> Option<Result<Mailer, String>> {
    let mail = &site.config.mail;
    let (host, _) = mail.server.as_ref()?;
    let options = MailerOptions {
        host,
        port: mail.port(),
        security: match mail.security {
            MailSecurity::StartTls => Security::StartTls,
            MailSecurity::Tls => Security::Tls,
            MailSecurity::None => Security::None,
        },
        login: mail.user.as_deref().zip(mail.password.as_ref()),
        from: (&mail.sender(), &site.config.desk.name),
        trust: site.config.tls.trust.as_deref(),
        timeout: mail.timeout,
    };
    Some(Mailer::new(&options))
}

fn run(outbox: Outbox, knows: Desk, inbox: &Receiver<Desk>) {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            runtime.block_on(Notifier::new(outbox, knows).work(inbox));
            // A host name that is still being looked up is not waited for.
            runtime.shutdown_background();
        }
        Err(error) => tracing::error!(%error, "nobody is notified: the notifier can't begin"),
    }
}

struct Notifier {
    outbox: Outbox,
    desk: Arc<Desk>,
    tries: JoinSet<(DueNotification, Delivery)>,
    /// By channel, how many tries are on their way.
    busy: BTreeMap<String, usize>,
    /// What could not be written yet of tries that are over.
    unwritten: Vec<(DueNotification, Delivery)>,
    version: Option<i64>,
    next: Option<DateTime<Utc>>,
    /// Logged once until it is mended.
    fails: bool,
}

impl Notifier {
    fn new(outbox: Outbox, desk: Desk) -> Self {
        Self {
            outbox,
            desk: Arc::new(desk),
            tries: JoinSet::new(),
            busy: BTreeMap::new(),
            unwritten: Vec::new(),
            version: None,
            next: None,
            fails: false,
        }
    }

    async fn work(mut self, inbox: &Receiver<Desk>) {
        loop {
            match inbox.try_recv() {
                Ok(desk) => self.desk = Arc::new(desk),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return self.end().await,
            }
            let looked = self.look();
            let failed_before = std::mem::replace(&mut self.fails, looked.is_err());
            if let Err(error) = &looked
                && !failed_before
            {
                tracing::error!(%error, "the outbox can't be used; it is tried again");
            }
            let pause = if looked.is_err() { RETRY } else { LOOK_EVERY };
            if let Ok(Some(ended)) = timeout(pause, next_ended(&mut self.tries)).await {
                self.unwritten.extend(ended);
            }
        }
    }

    /// Writes what ended, and begins what is due.
    fn look(&mut self) -> Result<(), StoreError> {
        while let Some((due, delivery)) = self.unwritten.first() {
            let told = self.outbox.delivered(Utc::now(), &self.desk.rules, due, delivery)?;
            tell(due, delivery, told);
            let (due, _) = self.unwritten.remove(0);
            let channel = channel_name(due.channel, &due.recipient);
            if let Some(count) = self.busy.get_mut(&channel) {
                *count = count.saturating_sub(1);
            }
            self.busy.retain(|_, count| *count > 0);
            // There may be room for what had to wait.
            self.version = None;
        }
        let now = Utc::now();
        let version = self.outbox.version()?;
        if self.version == Some(version) && self.next.is_none_or(|next| next > now) {
            return Ok(());
        }
        let room = ALL_MAX.saturating_sub(self.tries.len());
        let full: Vec<&str> =
            self.busy.iter().filter(|(_, count)| **count >= OF_CHANNEL_MAX).map(|(name, _)| name.as_str()).collect();
        let (due, next) =
            self.outbox.take(now, u32::try_from(room).unwrap_or(u32::MAX).min(OF_CHANNEL_MAX as u32), &full)?;
        self.version = Some(version).filter(|_| due.is_empty());
        self.next = next;
        for one in due {
            *self.busy.entry(channel_name(one.channel, &one.recipient)).or_default() += 1;
            let desk = Arc::clone(&self.desk);
            self.tries.spawn(async move {
                let delivery = send(&desk, &one).await;
                (one, delivery)
            });
        }
        Ok(())
    }

    /// What is nearly there gets there; the rest is sent by the next run.
    async fn end(mut self) {
        let _ = timeout(LAST_TRIES_MAX, async {
            while let Some(ended) = self.tries.join_next().await {
                self.unwritten.extend(ended);
            }
        })
        .await;
        for (due, delivery) in &self.unwritten {
            if let Err(error) = self.outbox.delivered(Utc::now(), &self.desk.rules, due, delivery) {
                tracing::warn!(%error, notification = due.id.0, "it was sent, and that could not be kept");
            }
        }
    }
}

/// Waits for ever where none is on its way. `Some(None)`: one panicked; its row stays as being sent until the next start.
async fn next_ended(tries: &mut JoinSet<(DueNotification, Delivery)>) -> Option<Option<(DueNotification, Delivery)>> {
    match tries.join_next().await {
        Some(ended) => {
            Some(ended.inspect_err(|error| tracing::error!(%error, "a notification failed in our code")).ok())
        }
        None => std::future::pending().await,
    }
}

async fn send(desk: &Desk, due: &DueNotification) -> Delivery {
    // Unique to this database, and the same for every try.
    let id = format!("frontdesk.{}.{}", due.created_at.timestamp_millis(), due.id.0);
    match (&due.content, due.channel) {
        (NoticeContent::Note(note), NotifyChannel::Email) => mail(desk, due, note, &id).await,
        (NoticeContent::Note(note), NotifyChannel::Sip) => text(desk, due, note).await,
        (NoticeContent::Payload(payload), NotifyChannel::Webhook) => webhook(desk, due, payload, &id).await,
        (NoticeContent::Note(_), NotifyChannel::Webhook) | (NoticeContent::Payload(_), _) => {
            Delivery::Dropped("its content is not for that channel".to_owned())
        }
    }
}

async fn mail(desk: &Desk, due: &DueNotification, note: &Note, id: &str) -> Delivery {
    let Some(person) = desk.people.person(&due.recipient) else {
        return Delivery::Dropped("people.toml does not have that person any more".to_owned());
    };
    let Some(address) = person.email.as_deref() else {
        return Delivery::Dropped("people.toml has no e-mail address of that person any more".to_owned());
    };
    let mailer = match &desk.mailer {
        Some(Ok(mailer)) => mailer,
        Some(Err(fault)) => return Delivery::Again(fault.clone()),
        None => return Delivery::Again("[mail] names no server".to_owned()),
    };
    let recording = note.recording.as_ref().filter(|_| desk.attach_recordings);
    let attachment = recording.and_then(|recording| attachment(&desk.recordings, recording));
    let letter = Letter { to: (address, &person.name), subject: &note.subject, text: &note.text, id, attachment };
    mailer.send(letter).await
}

/// None where it is gone, or too big.
fn attachment(recordings: &Path, recording: &RecordingId) -> Option<Attachment> {
    let path = recordings.join(&recording.0);
    let size = std::fs::metadata(&path).ok()?.len();
    if size > ATTACHED_BYTES_MAX {
        tracing::warn!(%size, recording = recording.0, "a recording is too long to be sent by e-mail");
        return None;
    }
    let name = path.file_name()?.to_string_lossy().into_owned();
    let bytes = std::fs::read(&path);
    let bytes =
        bytes.inspect_err(|error| tracing::warn!(%error, recording = recording.0, "it can't be sent by e-mail"));
    Some(Attachment { name, media_type: "audio/wav", bytes: bytes.ok()? })
}

async fn text(desk: &Desk, due: &DueNotification, note: &Note) -> Delivery {
    let (answer, answered) = oneshot::channel();
    let text = format!("{}\n{}", note.subject, note.text);
    let asked = ToLine::Text { extension: due.recipient.clone(), text, answer };
    if desk.to_line.send(asked).await.is_err() {
        return Delivery::Again("the line has ended".to_owned());
    }
    match timeout(TEXT_MAX, answered).await {
        Ok(Ok(200..300)) => Delivery::Sent,
        Ok(Ok(480)) => Delivery::Absent("none of their telephones is registered".to_owned()),
        // They can't read texts, and never will.
        Ok(Ok(status @ (405 | 415 | 488 | 501))) => {
            Delivery::Dropped(format!("their telephone takes no texts ({status})"))
        }
        Ok(Ok(408)) => Delivery::Absent("their telephone is silent".to_owned()),
        Ok(Ok(status)) => Delivery::Absent(format!("their telephone answered {status}")),
        Ok(Err(_)) => Delivery::Again("the line has ended".to_owned()),
        Err(_) => Delivery::Absent("their telephone did not answer in time".to_owned()),
    }
}

async fn webhook(desk: &Desk, due: &DueNotification, payload: &str, id: &str) -> Delivery {
    let Some(webhook) = desk.rules.webhooks.of(&due.recipient) else {
        return Delivery::Dropped("webhooks.toml does not have it any more".to_owned());
    };
    let http = match &desk.http {
        Ok(http) => http,
        Err(fault) => return Delivery::Again(fault.clone()),
    };
    notify::post(http, Utc::now(), notify::Post { webhook, id, payload, timeout: desk.webhook_timeout }).await
}

fn tell(due: &DueNotification, delivery: &Delivery, told: Told) {
    let (id, channel, recipient) = (due.id.0, due.channel, &due.recipient);
    match delivery {
        Delivery::Sent => METRICS.notifications_sent.add(due.channel, 1),
        _ => METRICS.notifications_failed.add(due.channel, 1),
    }
    if told.alarmed {
        tracing::error!(%channel, recipient, "notifications fail, which is an alarm; see `frontdesk notifications`");
    }
    if told.works_again {
        tracing::info!(%channel, recipient, "notifications go through again");
    }
    if let (true, Some(why)) = (told.failed, delivery.why()) {
        tracing::warn!(id, %channel, recipient, event = due.event, why, "a notification was given up");
    }
}
