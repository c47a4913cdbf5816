//! One file with the database, all recordings and the desk's own prompts, made while the daemon runs, and a data folder made from it again.
//!
//! The file is a plain tar, so that a person can look into it without this program: a manifest first, the database,
//! the recordings, the prompts, and a last entry that tells a whole file from a cut one. The only file that names `tar`.
//!
//! The database is copied before the recordings: every recording that it knows was begun by then. One that is still
//! being spoken is in it as far as it had come; the next start mends its header.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::store::StoreError;
use crate::store::backup::{copy_database, own_database, verify_database};

const MANIFEST: &str = "frontdesk-backup.json";
const END: &str = "frontdesk-backup.end";
const DATABASE: &str = "frontdesk.db";
const RECORDINGS: &str = "recordings";
/// What was recorded or uploaded in place of built-in prompts, where the settings name no folder of their own for it.
const PROMPTS: &str = "prompts";
/// Version of the layout above.
const FORMAT: u32 = 1;
/// Where a restored copy is unpacked inside the data folder until it is whole.
const STAGING: &str = "restore.partial";
/// No manifest or end entry is longer.
const NOTE_BYTES_MAX: u64 = 4096;

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    made_at: DateTime<Utc>,
    made_by: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct End {
    recordings: u64,
}

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    pub recordings: u64,
    /// Size of the backup file.
    pub bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{0} holds no database: name the data folder with --data")]
    NoDatabase(PathBuf),
    #[error("{0} is not empty: name an empty folder with --data, or put what is there aside with --force")]
    NotEmpty(PathBuf),
    #[error("{file} is no backup of frontdesk: {why}")]
    NotABackup { file: PathBuf, why: String },
    #[error("{0} is cut off or damaged: nothing was restored")]
    CutOff(PathBuf),
    #[error(transparent)]
    Database(#[from] StoreError),
    #[error("{doing} {path}: {source}")]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

fn io_error<'a>(doing: &'static str, path: &'a Path) -> impl Fn(io::Error) -> BackupError + 'a {
    move |source| BackupError::Io { doing, path: path.to_owned(), source }
}

/// Writes database and recordings of a data folder into one file. The file appears under its name when it is whole.
///
/// # Errors
/// When there is no database, or something can't be read or written.
pub fn back_up(data: &Path, file: &Path, now: DateTime<Utc>) -> Result<Summary, BackupError> {
    let database = data.join(DATABASE);
    if !database.is_file() {
        return Err(BackupError::NoDatabase(data.to_owned()));
    }
    let partial = with_suffix(file, ".partial");
    let copy = with_suffix(file, ".db.partial");
    let written = write_partial(data, &database, &copy, &partial, now);
    // The copy is inside of the backup by now, or of no use.
    let _ = fs::remove_file(&copy);
    let recordings = written.inspect_err(|_| drop(fs::remove_file(&partial)))?;
    fs::rename(&partial, file).map_err(io_error("cannot write", file))?;
    sync_folder(file.parent());
    let bytes = fs::metadata(file).map_err(io_error("cannot read", file))?.len();
    Ok(Summary { recordings, bytes })
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn write_partial(
    data: &Path,
    database: &Path,
    copy: &Path,
    partial: &Path,
    now: DateTime<Utc>,
) -> Result<u64, BackupError> {
    let _ = fs::remove_file(copy);
    copy_database(database, copy)?;
    let out = private_file(partial).map_err(io_error("cannot write", partial))?;
    let mut writer = Writer { tar: tar::Builder::new(BufWriter::new(out)), recordings: 0, skip: partial, copy };
    let writing = io_error("cannot write", partial);
    let made_by = format!("frontdesk {}", env!("CARGO_PKG_VERSION"));
    writer.note(MANIFEST, &Manifest { format: FORMAT, made_at: now, made_by }).map_err(&writing)?;
    if !writer.file(copy, Path::new(DATABASE))? {
        return Err(BackupError::NoDatabase(data.to_owned()));
    }
    let recordings = data.join(RECORDINGS);
    if recordings.is_dir() {
        writer.folder(&recordings, Path::new(RECORDINGS))?;
    }
    let count = writer.recordings;
    let prompts = data.join(PROMPTS);
    if prompts.is_dir() {
        writer.folder(&prompts, Path::new(PROMPTS))?;
    }
    writer.note(END, &End { recordings: count }).map_err(&writing)?;
    let out = writer.tar.into_inner().and_then(|out| out.into_inner().map_err(io::Error::from)).map_err(&writing)?;
    out.sync_all().map_err(&writing)?;
    Ok(count)
}

/// Recordings are private (R12): nobody else may read the file.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

struct Writer<'a, W: Write> {
    tar: tar::Builder<W>,
    recordings: u64,
    /// The backup itself and its copy of the database, should they lie among the recordings.
    skip: &'a Path,
    copy: &'a Path,
}

impl<W: Write> Writer<'_, W> {
    fn note(&mut self, name: &str, note: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_vec(note)?;
        let mut header = header(text.len() as u64, 0);
        self.tar.append_data(&mut header, name, &text[..])
    }

    /// Regular files and folders below it, by name. Links are not followed: they could lead anywhere.
    fn folder(&mut self, folder: &Path, name: &Path) -> Result<(), BackupError> {
        let reading = io_error("cannot read", folder);
        let mut entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(&reading)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type().map_err(&reading)?;
            let (path, name) = (entry.path(), name.join(entry.file_name()));
            if kind.is_dir() {
                self.folder(&path, &name)?;
            } else if kind.is_file() && path != self.skip && path != self.copy {
                self.recordings += u64::from(self.file(&path, &name)?);
            }
        }
        Ok(())
    }

    /// A file as long as it is now: what it grows by meanwhile stays out. False when it went by age meanwhile.
    fn file(&mut self, path: &Path, name: &Path) -> Result<bool, BackupError> {
        let reading = io_error("cannot read", path);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(reading(error)),
        };
        let metadata = file.metadata().map_err(&reading)?;
        let modified = metadata.modified().ok().and_then(|m| m.duration_since(UNIX_EPOCH).ok());
        let mut header = header(metadata.len(), modified.map_or(0, |m| m.as_secs()));
        // Zeros stand in for what a shortened file no longer has, so that the entries after it stay readable.
        let content = file.chain(io::repeat(0)).take(metadata.len());
        self.tar.append_data(&mut header, name, content).map_err(io_error("cannot back up", path))?;
        Ok(true)
    }
}

