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
use super::{Fingerprint, OWN_PROMPTS, Refusal, Setup};
use crate::desk::errand::{ErrandId, ErrandKind};
use crate::desk::told::{Told, told};
use crate::media::clip::Clip;
use crate::media::flac::{self, FlacError};
use crate::media::wav::{self, WavError};
use crate::prompts::builder::finish::{self, LEVEL_DBFS, speech_level_dbfs};
use crate::prompts::catalogue::{Catalogue, DESK_NAME, LEAD_MS, is_id};
use crate::prompts::library::{Heard, Origin, decode};
use crate::prompts::lint;
use crate::site::Site;
use crate::types::{Lang, RecordingId};

/// Bytes of an upload.
pub const UPLOAD_BYTES_MAX: usize = 10_000_000;
/// Longer nobody listens.
const LONGEST_MS: u64 = 120_000;
const SHORTEST_MS: u64 = 80;
/// A voice in more channels is a mistake.
const CHANNELS_MAX: u32 = 2;
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
    /// Without an own recording something else is heard: what is built in, or was built for this desk.
    pub has_beneath: bool,
    /// How long the recording is that waits to be accepted.
    pub offered_ms: Option<u64>,
    /// Which recording that is: who accepts or drops it has heard this one.
    pub offered: Option<Fingerprint>,
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
    /// Neither WAV nor FLAC, or none that can be used: why.
    NoAudio(Told),
    TooLong,
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

impl From<FlacError> for Unusable {
    fn from(fault: FlacError) -> Self {
        let en = fault.to_string();
        Unusable::NoAudio(match fault {
            FlacError::TooLong { .. } => return Unusable::TooLong,
            FlacError::Unreadable(_) => Told::new("文件不完整，或者不是 FLAC", en),
            FlacError::Rate(hz) => told!("采样率 {hz} Hz 不能使用，请存为 16000 Hz", "{en}"),
            FlacError::Channels(count) => told!("有 {count} 个声道，请存为单声道", "{en}"),
        })
    }
}

