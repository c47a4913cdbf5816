//! `frontdesk prompts build`: speaks the texts that have no audio, or whose text, voice or desk's name has changed.
//!
//! A folder with a catalogue of its own gets all of that catalogue's prompts. Beyond it, and in a folder without one,
//! only what the built-in prompts lack is made: after a change of the desk's name, the greetings. Studio recordings are
//! never touched, whatever is asked.

pub mod espeak;
pub mod finish;
pub mod service;
mod wasted;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::catalogue::{Catalogue, Entry, LEAD_MS, is_id};
use super::folder::{self, Folder};
use super::manifest::{FILE_NAME, Made, Manifest};
use super::speech::{self, Speech};
use crate::media::clip::Clip;
use crate::types::{Lang, Problem, did_you_mean};

/// Id prefix of the recordings of persons' names.
pub const NAME_PREFIX: &str = "name-";

/// Something that speaks.
pub trait Synthesiser {
    fn speak(&self, speech: &Speech) -> Result<Clip, SynthesisError>;
    /// Its voice, for the manifest, unless it is espeak-ng with the catalogue's.
    fn service_voice(&self) -> Option<&str>;
}

/// Why a text could not be spoken.
#[derive(Debug, thiserror::Error)]
pub enum SynthesisError {
    #[error(
        "espeak-ng is not installed; on Debian or Ubuntu: `apt-get install espeak-ng`, on macOS: `brew install espeak-ng`"
    )]
    EspeakMissing,
    #[error("espeak-ng failed: {0}")]
    Espeak(String),
    #[error("the speech service {0}")]
    Service(String),
    #[error("it came out silent")]
    Silent,
    #[error(
        "the voice {engine:?} can't say {text:?}; give the desk's name in that language, `[desk.names]` in the config"
    )]
    Unsayable { engine: String, text: String },
    #[error("the audio could not be written as FLAC: {0}")]
    Flac(String),
}

/// A person whose name is to be spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub extension: String,
    pub name: String,
}

/// What is to be built.
pub struct BuildOptions<'a> {
    pub dir: PathBuf,
    pub languages: Vec<Lang>,
    /// Only these ids; empty for all.
    pub only: Vec<String>,
    /// Also what is up to date.
    pub force: bool,
    /// Persons whose names get a clip `name-<extension>`.
    pub people: Vec<Person>,
    pub desk_name: &'a dyn Fn(&Lang) -> String,
}

/// What happened to a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Built {
        duration_ms: u64,
    },
    /// Up to date.
    Kept,
    /// A studio recording: left alone.
    Studio,
    /// A generated file that no text asks for any more.
    Removed,
}

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
    Catalogue(Vec<Problem>),
    #[error("no prompt has the id {id:?}{}", near.as_ref().map(|n| format!("; did you mean {n:?}?")).unwrap_or_default())]
    UnknownId { id: String, near: Option<String> },
    #[error("no language {0:?}: neither built in nor a folder with a catalogue.toml")]
    UnknownLanguage(Lang),
    #[error("{lang}/{id}: {fault}")]
    Speech { lang: Lang, id: String, fault: String },
    #[error("{path}: {fault}")]
    Write { path: String, fault: io::Error },
}

/// One language while it is built.
struct Site {
    lang: Lang,
    on_disk: Option<Folder>,
    built_in: Option<Folder>,
    entries: Vec<(Entry, Option<Person>)>,
}