fn header(bytes: u64, modified_s: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o600);
    header.set_size(bytes);
    header.set_mtime(modified_s);
    header
}

/// Makes a data folder from a backup. With `force`, what the folder holds is put aside into `replaced-...` within it.
/// Nothing changes unless the backup is whole and its database undamaged.
///
/// # Errors
/// When the folder is not empty (without `force`), or the file is no whole backup.
pub fn restore(file: &Path, data: &Path, force: bool, now: DateTime<Utc>) -> Result<Summary, BackupError> {
    let input = File::open(file).map_err(io_error("cannot read", file))?;
    let bytes = input.metadata().map_err(io_error("cannot read", file))?.len();
    let staging = data.join(STAGING);
    fs::create_dir_all(data).map_err(io_error("cannot make", data))?;
    if staging.exists() {
        fs::remove_dir_all(&staging).map_err(io_error("cannot remove", &staging))?;
    }
    let present = fs::read_dir(data).and_then(|mut entries| entries.next().transpose());
    if present.map_err(io_error("cannot read", data))?.is_some() && !force {
        return Err(BackupError::NotEmpty(data.to_owned()));
    }
    let database = data.join(DATABASE);
    // A running line would write on into the file that is put aside.
    let _owned = database.exists().then(|| own_database(&database)).transpose()?;
    fs::create_dir(&staging).map_err(io_error("cannot make", &staging))?;
    let restored = unpack(file, input, &staging).and_then(|recordings| {
        verify_database(&staging.join(DATABASE))?;
        put_aside(data, now)?;
        move_in(&staging, data)?;
        Ok(Summary { recordings, bytes })
    });
    // Empty after a restore, and of no use after a failed one.
    let _ = fs::remove_dir_all(&staging);
    restored
}

/// Unpacks everything and returns the number of recordings.
fn unpack(file: &Path, input: File, staging: &Path) -> Result<u64, BackupError> {
    let not_a_backup = |why: &str| BackupError::NotABackup { file: file.to_owned(), why: why.to_owned() };
    let cut_off = |_| BackupError::CutOff(file.to_owned());
    let mut archive = tar::Archive::new(BufReader::new(input));
    let mut entries = archive.entries().map_err(cut_off)?;
    let first = entries.next().ok_or_else(|| not_a_backup("it is empty"))?;
    let first = first.map_err(|_| not_a_backup("it is no tar file"))?;
    let manifest: Manifest = note(first, MANIFEST).ok_or_else(|| not_a_backup("its manifest is missing"))?;
    if manifest.format != FORMAT {
        return Err(not_a_backup(&format!("its format {} is not known to this version", manifest.format)));
    }
    let mut recordings = 0;
    for entry in entries {
        let mut entry = entry.map_err(cut_off)?;
        let name = entry.path().map_err(cut_off)?.into_owned();
        if name == Path::new(END) {
            let end: End = note(entry, END).ok_or(BackupError::CutOff(file.to_owned()))?;
            let whole = end.recordings == recordings;
            return if whole { Ok(recordings) } else { Err(BackupError::CutOff(file.to_owned())) };
        }
        if !belongs(&name) || entry.header().entry_type() != tar::EntryType::Regular {
            return Err(not_a_backup(&format!("{} doesn't belong into it", name.display())));
        }
        recordings += u64::from(name.starts_with(RECORDINGS));
        write_entry(&mut entry, &staging.join(&name), file)?;
    }
    Err(BackupError::CutOff(file.to_owned()))
}