impl From<WavError> for Unusable {
    fn from(fault: WavError) -> Self {
        let en = fault.to_string();
        Unusable::NoAudio(match fault {
            WavError::TooLong | WavError::Full => return Unusable::TooLong,
            WavError::Unreadable(_) | WavError::Io(_) => Told::new("文件不完整，或者不是 WAV", en),
            WavError::Format(_) => Told::new("编码不能使用，请存为 16 位 PCM", en),
            WavError::Rate(hz) => told!("采样率 {hz} Hz 不能使用，请存为 16000 Hz", "{en}"),
        })
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
        // A small file may hold hours of silence.
        flac::read_at_most(bytes, LONGEST_MS, CHANNELS_MAX)?
    } else {
        wav::read(bytes)?
    };
    let ms = clip.duration_ms();
    if ms > LONGEST_MS {
        return Err(Unusable::TooLong);
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

    fn voice(&self, site: &Site, lang: &Lang, id: &str) -> Voice {
        let text = site.prompts.entry(lang, id).map(|entry| entry.text.clone()).unwrap_or_default();
        let heard = site.prompts.heard(lang, id);
        // What `prompts build` makes is FLAC, and stands beside the desk's own WAV.
        let other = |file: &str| ["flac", "wav"].map(|kind| Path::new(file).with_extension(kind));
        let beside = |file: &str| other(file).iter().any(|path| path != Path::new(file) && path.is_file());
        let (offered, offered_ms) = self.offer_bytes(lang, id).map_or((None, None), |bytes| {
            let clip = wav::read(&bytes[..]).ok();
            (clip.is_some().then(|| Fingerprint::of_bytes(&bytes)), clip.as_ref().map(Clip::duration_ms))
        });
        Voice {
            lang: lang.clone(),
            text: text.replace(DESK_NAME, site.config.desk.name_in(lang)),
            audio: heard.map(|heard| (heard.audio.info.duration_ms(), provenance(heard))),
            has_beneath: heard.is_some_and(|heard| heard.has_spare || beside(&heard.audio.file)),
            offered_ms,
            offered,
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
        // Marked only once it is offered: what the disk did not give now it may give later, and what is no use is told again.
        let offer = self.offer_file(lang, id, recording)?;
        put(&mark, errand.0.to_string().as_bytes())?;
        Ok(Some(offer))
    }

    fn offer_file(&self, lang: &Lang, id: &str, recording: &RecordingId) -> Result<Offer, Unusable> {
        let relative = Path::new(&recording.0);
        let path = self.data().join("recordings").join(relative);
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            let name = &recording.0;
            return Err(Refusal::Gone(told!("录音 {name}", "recording {name}")).into());
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
    pub fn accept_prompt(&self, lang: &Lang, id: &str, heard: &Fingerprint) -> Result<PathBuf, Refusal> {
        let site = self.site();
        self.known(&site, lang, id)?;
        let _alone = self.0.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bytes = self.offer_heard(lang, id, heard)?;
        let path = self.own_folder(lang).join(format!("{id}.wav"));
        // The old one is safe before the new one takes its place.
        let kept = self.offer_path(lang, id).with_extension("replaced.wav");
        let before = self.own_file(&site, lang, id);
        let mut can_be_offered = false;
        if let Some(old) = &before {
            let raw = fs::read(old).map_err(|error| Refusal::disk(old, &error))?;
            let plain = clip_of(&raw).as_ref().and_then(wav_bytes);
            can_be_offered = plain.is_some();
            put(&kept, &plain.unwrap_or(raw))?;
        }
        put(&path, &bytes)?;
        match before {
            Some(old) => {
                if can_be_offered {
                    let offer = self.offer_path(lang, id);
                    fs::rename(&kept, &offer).map_err(|error| Refusal::disk(&offer, &error))?;
                } else {
                    self.forget(lang, id)?;
                }
                if old != path {
                    let _ = fs::remove_file(old);
                }
            }
            None => self.forget(lang, id)?,
        }
        Ok(path)
    }

    /// The own recording goes, and is offered from now on: what is built in is heard again, or what `prompts build` made. Where
    /// there is neither, the prompt has no audio any more, if nothing needs it.
    ///
    /// # Errors
    /// Why nothing was changed: also where the desk would be at fault without it.
    pub fn restore_prompt(&self, lang: &Lang, id: &str) -> Result<(), Refusal> {
        let site = self.site();
        self.known(&site, lang, id)?;
        let _alone = self.0.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let path = self.own_file(&site, lang, id).ok_or_else(|| {
            let name = format!("{lang}/{id}");
            Refusal::Gone(told!("提示音 {name} 自己的录音", "an own recording of {name}"))
        })?;
        let raw = fs::read(&path).map_err(|error| Refusal::disk(&path, &error))?;
        // No name of a prompt: it is not read there.
        let mut aside = path.clone().into_os_string();
        aside.push(".aside");
        let aside = PathBuf::from(aside);
        fs::rename(&path, &aside).map_err(|error| Refusal::disk(&path, &error))?;
        let gone = self.config().and_then(Site::load).map_err(Refusal::Faults).and_then(|_| match clip_of(&raw) {
            Some(clip) => self.put_offer(lang, id, &clip),
            None => put(&self.offer_path(lang, id).with_extension("replaced.wav"), &raw),
        });
        match gone {
            Ok(()) => fs::remove_file(&aside).map_err(|error| Refusal::disk(&aside, &error)),
            Err(refusal) => {
                fs::rename(&aside, &path).map_err(|error| Refusal::disk(&path, &error))?;
                Err(refusal)
            }
        }
    }

    /// Nothing is offered any more.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn drop_offer(&self, lang: &Lang, id: &str, heard: &Fingerprint) -> Result<(), Refusal> {
        self.known(&self.site(), lang, id)?;
        let _alone = self.0.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.offer_heard(lang, id, heard)?;
        self.forget(lang, id)
    }

    /// What is offered, where it is what was heard.
    fn offer_heard(&self, lang: &Lang, id: &str, heard: &Fingerprint) -> Result<Vec<u8>, Refusal> {
        let bytes = self.offer_bytes(lang, id).filter(|bytes| wav::read(&bytes[..]).is_ok());
        let bytes = bytes.ok_or_else(|| {
            let name = format!("{lang}/{id}");
            Refusal::Gone(told!("提示音 {name} 待采用的录音", "a recording of {name} that waits"))
        })?;
        if Fingerprint::of_bytes(&bytes) == *heard { Ok(bytes) } else { Err(Refusal::OtherOffer) }
    }

    /// The own recording of a prompt as it is on the disk now, which the line may not have read yet.
    fn own_file(&self, site: &Site, lang: &Lang, id: &str) -> Option<PathBuf> {
        let path = self.own_folder(lang).join(format!("{id}.wav"));
        let heard = site.prompts.heard(lang, id);
        let is_built = heard.is_some_and(|heard| {
            provenance(heard) == Provenance::Built && Path::new(&heard.audio.file) == path.as_path()
        });
        if path.is_file() && !is_built {
            return Some(path);
        }
        let heard = heard.filter(|heard| provenance(*heard) == Provenance::Own)?;
        Some(PathBuf::from(&heard.audio.file)).filter(|path| path.is_file())
    }

    /// A prompt of the desk's own, for an answer: its texts by language, which are to be recorded then.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn add_prompt(&self, id: &str, texts: &[(Lang, String)]) -> Result<(), Refusal> {
        let form = |field, zh: &str, en: &str| Err(Refusal::Form { field, what: Told::new(zh, en) });
        let site = self.site();
        if !is_id(id) {
            return form(
                "id",
                "请用小写字母、数字和 -，以字母开头",
                "write small letters, digits and `-`, beginning with a letter",
            );
        }
        if self.prompt(id).is_some() {
            return form("id", "已经有这个编号的提示音", "there is a prompt with this id already");
        }
        let texts: Vec<&(Lang, String)> = texts.iter().filter(|(_, text)| !text.trim().is_empty()).collect();
        if texts.is_empty() {
            return form("text", "请写出要播放的文字，至少一种语言", "write what is said, at least in one language");
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
            let mut document: DocumentMut = now.parse().map_err(|fault| Refusal::unreadable(&path, &fault))?;
            let group = document.entry(OWN_GROUP).or_insert(Item::Table(Table::new()));
            let Some(group) = group.as_table_mut() else {
                return form("id", "请先改正 catalogue.toml", "mend catalogue.toml first");
            };
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
    fn known(&self, site: &Site, lang: &Lang, id: &str) -> Result<(), Refusal> {
        let is_there = site.prompts.heard(lang, id).is_some() || site.prompts.entry(lang, id).is_some();
        let is_there = is_there || site.prompts.has(id);
        let known = site.prompts.languages().contains(lang) && is_there && is_id(id);
        known.then_some(()).ok_or_else(|| Refusal::Gone(told!("提示音 {lang}/{id}", "prompt {lang}/{id}")))
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

    fn offer_bytes(&self, lang: &Lang, id: &str) -> Option<Vec<u8>> {
        fs::read(self.offer_path(lang, id)).ok()
    }

    fn offered(&self, lang: &Lang, id: &str) -> Option<Clip> {
        wav::read(&self.offer_bytes(lang, id)?[..]).ok()
    }

    /// What was offered before is kept beside it under another name, until the next one.
    fn put_offer(&self, lang: &Lang, id: &str, clip: &Clip) -> Result<(), Refusal> {
        let path = self.offer_path(lang, id);
        let bytes = wav_bytes(clip).ok_or_else(|| Refusal::Disk {
            path: path.clone(),
            what: Told::new("写不出录音", "it can't be written as WAV"),
        })?;
        if let Some(before) = self.offer_bytes(lang, id) {
            put(&path.with_extension("before.wav"), &before)?;
        }
        put(&path, &bytes)
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

/// What can be heard in a file; `None` for none.
fn clip_of(bytes: &[u8]) -> Option<Clip> {
    if bytes.starts_with(b"fLaC") { flac::read(bytes).ok() } else { wav::read(bytes).ok() }
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