/// Builds what is needed, and tells each step as it is done.
pub fn build(
    options: &BuildOptions<'_>,
    voice: &dyn Synthesiser,
    mut tell: impl FnMut(&Lang, &str, &Step),
) -> Result<(), BuildError> {
    let (sites, catalogues) = survey(options)?;
    for site in &sites {
        let name = (options.desk_name)(&site.lang);
        let mut manifest = site.on_disk.as_ref().map(|f| f.manifest.clone()).unwrap_or_default();
        for (entry, person) in &site.entries {
            if !options.only.is_empty() && !options.only.contains(&entry.id) {
                continue;
            }
            let fault = |fault: String| BuildError::Speech { lang: site.lang.clone(), id: entry.id.clone(), fault };
            let speech = speech::speech_of(&catalogues, &site.lang, entry, &name).map_err(|e| fault(e.to_string()))?;
            let step = match site.need(entry, &speech, options.force) {
                Need::Nothing => Step::Kept,
                Need::Forbidden => Step::Studio,
                Need::Build => {
                    let clip = speak(voice, &speech).map_err(|e| fault(e.to_string()))?;
                    let flac = finish::to_flac(&clip).map_err(|e| fault(e.to_string()))?;
                    manifest.insert(&entry.id, made(voice, &speech, person.as_ref(), &flac));
                    site.write(&options.dir, &entry.id, &flac, &manifest)?;
                    Step::Built { duration_ms: clip.duration_ms() }
                }
            };
            tell(&site.lang, &entry.id, &step);
        }
        if options.only.is_empty() {
            site.remove_orphans(&options.dir, &mut manifest, &mut tell)?;
        }
    }
    Ok(())
}

fn speak(voice: &dyn Synthesiser, speech: &Speech) -> Result<Clip, SynthesisError> {
    if voice.service_voice().is_none() && speech.unsayable() {
        return Err(SynthesisError::Unsayable { engine: speech.voice.engine.clone(), text: speech.text.clone() });
    }
    finish::finish(&voice.speak(speech)?, speech.lead_ms)
}

fn made(voice: &dyn Synthesiser, speech: &Speech, person: Option<&Person>, flac: &[u8]) -> Made {
    let service_voice = voice.service_voice().map(str::to_owned);
    Made {
        speech: service_voice.as_deref().map_or_else(|| speech.espeak_hash(), |voice| speech.service_hash(voice)),
        audio: speech::hash(flac),
        service_voice,
        desk_name: speech.desk_name.clone(),
        person: person.map(|p| p.name.clone()),
    }
}

/// Reads all folders; faults in catalogues stop the build before anything is written.
fn survey(options: &BuildOptions<'_>) -> Result<(Vec<Site>, BTreeMap<Lang, Catalogue>), BuildError> {
    let (mut sites, mut catalogues, mut problems) = (Vec::new(), BTreeMap::new(), Vec::new());
    for lang in options.languages.iter().chain(&folder::built_in_languages()) {
        if catalogues.contains_key(lang) {
            continue;
        }
        let on_disk = folder::read(&options.dir, lang, &mut problems);
        let built_in = folder::built_in(lang);
        let base = built_in.as_ref().map(|f| f.catalogue.clone());
        let over = on_disk.as_ref().filter(|f| f.has_catalogue).map(|f| f.catalogue.clone());
        let catalogue = match (base, over) {
            (Some(base), Some(over)) => base.overlaid(over),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return Err(BuildError::UnknownLanguage(lang.clone())),
        };
        if options.languages.contains(lang) {
            let entries = entries(&catalogue, &options.people);
            sites.push(Site { lang: lang.clone(), on_disk, built_in, entries });
        }
        catalogues.insert(lang.clone(), catalogue);
    }
    if !problems.is_empty() {
        return Err(BuildError::Catalogue(problems));
    }
    let known: BTreeSet<&str> = sites.iter().flat_map(|s| s.entries.iter().map(|(e, _)| e.id.as_str())).collect();
    if let Some(id) = options.only.iter().find(|id| !known.contains(id.as_str())) {
        let near = did_you_mean(id, known).map(str::to_owned);
        return Err(BuildError::UnknownId { id: id.clone(), near });
    }
    Ok((sites, catalogues))
}

/// The catalogue's texts and the names of people; a name in hanzi is spoken in Mandarin whatever the folder.
fn entries(catalogue: &Catalogue, people: &[Person]) -> Vec<(Entry, Option<Person>)> {
    let mut out: Vec<_> = catalogue.entries.iter().map(|e| (e.clone(), None)).collect();
    for person in people {
        let id = format!("{NAME_PREFIX}{}", person.extension.to_ascii_lowercase());
        if !is_id(&id) || catalogue.entry(&id).is_some() {
            continue;
        }
        let entry = Entry {
            id,
            group: "people".to_owned(),
            text: person.name.clone(),
            pinyin: None,
            lang: person.name.chars().any(speech::is_hanzi).then(|| Lang::new("zh")),
            lead_ms: LEAD_MS / 10,
            allow: Vec::new(),
            note: None,
            line: 0,
        };
        out.push((entry, Some(person.clone())));
    }
    out
}

