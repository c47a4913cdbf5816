//! Changes to the people's file that leave the rest of it as it is.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, Value};

/// The table of the person with this extension.
pub(super) fn person_of<'a>(document: &'a mut DocumentMut, extension: &str) -> Option<&'a mut Table> {
    let people = document.get_mut("person")?.as_array_of_tables_mut()?;
    people.iter_mut().find(|p| p.get("extension").and_then(|e| e.as_str()) == Some(extension))
}

/// In place of what there is, with the comment beside it, or below the person's other keys.
pub(super) fn put(person: &mut Table, key: &str, mut value: Value) {
    match person.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            value.decor_mut().clone_from(old.decor());
            *old = value;
        }
        None => drop(person.insert(key, Item::Value(value))),
    }
}

/// The old file or the new one, whatever happens, with the old one's rights.
pub(super) fn write_over(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let written = || {
        // Open to others only once it has the old one's rights.
        let mut file = File::options().write(true).create_new(true).open(&new)?;
        file.set_permissions(fs::metadata(&path)?.permissions())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)
    };
    written().inspect_err(|_| drop(fs::remove_file(&new)))
}

#[cfg(test)]
mod tests {
    use super::*;

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
