//! The thread that keeps the house: recordings that go by age, room on the disk, and the time of day. Never the SIP thread,
//! and never for long: each step is one short transaction, and one pass has a written limit.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::DaemonError;
use crate::desk::alarm::{AlarmKind, AlarmState, AlarmWord};
use crate::desk::journal::{JournalEntry, JournalKind};
use crate::desk::retention::{ClockWatch, Retention, SweepClock};
use crate::driver::clock::Clock;
use crate::store::{Editor, StoreError, Sweeper};

/// How often it looks at the disk, the clock, and whether a pass is due.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Between two steps of a pass, so that others come to write.
const PAUSE: Duration = Duration::from_millis(20);
/// Recordings that are marked at a time, and rows that are made anonymous at a time.
const STEP: u32 = 50;
/// Steps that one pass has at most; the rest waits for the next one.
const STEPS_MAX: usize = 200;

/// What the keeper is told.
enum Told {
    Rules(Retention),
    Stop,
}

/// Ends its thread when it is dropped.
pub struct Keeper {
    tell: SyncSender<Told>,
    thread: Option<JoinHandle<()>>,
}

/// What it keeps.
pub struct KeeperOptions {
    pub clock: Clock,
    /// `DATA/frontdesk.db`.
    pub database: PathBuf,
    /// `DATA/recordings`.
    pub recordings: PathBuf,
    pub rules: Retention,
    /// `[record] disk_free_min_mb`.
    pub disk_free_min_bytes: u64,
}

impl Keeper {
    pub fn start(options: KeeperOptions) -> Result<Keeper, DaemonError> {
        let sweeper = Sweeper::open(&options.database)?;
        let editor = Editor::open(&options.database)?;
        let (tell, told) = sync_channel(8);
        let mut house = House {
            options,
            sweeper,
            editor,
            watch: ClockWatch::default(),
            sweeps: SweepClock::default(),
            disk_low: false,
            fails: false,
        };
        let run = move || house.run(&told);
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(run).map_err(DaemonError::Thread)?;
        Ok(Keeper { tell, thread: Some(thread) })
    }

    /// Other rules, from the next step on.
    pub fn set_rules(&self, rules: Retention) {
        // A keeper that has so much to read yet gets the next ones.
        let _ = self.tell.try_send(Told::Rules(rules));
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.tell.send(Told::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the keeper panicked: recordings were not deleted by age since");
        }
    }
}

struct House {
    options: KeeperOptions,
    sweeper: Sweeper,
    editor: Editor,
    watch: ClockWatch,
    sweeps: SweepClock,
    disk_low: bool,
    /// Logged once until it is mended.
    fails: bool,
}

/// It is to end.
struct Stopped;

impl House {
    fn run(&mut self, told: &Receiver<Told>) {
        while self.look(told).is_ok() {
            if self.wait(told, LOOK_EVERY).is_err() {
                return;
            }
        }
    }

