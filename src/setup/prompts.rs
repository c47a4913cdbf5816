//! Recordings of the desk's own in the place of built-in prompts (R3): one is offered by upload or by telephone, heard, and
//! then accepted; what it takes the place of is kept as an offer, so that nothing is lost by a wrong click.
//!
//! Own recordings go into the folder that `[prompts] dir` names, else into `prompts/` in the data folder; offers into
//! `offered-prompts/` there. Both hold `LANGUAGE/ID.wav`.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, Value};

use super::toml_file::Draft;
use super::{OWN_PROMPTS, Refusal, Setup};
use crate::desk::errand::{ErrandId, ErrandKind};
use crate::media::clip::Clip;
use crate::media::{flac, wav};
use crate::prompts::builder::finish::{self, LEVEL_DBFS, speech_level_dbfs};
use crate::prompts::catalogue::{Catalogue, DESK_NAME, LEAD_MS, is_id};
use crate::prompts::library::{Heard, Origin, decode};
use crate::prompts::lint;
use crate::types::{Lang, RecordingId};

/// Bytes of an upload.
pub const UPLOAD_BYTES_MAX: usize = 10_000_000;
/// Longer nobody listens.
const LONGEST_MS: u64 = 120_000;
const SHORTEST_MS: u64 = 80;
/// Speech below this has its noise raised with it until both are heard.
const LEVEL_MIN_DBFS: f64 = -42.0;
/// Of 1000 samples so many at full scale are heard as distortion.
const CLIPPED_MAX_PER_1000: usize = 10;
const FULL_SCALE: u16 = 32_700;
/// Where offers wait in the data folder.
const OFFERED: &str = "offered-prompts";
/// The group of prompts of the desk's own in its catalogue.
const OWN_GROUP: &str = "desk";

/// Where a prompt's audio comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// Inside the program.
    BuiltIn,
    /// Spoken by `frontdesk prompts build` for this desk.
    Built,
    /// A recording of the desk's own.
    Own,
}

/// A prompt in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    pub lang: Lang,
    /// With the desk's name in it; empty where there is only audio.
    pub text: String,
    /// How long it is, and where it comes from; none without audio.
    pub audio: Option<(u64, Provenance)>,
    /// How long the recording is that waits to be accepted.
    pub offered_ms: Option<u64>,
}

/// A prompt in all languages of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub id: String,
    pub group: String,
    /// In the order of `[desk] languages`.
    pub voices: Vec<Voice>,
}

/// Which audio of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// What callers hear.
    Now,
    Offered,
}

/// What was done to a recording that is offered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offer {
    pub duration_ms: u64,
    /// Its sampling rate; prompts have 16000 Hz.
    pub rate_hz: u32,
    /// Level of its speech before it was brought to that of all prompts.
    pub level_dbfs: f64,
}

/// What is wrong with a recording.
#[derive(Debug)]
pub enum Unusable {
    TooBig,
    /// Neither WAV nor FLAC, or cut off: what the reader says.
    NoAudio(String),
    TooLong {
        ms: u64,
    },
    TooShort {
        ms: u64,
    },
    Silent,
    TooQuiet {
        dbfs: f64,
    },
    /// So many of 100 samples stand at full scale.
    TooLoud {
        percent: usize,
    },
    Refused(Refusal),
}

impl From<Refusal> for Unusable {
    fn from(refusal: Refusal) -> Self {
        Unusable::Refused(refusal)
    }
}

