//! One language's folder as it lies there: in the binary, or on disk. All bytes are read once and kept in memory, so
//! that a disk that goes bad later harms no call.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use include_dir::{Dir, include_dir};

use super::catalogue::{CATALOGUE_BYTES_MAX, Catalogue, PROMPTS_MAX, is_id};
use super::header::{AudioInfo, Format};
use super::manifest::{FILE_NAME, Made, Manifest};
use crate::types::{Lang, Problem};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/prompts");

/// Largest audio file that is taken: ten minutes of 16-bit audio at 16 kHz.
pub const AUDIO_BYTES_MAX: u64 = 20 << 20;
/// Most bytes of audio that one language keeps in memory.
pub const FOLDER_BYTES_MAX: u64 = 256 << 20;

/// A prompt's audio file, whole.
#[derive(Debug, Clone)]
pub struct AudioFile {
    /// Its path, as problems name it.
    pub file: String,
    pub bytes: Cow<'static, [u8]>,
    pub info: AudioInfo,
}

/// A language's folder.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Its path, as problems name it.
    pub path: String,
    /// Whether it has a catalogue of its own.
    pub has_catalogue: bool,
    pub catalogue: Catalogue,
    pub manifest: Manifest,
    /// Usable files by id.
    pub audio: BTreeMap<String, AudioFile>,
}

impl Folder {
    /// How an id's audio was generated; `None` for a studio recording, or when there is no audio.
    pub fn made(&self, id: &str) -> Option<&Made> {
        self.manifest.made(id, &self.audio.get(id)?.bytes)
    }
}

/// Languages that are inside the binary.
pub fn built_in_languages() -> Vec<Lang> {
    BUILT_IN.dirs().filter_map(|dir| dir.path().file_name()?.to_str()).map(Lang::new).collect()
}

/// A language's folder inside the binary.
pub fn built_in(lang: &Lang) -> Option<Folder> {
    let dir = BUILT_IN.get_dir(&lang.0)?;
    let files = dir.files().filter_map(|file| {
        Some(Found { name: file.path().file_name()?.to_str()?.to_owned(), bytes: Cow::Borrowed(file.contents()) })
    });
    // Its faults are found by a test of the whole built-in content, not by every start.
    Some(assemble(lang, &format!("built-in prompts/{lang}"), files, &mut Vec::new()))
}

/// A language's folder on disk, `dir/<lang>`; `None` when there is none. Faults are reported, the rest is used.
pub fn read(dir: &Path, lang: &Lang, problems: &mut Vec<Problem>) -> Option<Folder> {
    let path = dir.join(&lang.0);
    let label = path.display().to_string();
    let names = match file_names(&path) {
        Ok(names) => names,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return None,
        Err(fault) => {
            problems.push(problem(&label, format!("the folder can't be read: {fault}"), "make it readable"));
            return None;
        }
    };
    let mut total: u64 = 0;
    let mut found = Vec::new();
    for name in names {
        let file = format!("{label}/{name}");
        match read_file(&path.join(&name), limit_of(&name)) {
            Ok(bytes) => {
                total += bytes.len() as u64;
                if total > FOLDER_BYTES_MAX {
                    let what = format!("the folder is larger than {} MB", FOLDER_BYTES_MAX >> 20);
                    problems.push(problem(&label, what, "save the prompts as FLAC, 16 kHz mono"));
                    break;
                }
                found.push(Found { name, bytes: Cow::Owned(bytes) });
            }
            Err(fault) => {
                problems.push(problem(&file, format!("it can't be read: {fault}"), "make it readable, or delete it"))
            }
        }
    }
    Some(assemble(lang, &label, found.into_iter(), problems))
}

struct Found {
    name: String,
    bytes: Cow<'static, [u8]>,
}

const CATALOGUE: &str = "catalogue.toml";

/// Sorted names of the files that belong to a folder of prompts; others are left alone.
fn file_names(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for item in fs::read_dir(path)? {
        let Ok(name) = item?.file_name().into_string() else { continue };
        if name == CATALOGUE || name == FILE_NAME || id_of(&name).is_some() {
            names.push(name);
        }
        if names.len() > PROMPTS_MAX {
            return Err(io::Error::other(format!("it holds more than {PROMPTS_MAX} files")));
        }
    }
    names.sort();
    Ok(names)
}

/// The id of an audio file's name.
fn id_of(name: &str) -> Option<&str> {
    let (id, extension) = name.rsplit_once('.')?;
    ((extension == "wav" || extension == "flac") && !id.starts_with('.')).then_some(id)
}

fn limit_of(name: &str) -> u64 {
    if id_of(name).is_some() { AUDIO_BYTES_MAX } else { CATALOGUE_BYTES_MAX }
}

fn read_file(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let meta = fs::metadata(path)?;
    if !meta.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if meta.len() > bytes_max {
        return Err(io::Error::other(format!("it is larger than {} MB", bytes_max >> 20)));
    }
    fs::read(path)
}

fn assemble(lang: &Lang, path: &str, found: impl Iterator<Item = Found>, problems: &mut Vec<Problem>) -> Folder {
    let mut folder = Folder {
        path: path.to_owned(),
        has_catalogue: false,
        catalogue: Catalogue::empty(lang, &format!("{path}/{CATALOGUE}")),
        manifest: Manifest::default(),
        audio: BTreeMap::new(),
    };
    let mut audio = Vec::new();
    for Found { name, bytes } in found {
        let file = format!("{path}/{name}");
        match name.as_str() {
            CATALOGUE => {
                let (catalogue, faults) = Catalogue::parse(lang, &file, &String::from_utf8_lossy(&bytes));
                folder.has_catalogue = true;
                folder.catalogue = catalogue;
                problems.extend(faults);
            }
            FILE_NAME => match Manifest::parse(&file, &String::from_utf8_lossy(&bytes)) {
                Ok(manifest) => folder.manifest = manifest,
                Err(fault) => problems.push(fault),
            },
            _ => audio.push(Found { name, bytes }),
        }
    }
    for one in audio {
        take_audio(&mut folder, one, problems);
    }
    folder
}

/// Adds a file if it is usable. Of two for one id the studio's wins; of two from the studio, the WAV.
fn take_audio(folder: &mut Folder, found: Found, problems: &mut Vec<Problem>) {
    let file = format!("{}/{}", folder.path, found.name);
    let Some(id) = id_of(&found.name) else { return };
    if !is_id(id) {
        let remedy = "rename it to its prompt's id: lower-case words with dashes";
        return problems.push(problem(&file, "its name is no prompt's id".to_owned(), remedy));
    }
    let info = match AudioInfo::read(&found.bytes) {
        Ok(info) => info,
        Err(fault) => {
            let remedy = "save it as WAV or FLAC, 16 kHz, mono, 16 bits; until then the built-in prompt is played";
            return problems.push(problem(&file, fault.to_string(), remedy));
        }
    };
    let is_studio = folder.manifest.made(id, &found.bytes).is_none();
    let is_wav = info.format == Format::Wav;
    if folder.audio.contains_key(id) && !(is_studio && (is_wav || folder.made(id).is_some())) {
        return;
    }
    folder.audio.insert(id.to_owned(), AudioFile { file, bytes: found.bytes, info });
}

pub(super) fn problem(file: &str, what: String, remedy: &str) -> Problem {
    Problem { file: file.to_owned(), line: None, what, remedy: remedy.to_owned() }
}