    /// Waits, unless it is to end.
    fn wait(&mut self, told: &Receiver<Told>, length: Duration) -> Result<(), Stopped> {
        match told.recv_timeout(length) {
            Ok(Told::Rules(rules)) => {
                self.options.rules = rules;
                Ok(())
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(Told::Stop) | Err(RecvTimeoutError::Disconnected) => Err(Stopped),
        }
    }

    fn look(&mut self, told: &Receiver<Told>) -> Result<(), Stopped> {
        let (mono_ms, wall) = (self.options.clock.mono().0 / 1_000, Utc::now());
        if let Some(jump) = self.watch.look(mono_ms, wall) {
            self.sweeps.jumped(mono_ms, jump);
            let text = format!("the time of day jumped by {} s", jump.num_seconds());
            tracing::warn!(seconds = jump.num_seconds(), "the time of day jumped");
            let entry = JournalEntry::of_system(wall, JournalKind::ClockSet, "", &text);
            let written = self.editor.add_to_journal(&entry).map(drop);
            self.note(written);
        }
        self.look_at_disk(wall);
        if self.sweeps.is_due(mono_ms) {
            self.sweep(told)?;
        }
        Ok(())
    }

    fn look_at_disk(&mut self, now: DateTime<Utc>) {
        let Some(free) = free_bytes(&self.options.recordings) else { return };
        let least = self.options.disk_free_min_bytes;
        let low = free < least;
        if low == self.disk_low {
            return;
        }
        let (free, least) = (free / 1_000_000, least / 1_000_000);
        let told = if low {
            let note = format!(
                "{free} MB are free, less than [record] disk_free_min_mb = {least}: recordings stop; nothing is deleted before its \
                 time: make room"
            );
            let word = AlarmWord { note, ..AlarmWord::about(AlarmKind::DiskLow, "recordings", AlarmState::Open) };
            self.editor.raise(&word, now)
        } else {
            let entry =
                JournalEntry::of_system(now, JournalKind::DiskBack, "recordings", &format!("{free} MB are free"));
            self.editor.add_to_journal(&entry).map(drop)
        };
        // What could not be written down is tried again with the next look.
        if self.note(told) {
            self.disk_low = low;
        }
    }

    fn sweep(&mut self, told: &Receiver<Told>) -> Result<(), Stopped> {
        let (mut deleted, mut rows) = (0_usize, 0_usize);
        for _ in 0..STEPS_MAX {
            let now = Utc::now();
            let rules = self.options.rules;
            let step = self.step(now, &rules);
            let Some((files, anonymised, trimmed)) = step else { break };
            deleted += files;
            rows += anonymised;
            if files + anonymised + trimmed == 0 {
                break;
            }
            self.wait(told, PAUSE)?;
        }
        if deleted + rows > 0 {
            tracing::info!(recordings = deleted, rows, "deleted or made anonymous by age; see `frontdesk audit`");
        }
        Ok(())
    }

    /// One step: recordings deleted, rows made anonymous, audit entries taken away. None when that failed.
    fn step(&mut self, now: DateTime<Utc>, rules: &Retention) -> Option<(usize, usize, usize)> {
        let due = self.sweeper.mark(now, rules, STEP).map_err(|fault| self.failed(&fault)).ok()?;
        let (mut deleted, mut refused) = (0, false);
        for due in &due {
            let folder = &self.options.recordings;
            match self.sweeper.delete(now, rules, due, || remove(folder, &due.recording.0)) {
                Ok(gone) => deleted += usize::from(gone),
                // One file that can't be removed does not keep the others.
                Err(fault) => {
                    self.failed(&fault);
                    refused = true;
                }
            }
        }
        let anonymised = self.sweeper.anonymise(now, rules, STEP).map_err(|fault| self.failed(&fault)).ok()?;
        let trimmed = self.sweeper.trim_audit(now, rules, STEP).map_err(|fault| self.failed(&fault)).ok()?;
        self.fails = refused;
        Some((deleted, anonymised, trimmed))
    }

    fn note(&mut self, written: Result<(), StoreError>) -> bool {
        match written {
            Ok(()) => true,
            Err(fault) => {
                self.failed(&fault);
                false
            }
        }
    }

    fn failed(&mut self, fault: &dyn std::error::Error) {
        if !std::mem::replace(&mut self.fails, true) {
            tracing::error!(%fault, "what goes by age, or the journal, could not be written; it is tried again");
        }
    }
}

/// Removes a recording's file; one that is gone already is fine. The folder is told to the disk before anybody says that it
/// is deleted. Folders of days that are empty then go too.
fn remove(recordings: &Path, recording: &str) -> io::Result<()> {
    let name = Path::new(recording);
    if !name.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(io::Error::other("its name leads out of the folder of recordings"));
    }
    let path = recordings.join(name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut folder = path.parent();
    while let Some(day) = folder.filter(|day| *day != recordings) {
        match fs::File::open(day).and_then(|day| day.sync_all()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        // Fails where something is in it, as it should.
        if fs::remove_dir(day).is_err() && day.exists() {
            break;
        }
        folder = day.parent();
    }
    Ok(())
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::desk::message::{MessageChange, MessageDraft, Relay};
    use crate::desk::request::{DeskRequest, RequestId};
    use crate::store::{AlarmFilter, JournalFilter, MessageFilter, Reader, Store, StoreOptions};
    use crate::types::{CallId, MessageId, RecordingId};

    #[test]
    fn a_step_deletes_what_is_old_enough_with_its_file_and_one_that_resists_does_not_keep_the_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("frontdesk.db");
        let recordings = folder.path().join("recordings");
        fs::create_dir_all(recordings.join("day/resists.wav/inside")).expect("folders");
        let left_at: DateTime<Utc> = "2026-11-23T04:00:00Z".parse().expect("a time");
        messages(&database, left_at, &["day/1.wav", "day/resists.wav", "day/2.wav"]);
        for name in ["day/1.wav", "day/2.wav"] {
            fs::write(recordings.join(name), b"x").expect("a file");
        }
        let rules = Retention { message_days: 10, ..Retention::default() };
        let mut house = House {
            sweeper: Sweeper::open(&database).expect("it opens"),
            editor: Editor::open(&database).expect("it opens"),
            options: KeeperOptions {
                clock: Clock::start(),
                database: database.clone(),
                recordings: recordings.clone(),
                rules,
                disk_free_min_bytes: 0,
            },
            watch: ClockWatch::default(),
            sweeps: SweepClock::default(),
            disk_low: false,
            fails: false,
        };
        assert_eq!(house.step(left_at + TimeDelta::days(10), &rules), Some((0, 0, 0)));
        let later = left_at + TimeDelta::days(11);
        assert_eq!(house.step(later, &rules), Some((2, 0, 0)));
        assert!(house.fails && !recordings.join("day/1.wav").exists());
        fs::remove_dir_all(recordings.join("day/resists.wav")).expect("it is made free");
        assert_eq!(house.step(later, &rules), Some((1, 0, 0)));
        let left =
            Reader::open(&database).expect("it opens").messages(&MessageFilter::default()).expect("they are read");
        assert!(left.len() == 3 && left.iter().all(|message| message.recording.is_none()));
    }

    #[test]
    fn too_little_room_is_an_alarm_and_in_the_journal_once_and_its_end_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("frontdesk.db");
        messages(&database, Utc::now(), &[]);
        let mut house = House {
            sweeper: Sweeper::open(&database).expect("it opens"),
            editor: Editor::open(&database).expect("it opens"),
            options: KeeperOptions {
                clock: Clock::start(),
                database: database.clone(),
                recordings: folder.path().to_owned(),
                rules: Retention::default(),
                disk_free_min_bytes: u64::MAX,
            },
            watch: ClockWatch::default(),
            sweeps: SweepClock::default(),
            disk_low: false,
            fails: false,
        };
        house.look_at_disk(Utc::now());
        house.look_at_disk(Utc::now());
        house.options.disk_free_min_bytes = 0;
        house.look_at_disk(Utc::now());
        let reader = Reader::open(&database).expect("it opens");
        let alarms = reader.alarms(&AlarmFilter::default()).expect("they are read");
        assert_eq!(alarms.iter().map(|alarm| alarm.kind).collect::<Vec<_>>(), [AlarmKind::DiskLow]);
        let mut kinds: Vec<_> = reader
            .journal(&JournalFilter::default())
            .expect("it is read")
            .into_iter()
            .map(|e| (e.id, e.entry.kind))
            .collect();
        kinds.sort_by_key(|(id, _)| *id);
        assert_eq!(
            kinds.into_iter().map(|(_, kind)| kind).collect::<Vec<_>>(),
            [JournalKind::DiskLow, JournalKind::DiskBack]
        );
    }