/// Makes a recording a prompt: 16 kHz, silence cut away and put before it, at the level of all others.
///
/// # Errors
/// What is wrong with it.
pub fn prepare(bytes: &[u8], lead_ms: u32) -> Result<(Clip, Offer), Unusable> {
    if bytes.len() > UPLOAD_BYTES_MAX {
        return Err(Unusable::TooBig);
    }
    let clip = if bytes.starts_with(b"fLaC") {
        flac::read(bytes).map_err(|fault| Unusable::NoAudio(fault.to_string()))?
    } else {
        wav::read(bytes).map_err(|fault| Unusable::NoAudio(fault.to_string()))?
    };
    let ms = clip.duration_ms();
    if ms > LONGEST_MS {
        return Err(Unusable::TooLong { ms });
    }
    let level_dbfs = speech_level_dbfs(&clip.samples, clip.rate_hz);
    if !level_dbfs.is_finite() {
        return Err(if ms < SHORTEST_MS { Unusable::TooShort { ms } } else { Unusable::Silent });
    }
    if level_dbfs < LEVEL_MIN_DBFS {
        return Err(Unusable::TooQuiet { dbfs: level_dbfs });
    }
    let clipped = clip.samples.iter().filter(|sample| sample.unsigned_abs() >= FULL_SCALE).count();
    if clipped * 1000 > clip.samples.len() * CLIPPED_MAX_PER_1000 {
        return Err(Unusable::TooLoud { percent: clipped * 100 / clip.samples.len() });
    }
    let rate_hz = clip.rate_hz;
    let clip = finish::finish(&clip, lead_ms).map_err(|_| Unusable::Silent)?;
    let duration_ms = clip.duration_ms();
    if duration_ms < SHORTEST_MS + u64::from(lead_ms) {
        return Err(Unusable::TooShort { ms });
    }
    Ok((clip, Offer { duration_ms, rate_hz, level_dbfs }))
}

/// The level that prompts are brought to, in dBFS.
pub const LEVEL: f64 = LEVEL_DBFS;

impl Setup {
    /// Every prompt of the line's languages, in the order of the first one's catalogue.
    pub fn prompts(&self) -> Vec<Prompt> {
        let site = self.site();
        let mut prompts: Vec<Prompt> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for listed in site.prompts.list() {
            let place = *places.entry(listed.id.clone()).or_insert_with(|| {
                let voices = site.prompts.languages().iter().map(|lang| self.voice(&site, lang, &listed.id)).collect();
                prompts.push(Prompt { id: listed.id.clone(), group: String::new(), voices });
                prompts.len() - 1
            });
            if prompts[place].group.is_empty() {
                prompts[place].group = listed.group;
            }
        }
        prompts
    }

    /// One prompt in all languages; `None` where there is none of that id.
    pub fn prompt(&self, id: &str) -> Option<Prompt> {
        let site = self.site();
        let entries = site.prompts.languages().iter().filter_map(|lang| site.prompts.entry(lang, id));
        let group = entries.map(|entry| entry.group.clone()).next();
        if group.is_none() && !site.prompts.has(id) {
            return None;
        }
        let voices = site.prompts.languages().iter().map(|lang| self.voice(&site, lang, id)).collect();
        Some(Prompt { id: id.to_owned(), group: group.unwrap_or_default(), voices })
    }

    fn voice(&self, site: &crate::site::Site, lang: &Lang, id: &str) -> Voice {
        let text = site.prompts.entry(lang, id).map(|entry| entry.text.clone()).unwrap_or_default();
        Voice {
            lang: lang.clone(),
            text: text.replace(DESK_NAME, site.config.desk.name_in(lang)),
            audio: site.prompts.heard(lang, id).map(|heard| (heard.audio.info.duration_ms(), provenance(heard))),
            offered_ms: self.offered(lang, id).as_ref().map(Clip::duration_ms),
        }
    }

    /// A prompt's audio as a WAV file; `None` where there is none.
    pub fn prompt_wav(&self, lang: &Lang, id: &str, which: Which) -> Option<Vec<u8>> {
        let site = self.site();
        self.known(&site, lang, id).ok()?;
        let clip = match which {
            Which::Now => decode(site.prompts.heard(lang, id)?.audio).ok()?,
            Which::Offered => self.offered(lang, id)?,
        };
        wav_bytes(&clip)
    }