enum Need {
    Build,
    Nothing,
    Forbidden,
}

impl Site {
    fn need(&self, entry: &Entry, speech: &Speech, force: bool) -> Need {
        let is_current = |folder: &Folder| match folder.made(&entry.id) {
            Some(made) => !made.is_stale(speech),
            None => folder.audio.contains_key(&entry.id),
        };
        if let Some(folder) = self.on_disk.as_ref().filter(|f| f.audio.contains_key(&entry.id)) {
            return match folder.made(&entry.id) {
                None => Need::Forbidden,
                Some(_) if !force && is_current(folder) => Need::Nothing,
                Some(_) => Need::Build,
            };
        }
        let is_own = self.on_disk.as_ref().is_some_and(|f| f.catalogue.entry(&entry.id).is_some());
        if !is_own && !force && self.built_in.as_ref().is_some_and(is_current) { Need::Nothing } else { Need::Build }
    }

    /// Audio first, then the manifest, each whole or not at all.
    fn write(&self, dir: &Path, id: &str, flac: &[u8], manifest: &Manifest) -> Result<(), BuildError> {
        let folder = dir.join(&self.lang.0);
        fs::create_dir_all(&folder).map_err(|fault| write_error(&folder, fault))?;
        write_whole(&folder.join(format!("{id}.flac")), flac)?;
        write_whole(&folder.join(FILE_NAME), manifest.to_toml().as_bytes())
    }

    /// Takes away generated files whose text is gone, and what the manifest says of files that are gone or replaced.
    fn remove_orphans(
        &self,
        dir: &Path,
        manifest: &mut Manifest,
        tell: &mut impl FnMut(&Lang, &str, &Step),
    ) -> Result<(), BuildError> {
        let Some(folder) = &self.on_disk else { return Ok(()) };
        let wanted = |id: &str| id.starts_with(NAME_PREFIX) || self.entries.iter().any(|(e, _)| e.id == id);
        let before = manifest.clone();
        for (id, audio) in folder.audio.iter().filter(|(id, _)| folder.made(id).is_some() && !wanted(id)) {
            let path = Path::new(&audio.file);
            fs::remove_file(path).map_err(|fault| write_error(path, fault))?;
            tell(&self.lang, id, &Step::Removed);
        }
        let lang_dir = dir.join(&self.lang.0);
        manifest.retain(|id| wanted(id) && lang_dir.join(format!("{id}.flac")).exists());
        if *manifest == before {
            return Ok(());
        }
        write_whole(&lang_dir.join(FILE_NAME), manifest.to_toml().as_bytes())
    }
}

fn write_error(path: &Path, fault: io::Error) -> BuildError {
    BuildError::Write { path: path.display().to_string(), fault }
}