/// The database, or something below `recordings/` or `prompts/` by a plain path: no backup writes anywhere else.
fn belongs(name: &Path) -> bool {
    let plain = name.components().all(|c| matches!(c, Component::Normal(_)));
    let below = |folder: &str| name.starts_with(folder) && name != Path::new(folder);
    plain && (name == Path::new(DATABASE) || below(RECORDINGS) || below(PROMPTS))
}

fn note<T: for<'a> Deserialize<'a>>(entry: tar::Entry<'_, impl Read>, name: &str) -> Option<T> {
    if entry.path().ok()? != Path::new(name) {
        return None;
    }
    let mut text = Vec::new();
    entry.take(NOTE_BYTES_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn write_entry(entry: &mut tar::Entry<'_, impl Read>, path: &Path, backup: &Path) -> Result<(), BackupError> {
    let writing = io_error("cannot write", path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io_error("cannot make", folder))?;
    }
    let size = entry.size();
    let mut out = private_file(path).map_err(&writing)?;
    let copied = io::copy(entry, &mut out).map_err(&writing)?;
    if copied != size {
        return Err(BackupError::CutOff(backup.to_owned()));
    }
    let modified = entry.header().mtime().ok().map(|s| UNIX_EPOCH + std::time::Duration::from_secs(s));
    if let Some(modified) = modified {
        // A recording's own time is a convenience: the database knows it too.
        let _ = out.set_modified(modified);
    }
    out.sync_all().map_err(&writing)
}

/// Moves what the daemon wrote out of the way, together with the database's journal: it belongs to the old one.
fn put_aside(data: &Path, now: DateTime<Utc>) -> Result<(), BackupError> {
    let aside = data.join(format!("replaced-{}", now.format("%Y%m%dT%H%M%S%.3fZ")));
    for name in [DATABASE, "frontdesk.db-wal", "frontdesk.db-shm", RECORDINGS, PROMPTS] {
        let path = data.join(name);
        if path.exists() {
            fs::create_dir_all(&aside).map_err(io_error("cannot make", &aside))?;
            fs::rename(&path, aside.join(name)).map_err(io_error("cannot move", &path))?;
        }
    }
    Ok(())
}

fn move_in(staging: &Path, data: &Path) -> Result<(), BackupError> {
    // The database last: it must never name what is not there yet.
    for name in [RECORDINGS, PROMPTS, DATABASE] {
        let from = staging.join(name);
        if from.exists() {
            fs::rename(&from, data.join(name)).map_err(io_error("cannot move", &from))?;
        }
    }
    sync_folder(Some(data));
    Ok(())
}

/// Makes renames last. Where a folder can't be synced the system does it in its own time.
fn sync_folder(folder: Option<&Path>) {
    let folder = folder.filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|f| f.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Store, StoreOptions};

    /// A data folder with a database and two recordings, and room for a backup beside it.
    struct BackupTest {
        folder: tempfile::TempDir,
    }

    const WAV: &str = "recordings/2026/11/23/000042-1.wav";

    impl BackupTest {
        fn new() -> Self {
            let test = Self { folder: tempfile::tempdir().unwrap() };
            fs::create_dir_all(test.data().join("recordings/2026/11/23")).unwrap();
            fs::write(test.data().join(WAV), b"RIFF spoken").unwrap();
            let long_name = format!("recordings/{}.wav", "x".repeat(180));
            fs::write(test.data().join(long_name), vec![7; 100_000]).unwrap();
            let options = StoreOptions::new(test.data().join(DATABASE), chrono_tz::Asia::Shanghai);
            let (store, _) = Store::open(options, Box::new(|_| {})).unwrap();
            assert_eq!(store.shutdown(), 0);
            test
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn data(&self) -> PathBuf {
            self.path("data")
        }

        fn file(&self) -> PathBuf {
            self.path("desk.tar")
        }

        fn back_up(&self) -> Summary {
            back_up(&self.data(), &self.file(), now()).unwrap()
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-11-23T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_is_backed_up_is_restored_byte_for_byte() {
        let test = BackupTest::new();
        let backed_up = test.back_up();
        assert_eq!(backed_up.recordings, 2);
        let restored = restore(&test.file(), &test.path("new/data"), false, now()).unwrap();
        assert_eq!(restored, backed_up);
        assert_eq!(fs::read(test.path("new/data").join(WAV)).unwrap(), b"RIFF spoken");
        verify_database(&test.path("new/data").join(DATABASE)).unwrap();
        let left: Vec<_> = fs::read_dir(test.path("new/data")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(!test.path("desk.tar.partial").exists() && !test.path("desk.tar.db.partial").exists());
    }

    #[test]
    fn the_desks_own_prompts_are_backed_up_with_the_rest() {
        let test = BackupTest::new();
        let prompt = "prompts/zh/welcome.wav";
        fs::create_dir_all(test.data().join("prompts/zh")).unwrap();
        fs::write(test.data().join(prompt), b"RIFF welcome").unwrap();
        assert_eq!(test.back_up().recordings, 2, "a prompt is no recording of a caller");
        restore(&test.file(), &test.path("new/data"), false, now()).unwrap();
        assert_eq!(fs::read(test.path("new/data").join(prompt)).unwrap(), b"RIFF welcome");
        // With force the old ones go aside with the rest.
        restore(&test.file(), &test.path("new/data"), true, now()).unwrap();
        assert_eq!(fs::read(test.path("new/data").join(prompt)).unwrap(), b"RIFF welcome");
    }

    #[cfg(unix)]
    #[test]
    fn r12_a_backup_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let test = BackupTest::new();
        test.back_up();
        assert_eq!(fs::metadata(test.file()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_folder_in_use_is_refused_and_with_force_put_aside() {
        let test = BackupTest::new();
        test.back_up();
        fs::write(test.data().join(WAV), b"newer").unwrap();
        fs::write(test.data().join("frontdesk.db-wal"), b"journal").unwrap();
        assert!(matches!(restore(&test.file(), &test.data(), false, now()), Err(BackupError::NotEmpty(_))));
        assert_eq!(fs::read(test.data().join(WAV)).unwrap(), b"newer");
        restore(&test.file(), &test.data(), true, now()).unwrap();
        assert_eq!(fs::read(test.data().join(WAV)).unwrap(), b"RIFF spoken");
        assert!(!test.data().join("frontdesk.db-wal").exists());
        let aside = test.data().join("replaced-20261123T080000.000Z");
        assert_eq!(fs::read(aside.join(WAV)).unwrap(), b"newer");
    }

    #[test]
    fn a_running_lines_data_is_not_replaced() {
        let test = BackupTest::new();
        test.back_up();
        let line = own_database(&test.data().join(DATABASE)).unwrap();
        let result = restore(&test.file(), &test.data(), true, now());
        assert!(matches!(result, Err(BackupError::Database(StoreError::InUse { .. }))), "{result:?}");
        drop(line);
        restore(&test.file(), &test.data(), true, now()).unwrap();
    }

    #[test]
    fn a_backup_cut_anywhere_restores_nothing() {
        let test = BackupTest::new();
        test.back_up();
        let whole = fs::read(test.file()).unwrap();
        let target = test.path("target");
        let end = whole.iter().rposition(|b| *b != 0).unwrap();
        for cut in (0..end).step_by(512).chain([end - 1]) {
            fs::write(test.path("cut.tar"), &whole[..cut]).unwrap();
            assert!(restore(&test.path("cut.tar"), &target, false, now()).is_err(), "cut at {cut}");
            assert_eq!(fs::read_dir(&target).unwrap().count(), 0, "cut at {cut}");
        }
    }

    #[test]
    fn a_backup_writes_nowhere_but_where_it_belongs() {
        for name in ["../evil", "/etc/evil", "recordings/../../evil", "evil", "recordings", "frontdesk.db/x", "."] {
            assert!(!belongs(Path::new(name)), "{name}");
        }
        assert!(belongs(Path::new(DATABASE)) && belongs(Path::new(WAV)));
    }

    #[test]
    fn a_link_among_the_recordings_is_not_followed() {
        let test = BackupTest::new();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/hostname", test.data().join("recordings/link.wav")).unwrap();
        assert_eq!(test.back_up().recordings, 2);
    }

    #[test]
    fn a_folder_without_a_database_is_no_data_folder() {
        let test = BackupTest::new();
        let result = back_up(&test.path("nowhere"), &test.file(), now());
        assert!(matches!(result, Err(BackupError::NoDatabase(_))));
        fs::write(test.path("other.tar"), vec![b'x'; 2000]).unwrap();
        let result = restore(&test.path("other.tar"), &test.path("target"), false, now());
        assert!(matches!(result, Err(BackupError::NotABackup { .. })));
    }
}
