//! Changes to a file of settings or content that leave the rest of it as it is, comments too.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use toml_edit::{DocumentMut, Item, Table, Value};

/// The table of the person with this extension.
pub fn person_of<'a>(document: &'a mut DocumentMut, extension: &str) -> Option<&'a mut Table> {
    let people = document.get_mut("person")?.as_array_of_tables_mut()?;
    people.iter_mut().find(|p| p.get("extension").and_then(|e| e.as_str()) == Some(extension))
}

/// In place of what there is, with the comment beside it, or below the person's other keys.
pub fn put(person: &mut Table, key: &str, mut value: Value) {
    match person.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            value.decor_mut().clone_from(old.decor());
            *old = value;
        }
        None => drop(person.insert(key, Item::Value(value))),
    }
}

/// A new text with the byte order mark and the line ends of the old one, which a parser doesn't keep.
pub fn like(old: &str, new: impl Into<String>) -> String {
    const MARK: char = '\u{feff}';
    let mut text: String = new.into();
    let breaks = old.matches('\n').count();
    if breaks > 0 && old.matches("\r\n").count() == breaks {
        text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    if old.starts_with(MARK) && !text.starts_with(MARK) {
        text.insert(0, MARK);
    }
    text
}

/// The old file or the new one, whatever happens, with the old one's rights.
///
/// # Errors
/// What the disk says; then the old one stands.
pub fn write_over(path: &Path, text: &str) -> io::Result<()> {
    Draft::beside(path, text)?.put()
}

/// A new text for a file that stands beside it, whole and on disk, until it takes its place; goes when it is dropped.
#[derive(Debug)]
pub struct Draft {
    /// Where the draft is.
    new: PathBuf,
    path: PathBuf,
}

/// Drafts of one process have names of their own.
static DRAFTS: AtomicU32 = AtomicU32::new(0);

impl Draft {
    /// For a file that is there: with its rights, and where it really is.
    ///
    /// # Errors
    /// What the disk says.
    pub fn beside(path: &Path, text: impl AsRef<[u8]>) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let rights = fs::metadata(&path)?.permissions();
        Self::write(path, text.as_ref(), Some(rights))
    }

    /// For a file that may not be there yet; its folder is.
    ///
    /// # Errors
    /// What the disk says.
    pub fn of_new(path: &Path, text: impl AsRef<[u8]>) -> io::Result<Self> {
        Self::write(path.to_owned(), text.as_ref(), None)
    }

    /// For a file that is there, with its rights, beside this very name of it: a link's own folder. It is to be read there, and
    /// not to be put in the link's place.
    ///
    /// # Errors
    /// What the disk says.
    pub fn at(path: &Path, text: impl AsRef<[u8]>) -> io::Result<Self> {
        let rights = fs::metadata(path)?.permissions();
        Self::write(path.to_owned(), text.as_ref(), Some(rights))
    }

    fn write(path: PathBuf, text: &[u8], rights: Option<fs::Permissions>) -> io::Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}-{}.new", std::process::id(), DRAFTS.fetch_add(1, Ordering::Relaxed)));
        // Open to others only once it has the old one's rights.
        let new = path.with_file_name(name);
        let mut file = File::options().write(true).create_new(true).open(&new)?;
        let draft = Self { new, path };
        if let Some(rights) = rights {
            file.set_permissions(rights)?;
        }
        file.write_all(text)?;
        file.sync_all()?;
        Ok(draft)
    }

    /// Where it can be read.
    pub fn drafted(&self) -> &Path {
        &self.new
    }

    /// Takes the file's place.
    ///
    /// # Errors
    /// What the disk says; then the old file stands.
    pub fn put(self) -> io::Result<()> {
        fs::rename(&self.new, &self.path)?;
        // After a crash the new name is still there. Where the folder can't be synced, the file is in place all the same.
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Where it has taken its place it is no more.
        let _ = fs::remove_file(&self.new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_that_is_not_put_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("people.toml");
        fs::write(&path, "old").expect("it is writable");
        let draft = Draft::beside(&path, "new").expect("it is writable");
        assert_eq!(fs::read_to_string(draft.drafted()).expect("it is there"), "new");
        drop(draft);
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "old");
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1, "nothing else is left");
    }

    #[test]
    fn the_file_is_replaced_whole_with_its_rights() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("people.toml");
        fs::write(&path, "old").expect("it is writable");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
        write_over(&path, "new").expect("it is writable");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "new");
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1, "nothing else is left");
    }
}