/// Writes beside the file and renames, so that a desk that reads it meanwhile finds the old or the new one.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let part = path.with_extension("part");
    fs::write(&part, bytes).and_then(|()| fs::rename(&part, path)).map_err(|fault| write_error(path, fault))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tempfile::TempDir;

    use super::*;
    use crate::media::{tone_gen, wav};

    const NAME: &str = "光明物业项目服务机构";

    /// Speaks a tone, and notes what it was asked to say.
    #[derive(Default)]
    struct Tone {
        said: RefCell<Vec<String>>,
    }

    impl Synthesiser for Tone {
        fn speak(&self, speech: &Speech) -> Result<Clip, SynthesisError> {
            self.said.borrow_mut().push(speech.reading.clone());
            let hz = 300.0 + speech.reading.len() as f64;
            Ok(Clip { rate_hz: 22_050, samples: tone_gen::sine(hz, -12.0, 300, 22_050) })
        }

        fn service_voice(&self) -> Option<&str> {
            None
        }
    }

    fn folder_with(catalogue: &str) -> TempDir {
        let dir = TempDir::new().expect("a temporary folder");
        fs::create_dir(dir.path().join("zh")).expect("it is empty");
        fs::write(dir.path().join("zh/catalogue.toml"), catalogue).expect("it is writable");
        dir
    }

    /// Builds Mandarin for a desk; what was done, kept prompts left out, or the fault.
    fn build_as(dir: &Path, name: &str, change: impl Fn(&mut BuildOptions<'_>)) -> Result<Vec<String>, String> {
        let desk_name = |_: &Lang| name.to_owned();
        let mut options = BuildOptions {
            dir: dir.to_owned(),
            languages: vec![Lang::new("zh")],
            only: vec![],
            force: false,
            people: vec![],
            desk_name: &desk_name,
        };
        change(&mut options);
        let mut steps = Vec::new();
        let told = build(&options, &Tone::default(), |_, id, step| match step {
            Step::Built { .. } => steps.push(format!("built {id}")),
            Step::Studio => steps.push(format!("studio {id}")),
            Step::Removed => steps.push(format!("removed {id}")),
            Step::Kept => {}
        });
        told.map(|()| steps).map_err(|fault| fault.to_string())
    }

    fn studio_wav(path: &Path) -> Vec<u8> {
        let mut file = io::Cursor::new(Vec::new());
        let clip = Clip { rate_hz: 16_000, samples: tone_gen::sine(900.0, -12.0, 400, 16_000) };
        wav::write(&mut file, &clip).expect("memory takes it");
        fs::write(path, file.get_ref()).expect("it is writable");
        file.into_inner()
    }

    const SMALL: &str = "[g]\nnews = \"今天停水。\"\nhello-desk = \"{desk.name}。\"\n";

    #[test]
    fn an_empty_folder_gets_only_what_the_desks_name_changes() {
        let dir = TempDir::new().expect("a temporary folder");
        assert_eq!(build_as(dir.path(), NAME, |_| {}), Ok(vec![]));
        assert_eq!(build_as(dir.path(), "阳光物业", |_| {}), Ok(vec!["built greeting".to_owned()]));
        assert_eq!(build_as(dir.path(), "阳光物业", |_| {}), Ok(vec![]), "it is up to date now");
        assert_eq!(build_as(dir.path(), NAME, |_| {}), Ok(vec!["built greeting".to_owned()]));
    }

    #[test]
    fn a_changed_text_is_spoken_again_and_a_text_that_is_gone_takes_its_file_with_it() {
        let dir = folder_with(SMALL);
        let news = dir.path().join("zh/news.flac");
        assert_eq!(
            build_as(dir.path(), NAME, |_| {}),
            Ok(vec!["built news".to_owned(), "built hello-desk".to_owned()])
        );
        assert_eq!(build_as(dir.path(), NAME, |_| {}), Ok(vec![]));
        let before = fs::read(&news).expect("it was built");
        let changed = SMALL.replace("今天停水", "明天停水");
        fs::write(dir.path().join("zh/catalogue.toml"), changed).expect("writable");
        assert_eq!(build_as(dir.path(), NAME, |_| {}), Ok(vec!["built news".to_owned()]));
        fs::write(dir.path().join("zh/catalogue.toml"), "[g]\nhello-desk = \"{desk.name}。\"\n").expect("writable");
        assert_eq!(build_as(dir.path(), NAME, |_| {}), Ok(vec!["removed news".to_owned()]));
        assert!(!news.exists() && !before.is_empty());
    }

    #[test]
    fn a_studio_recording_wins_for_ever() {
        let dir = folder_with(SMALL);
        build_as(dir.path(), NAME, |_| {}).expect("it builds");
        let flac = dir.path().join("zh/news.flac");
        let recorded = studio_wav(&flac);
        let beside = studio_wav(&dir.path().join("zh/hello-desk.wav"));
        let changed = SMALL.replace("今天停水", "明天停水");
        fs::write(dir.path().join("zh/catalogue.toml"), changed).expect("writable");
        let studio = Ok(vec!["studio news".to_owned(), "studio hello-desk".to_owned()]);
        let own = |o: &mut BuildOptions<'_>| o.only = vec!["news".to_owned(), "hello-desk".to_owned()];
        assert_eq!(build_as(dir.path(), "阳光物业", own), studio);
        let forced = |o: &mut BuildOptions<'_>| {
            own(o);
            o.force = true;
        };
        assert_eq!(build_as(dir.path(), "阳光物业", forced), studio);
        assert_eq!(fs::read(&flac).ok(), Some(recorded));
        assert_eq!(fs::read(dir.path().join("zh/hello-desk.wav")).ok(), Some(beside));
    }

    #[test]
    fn only_and_force_build_what_is_named() {
        let dir = folder_with(SMALL);
        let only = |o: &mut BuildOptions<'_>| o.only = vec!["news".to_owned()];
        assert_eq!(build_as(dir.path(), NAME, only), Ok(vec!["built news".to_owned()]));
        assert_eq!(build_as(dir.path(), NAME, only), Ok(vec![]));
        let forced = |o: &mut BuildOptions<'_>| (o.only, o.force) = (vec!["news".to_owned()], true);
        assert_eq!(build_as(dir.path(), NAME, forced), Ok(vec!["built news".to_owned()]));
        let unknown = build_as(dir.path(), NAME, |o| o.only = vec!["newz".to_owned()]);
        assert_eq!(unknown, Err("no prompt has the id \"newz\"; did you mean \"news\"?".to_owned()));
    }

    #[test]
    fn names_of_people_are_spoken_and_follow_the_directory() {
        let dir = TempDir::new().expect("a temporary folder");
        let person = |name: &str| vec![Person { extension: "801".to_owned(), name: name.to_owned() }];
        assert_eq!(build_as(dir.path(), NAME, |o| o.people = person("张伟")), Ok(vec!["built name-801".to_owned()]));
        assert_eq!(build_as(dir.path(), NAME, |o| o.people = person("张伟")), Ok(vec![]));
        assert_eq!(build_as(dir.path(), NAME, |_| {}), Ok(vec![]), "it is kept when people are not asked for");
        assert_eq!(build_as(dir.path(), NAME, |o| o.people = person("李强")), Ok(vec!["built name-801".to_owned()]));
        let manifest = fs::read_to_string(dir.path().join("zh/generated.toml")).expect("it was written");
        assert!(manifest.contains("person = \"李强\""), "{manifest}");
    }

    #[test]
    fn a_broken_catalogue_stops_the_build_before_anything_is_written() {
        let dir = folder_with("[g]\nnews = \"今天停水。\"\nBad = \"x\"\n");
        let fault = build_as(dir.path(), NAME, |_| {}).expect_err("an id is wrong");
        assert!(fault.contains("catalogue.toml:3: \"Bad\" is no id"), "{fault}");
        assert!(!dir.path().join("zh/news.flac").exists());
        let fault = build_as(dir.path(), NAME, |o| o.languages = vec![Lang::new("fr")]).expect_err("no such language");
        assert!(fault.contains("no language"), "{fault}");
    }

    #[test]
    fn a_voice_is_not_made_to_say_another_script() {
        let dir = TempDir::new().expect("a temporary folder");
        let fault = build_as(dir.path(), "阳光物业", |o| o.languages = vec![Lang::new("en")]).expect_err("hanzi");
        assert!(fault.contains("`[desk.names]`"), "{fault}");
    }

    /// espeak-ng of the version that made the committed prompts gives the same bytes again; CI installs it.
    #[test]
    fn the_committed_prompts_are_what_espeak_makes_of_the_catalogue() {
        let espeak = espeak::Espeak::default();
        if !espeak.is_installed() {
            eprintln!("espeak-ng is not installed: nothing to compare with");
            return;
        }
        let dir = TempDir::new().expect("a temporary folder");
        let desk_name = |_: &Lang| NAME.to_owned();
        let only = vec!["greeting".to_owned(), "place-ask".to_owned(), "digit-0".to_owned()];
        let options = BuildOptions {
            dir: dir.path().to_owned(),
            languages: vec![Lang::new("zh"), Lang::new("en")],
            only: only.clone(),
            force: true,
            people: vec![],
            desk_name: &desk_name,
        };
        build(&options, &espeak, |_, _, _| {}).expect("espeak-ng speaks");
        for lang in ["zh", "en"] {
            for id in &only {
                let made = fs::read(dir.path().join(format!("{lang}/{id}.flac"))).expect("it was built");
                let committed = folder::built_in(&Lang::new(lang)).expect("it is built in").audio[id].bytes.clone();
                assert!(made == *committed, "{lang}/{id}: {} and {} bytes", made.len(), committed.len());
            }
        }
    }
}
