//! The files of content that may be changed here: each beside the settings, under the name that they give it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::{Config, Source};
use crate::desk::answers::Answers;
use crate::desk::hours::Hours;
use crate::desk::people::Directory;
use crate::desk::told::{Told, told};

/// A bigger file is none of content.
pub const TEXT_BYTES_MAX: usize = 2 << 20;

/// One of them. Files with passwords are not among them: telephones and trunks are shown, and changed at the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    People,
    Hours,
    Answers,
}

impl Content {
    pub const ALL: [Content; 3] = [Content::People, Content::Hours, Content::Answers];

    /// The section of the settings that names it, and its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Content::People => "people",
            Content::Hours => "hours",
            Content::Answers => "answers",
        }
    }

    /// What it is called where the desk makes it.
    pub const fn file_name(self) -> &'static str {
        match self {
            Content::People => "people.toml",
            Content::Hours => "hours.toml",
            Content::Answers => "answers.toml",
        }
    }

    pub fn built_in(self) -> &'static str {
        match self {
            Content::People => Directory::default_text(),
            Content::Hours => Hours::default_text(),
            Content::Answers => Answers::default_text(),
        }
    }

    pub fn source(self, config: &Config) -> &Source {
        match self {
            Content::People => &config.people,
            Content::Hours => &config.hours,
            Content::Answers => &config.answers,
        }
    }

    pub(super) fn source_mut(self, config: &mut Config) -> &mut Source {
        match self {
            Content::People => &mut config.people,
            Content::Hours => &mut config.hours,
            Content::Answers => &mut config.answers,
        }
    }
}

/// What a text was when somebody saw it: 32 hex digits that are another's for another text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    pub fn of(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    /// Of a recording.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        use sha2::{Digest, Sha256};
        Self(Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }

    /// As a form sends it back.
    pub fn read(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A file of content as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentFile {
    pub text: String,
    pub at: Place,
}

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    File(PathBuf),
    /// None is named, but the settings have a file: one is made beside it at a word.
    BuiltIn {
        settings: PathBuf,
    },
    /// None is named, and there are no settings to name it in.
    NoSettings,
}

impl ContentFile {
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.text)
    }
}

/// A file of content, whole.
pub(super) fn read(path: &Path) -> Result<String, Told> {
    let size = fs::metadata(path).map_err(|error| super::of_disk(&error))?.len();
    if size > TEXT_BYTES_MAX as u64 {
        return Err(told!("文件太大：{size} 字节", "{size} bytes are too many"));
    }
    fs::read_to_string(path).map_err(|error| super::of_disk(&error))
}