    /// Takes a recording as one that waits to be accepted.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn offer_prompt(&self, lang: &Lang, id: &str, bytes: &[u8]) -> Result<Offer, Unusable> {
        let site = self.site();
        self.known(&site, lang, id)?;
        let lead_ms = site.prompts.entry(lang, id).map_or(LEAD_MS, |entry| entry.lead_ms);
        let (clip, offer) = prepare(bytes, lead_ms)?;
        self.put_offer(lang, id, &clip)?;
        Ok(offer)
    }

    /// Whether somebody can be called to say a prompt: the flow may have no beginning for such calls.
    pub fn can_record(&self) -> bool {
        self.site().flow.errand(ErrandKind::Prompt, false).is_some()
    }

    /// Takes what was said on a call of the desk's as one that waits to be accepted; `None` where that was done before.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn offer_recording(
        &self,
        lang: &Lang,
        id: &str,
        errand: ErrandId,
        recording: &RecordingId,
    ) -> Result<Option<Offer>, Unusable> {
        self.known(&self.site(), lang, id)?;
        // Of several who look at the same time one takes it.
        let _alone = self.0.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mark = self.offer_path(lang, id).with_extension("errand");
        let taken = fs::read_to_string(&mark).ok().and_then(|text| text.trim().parse::<i64>().ok());
        if taken.is_some_and(|taken| taken >= errand.0) {
            return Ok(None);
        }
        put(&mark, errand.0.to_string().as_bytes())?;
        self.offer_file(lang, id, recording).map(Some)
    }

    fn offer_file(&self, lang: &Lang, id: &str, recording: &RecordingId) -> Result<Offer, Unusable> {
        let relative = Path::new(&recording.0);
        let path = self.data().join("recordings").join(relative);
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(Refusal::Gone(format!("recording {}", recording.0)).into());
        }
        let size = fs::metadata(&path).map_err(|error| Refusal::disk(&path, &error))?.len();
        if size > UPLOAD_BYTES_MAX as u64 {
            return Err(Unusable::TooBig);
        }
        let bytes = fs::read(&path).map_err(|error| Refusal::disk(&path, &error))?;
        self.offer_prompt(lang, id, &bytes)
    }

    /// Callers hear what was offered as soon as the daemon has read its prompts again. An own recording that it takes the place
    /// of is offered from now on.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn accept_prompt(&self, lang: &Lang, id: &str) -> Result<PathBuf, Refusal> {
        let site = self.site();
        self.known(&site, lang, id)?;
        let _alone = self.0.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let offered = self.offered(lang, id).ok_or_else(|| Refusal::Gone(format!("a recording of {id}")))?;
        let bytes = wav_bytes(&offered).ok_or_else(|| Refusal::Gone(format!("a recording of {id}")))?;
        let before = site.prompts.heard(lang, id).filter(|heard| provenance(*heard) == Provenance::Own);
        let before = before.and_then(|heard| Some((PathBuf::from(&heard.audio.file), decode(heard.audio).ok()?)));
        let path = self.own_folder(lang).join(format!("{id}.wav"));
        put(&path, &bytes)?;
        match before {
            Some((old, clip)) => {
                self.put_offer(lang, id, &clip)?;
                if old != path {
                    let _ = fs::remove_file(old);
                }
            }
            None => self.forget(lang, id)?,
        }
        Ok(path)
    }

    /// The built-in prompt is heard again, or the one that `prompts build` made; the own recording is offered from now on.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn restore_prompt(&self, lang: &Lang, id: &str) -> Result<(), Refusal> {
        let site = self.site();
        self.known(&site, lang, id)?;
        let _alone = self.0.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let own = site.prompts.heard(lang, id).filter(|heard| provenance(*heard) == Provenance::Own);
        let own = own.ok_or_else(|| Refusal::Gone(format!("an own recording of {id}")))?;
        let path = PathBuf::from(&own.audio.file);
        if let Ok(clip) = decode(own.audio) {
            self.put_offer(lang, id, &clip)?;
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Refusal::disk(&path, &error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Nothing is offered any more.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn drop_offer(&self, lang: &Lang, id: &str) -> Result<(), Refusal> {
        self.known(&self.site(), lang, id)?;
        self.forget(lang, id)
    }

    /// A prompt of the desk's own, for an answer: its texts by language, which are to be recorded then.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn add_prompt(&self, id: &str, texts: &[(Lang, String)]) -> Result<(), Refusal> {
        let form = |field, what: &str| Err(Refusal::Form { field, what: what.to_owned() });
        let site = self.site();
        if !is_id(id) {
            return form("id", "write small letters, digits and `-`, beginning with a letter");
        }
        if self.prompt(id).is_some() {
            return form("id", "there is a prompt with this id already");
        }
        let texts: Vec<&(Lang, String)> = texts.iter().filter(|(_, text)| !text.trim().is_empty()).collect();
        if texts.is_empty() {
            return form("text", "write what is said, at least in one language");
        }
        let _alone = self.0.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut drafts = Vec::new();
        for (lang, text) in texts.iter().filter(|(lang, _)| site.prompts.languages().contains(lang)) {
            let path = self.own_folder(lang).join("catalogue.toml");
            let now = match fs::read_to_string(&path) {
                Ok(now) => now,
                Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
                Err(error) => return Err(Refusal::disk(&path, &error)),
            };
            let mut document: DocumentMut = now
                .parse()
                .map_err(|fault: toml_edit::TomlError| Refusal::Disk { path: path.clone(), what: fault.to_string() })?;
            let group = document.entry(OWN_GROUP).or_insert(Item::Table(Table::new()));
            let Some(group) = group.as_table_mut() else { return form("id", "mend catalogue.toml first") };
            group.insert(id, Item::Value(Value::from(text.trim())));
            let text = document.to_string();
            let (catalogue, mut faults) = Catalogue::parse(lang, &path.display().to_string(), &text);
            let line = catalogue.entry(id).map(|entry| entry.line);
            faults.extend(lint::texts(&catalogue).into_iter().filter(|fault| fault.line == line));
            if !faults.is_empty() {
                return Err(Refusal::Faults(faults));
            }
            let folder = self.own_folder(lang);
            fs::create_dir_all(&folder).map_err(|error| Refusal::disk(&folder, &error))?;
            drafts.push((Draft::of_new(&path, text).map_err(|error| Refusal::disk(&path, &error))?, path));
        }
        for (draft, path) in drafts {
            draft.put().map_err(|error| Refusal::disk(&path, &error))?;
        }
        Ok(())
    }

    /// Whether there is such a prompt: only what is known becomes the name of a file.
    fn known(&self, site: &crate::site::Site, lang: &Lang, id: &str) -> Result<(), Refusal> {
        let is_there = site.prompts.heard(lang, id).is_some() || site.prompts.entry(lang, id).is_some();
        let is_there = is_there || site.prompts.has(id);
        let known = site.prompts.languages().contains(lang) && is_there && is_id(id);
        known.then_some(()).ok_or_else(|| Refusal::Gone(format!("prompt {lang}/{id}")))
    }

    /// Where recordings of the desk's own are.
    fn own_folder(&self, lang: &Lang) -> PathBuf {
        let site = self.site();
        let dir = site.config.prompts.path().map_or_else(|| self.data().join(OWN_PROMPTS), Path::to_owned);
        dir.join(&lang.0)
    }

    fn offer_path(&self, lang: &Lang, id: &str) -> PathBuf {
        self.data().join(OFFERED).join(&lang.0).join(format!("{id}.wav"))
    }

    fn offered(&self, lang: &Lang, id: &str) -> Option<Clip> {
        wav::read(fs::File::open(self.offer_path(lang, id)).ok()?).ok()
    }

    fn put_offer(&self, lang: &Lang, id: &str, clip: &Clip) -> Result<(), Refusal> {
        let bytes = wav_bytes(clip).ok_or_else(|| Refusal::Gone(format!("a recording of {id}")))?;
        put(&self.offer_path(lang, id), &bytes)
    }

    fn forget(&self, lang: &Lang, id: &str) -> Result<(), Refusal> {
        let path = self.offer_path(lang, id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Refusal::disk(&path, &error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

fn provenance(heard: Heard<'_>) -> Provenance {
    match (heard.is_built_in, heard.origin) {
        (true, _) => Provenance::BuiltIn,
        (false, Origin::Generated(_)) => Provenance::Built,
        (false, Origin::Studio) => Provenance::Own,
    }
}

fn wav_bytes(clip: &Clip) -> Option<Vec<u8>> {
    let mut file = io::Cursor::new(Vec::new());
    wav::write(&mut file, clip).ok()?;
    Some(file.into_inner())
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| Refusal::disk(folder, &error))?;
    Draft::of_new(path, bytes).and_then(Draft::put).map_err(|error| Refusal::disk(path, &error))
}