    /// A database with messages that were heard.
    fn messages(database: &Path, at: DateTime<Utc>, recordings: &[&str]) {
        let options = StoreOptions::new(database, chrono_tz::Asia::Shanghai);
        let (store, _) = Store::open(options, Box::new(|_| {})).expect("it opens");
        for (nth, recording) in (1_u32..).zip(recordings) {
            let draft =
                MessageDraft { for_person: None, from_number: None, from_name: None, call: CallId(1), language: None };
            let change = MessageChange {
                recording: Some(RecordingId((*recording).to_owned())),
                relay: Some(Relay::Heard),
                complete: Some(true),
                ..MessageChange::default()
            };
            let message = MessageId(nth.into());
            for request in [
                DeskRequest::OpenMessage { id: RequestId(2 * nth), draft },
                DeskRequest::ChangeMessage { id: RequestId(2 * nth + 1), message, change },
            ] {
                store.submit(CallId(1), at, request).expect("there is room");
            }
        }
        assert_eq!(store.shutdown(), 0);
    }

    #[test]
    fn a_file_goes_with_its_empty_folders_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir_all(root.join("2026/11/23")).expect("folders");
        fs::create_dir_all(root.join("2026/12/01")).expect("folders");
        for name in ["2026/11/23/1.wav", "2026/11/23/2.wav", "2026/12/01/3.wav"] {
            fs::write(root.join(name), b"x").expect("a file");
        }
        remove(root, "2026/11/23/1.wav").expect("it goes");
        assert!(root.join("2026/11/23/2.wav").exists());
        remove(root, "2026/11/23/2.wav").expect("it goes");
        assert!(!root.join("2026/11").exists() && root.join("2026/12/01/3.wav").exists());
        remove(root, "2026/11/23/2.wav").expect("it is gone already");
        for name in ["../frontdesk.db", "/etc/passwd", "2026/../../x"] {
            assert!(remove(root, name).is_err(), "{name}");
        }
    }
}
