//! The prompts of a running desk: built-in ones with the site's laid over them, encoded when they are first heard.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::OnceLock;

use super::catalogue::{Catalogue, DESK_NAME, Entry};
use super::clip::{self, Clip, SILENCE_MS_MAX};
use super::folder::{self, AudioFile, Folder, problem};
use super::header::Format;
use super::manifest::Made;
use super::speech::{self, Speech};
use crate::flow::io::Say;
use crate::media::io::Encoded;
use crate::media::{clip as audio, codec, flac, tone_gen, wav};
use crate::types::{Codec, Lang, Problem, RecordingId};

/// What a library is made of.
pub struct LibraryOptions<'a> {
    /// `[prompts] dir`: laid over the built-in prompts.
    pub dir: Option<PathBuf>,
    /// `[desk] languages`, the first one stands in for what another lacks.
    pub languages: Vec<Lang>,
    /// The desk's name as the config has it for a language.
    pub desk_name: &'a dyn Fn(&Lang) -> String,
}

/// All prompts, shared by all calls.
pub struct Library {
    languages: Vec<Lang>,
    shelves: BTreeMap<Lang, Shelf>,
    beep: PerCodec<Encoded>,
}

/// One language's prompts.
struct Shelf {
    catalogue: Catalogue,
    prompts: BTreeMap<String, Prompt>,
}

/// Where a prompt's audio comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Generated(Made),
    Studio,
}

struct Prompt {
    audio: AudioFile,
    origin: Origin,
    is_built_in: bool,
    /// The built-in audio of the same id, in case the site's can't be decoded.
    spare: Option<AudioFile>,
    encoded: PerCodec<Option<Encoded>>,
}

type PerCodec<T> = [OnceLock<T>; Codec::ALL.len()];

/// One thing to be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sound {
    Encoded(Encoded),
    /// To be read from disk by the caller of [`Library::sounds`].
    Recording(RecordingId),
}

/// What clips came to, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sounds {
    pub sounds: Vec<Sound>,
    /// Prompts that exist in no language, or can't be decoded: left out, and to be counted.
    pub missing: Vec<String>,
}

/// A prompt's audio, and where it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    pub audio: &'a AudioFile,
    pub origin: &'a Origin,
    /// It is inside the program, and not in a folder of the desk.
    pub is_built_in: bool,
    /// There is a built-in one beneath it.
    pub has_spare: bool,
}

/// A line of `frontdesk prompts list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub lang: Lang,
    pub id: String,
    pub group: String,
    pub text: String,
    /// `None` when there is no audio.
    pub audio: Option<(String, u64, Origin)>,
}

impl Library {
    /// Collects the prompts without decoding any: a few milliseconds. Faults are reported, the rest is used.
    pub fn load(options: &LibraryOptions<'_>) -> (Library, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut shelves = BTreeMap::new();
        // Languages beyond those of the line lend their voices: a Mandarin menu offers English in English.
        for lang in options.languages.iter().chain(&folder::built_in_languages()) {
            if shelves.contains_key(lang) {
                continue;
            }
            let built_in = folder::built_in(lang);
            let site = options.dir.as_deref().and_then(|dir| folder::read(dir, lang, &mut problems));
            if let Some(shelf) = Shelf::of(built_in, site) {
                shelves.insert(lang.clone(), shelf);
            }
        }
        for lang in options.languages.iter().filter(|lang| !shelves.contains_key(*lang)) {
            let what = format!("there are no prompts in the language {lang:?}", lang = lang.0);
            problems.push(problem(
                "prompts",
                what,
                "take it out of `[desk] languages`, or add its folder to `[prompts] dir`",
            ));
        }
        let library = Library { languages: options.languages.clone(), shelves, beep: Default::default() };
        problems.extend(library.name_problems(options));
        (library, problems)
    }

    pub fn languages(&self) -> &[Lang] {
        &self.languages
    }

    /// Whether a prompt can be heard in some language of the line.
    pub fn has(&self, id: &str) -> bool {
        self.languages.iter().any(|lang| self.has_in(lang, id))
    }

    /// Whether a prompt has audio in this very language.
    pub fn has_in(&self, lang: &Lang, id: &str) -> bool {
        self.shelves.get(lang).is_some_and(|shelf| shelf.prompts.contains_key(id))
    }

    /// Ids that have audio in some language of the line, sorted: for "did you mean".
    pub fn ids(&self) -> BTreeSet<&str> {
        let shelves = self.languages.iter().filter_map(|lang| self.shelves.get(lang));
        shelves.flat_map(|shelf| shelf.prompts.keys().map(String::as_str)).collect()
    }

    /// A prompt's length as its header says, in ms.
    pub fn duration_ms(&self, lang: &Lang, id: &str) -> Option<u64> {
        Some(self.shelves.get(lang)?.prompts.get(id)?.audio.info.duration_ms())
    }

    /// The id of the recording of a person's name, `name-<extension>`; `None` when it is missing or says another name.
    pub fn name_prompt(&self, extension: &str, name: &str) -> Option<String> {
        let id = format!("name-{}", extension.to_ascii_lowercase());
        let says_it = |prompt: &Prompt| match &prompt.origin {
            Origin::Generated(made) => made.person.as_deref() == Some(name),
            Origin::Studio => true,
        };
        let mut shelves = self.languages.iter().filter_map(|lang| self.shelves.get(lang));
        shelves.any(|shelf| shelf.prompts.get(&id).is_some_and(says_it)).then_some(id)
    }

    /// A prompt in a codec; made once, at its first use. One that the language lacks is taken from the first that has it.
    pub fn encoded(&self, lang: &Lang, id: &str, codec: Codec) -> Option<Encoded> {
        let languages = std::iter::once(lang).chain(self.languages.iter().filter(|other| *other != lang));
        languages
            .filter_map(|lang| self.shelves.get(lang)?.prompts.get(id))
            .find_map(|prompt| prompt.encoded[index(codec)].get_or_init(|| prompt.encode(codec)).clone())
    }

    /// The tone before a recording.
    pub fn beep(&self, codec: Codec) -> Encoded {
        let rate_hz = codec.sample_rate_hz();
        self.beep[index(codec)].get_or_init(|| codec::encode(codec, rate_hz, &tone_gen::beep(rate_hz))).clone()
    }

    /// What a flow says as clips of a language.
    pub fn expand(&self, lang: &Lang, say: &[Say]) -> Vec<Clip> {
        let unknown = |say: &Say| matches!(say, Say::IfKnown(id) if !self.has(id));
        if !say.iter().any(unknown) {
            return clip::expand(lang, say);
        }
        let known: Vec<Say> = say.iter().filter(|say| !unknown(say)).cloned().collect();
        clip::expand(lang, &known)
    }

    /// Clips as they are played.
    pub fn sounds(&self, lang: &Lang, clips: &[Clip], codec: Codec) -> Sounds {
        let mut out = Sounds::default();
        for clip in clips {
            match clip {
                Clip::Prompt(id) => match self.encoded(lang, id, codec) {
                    Some(encoded) => out.sounds.push(Sound::Encoded(encoded)),
                    None => out.missing.push(id.clone()),
                },
                Clip::Beep => out.sounds.push(Sound::Encoded(self.beep(codec))),
                Clip::Silence { ms } => out.sounds.push(Sound::Encoded(silence(codec, *ms))),
                Clip::Recording(id) => out.sounds.push(Sound::Recording(id.clone())),
            }
        }
        out
    }

    /// Encodes everything ahead of its first use, what a call hears first before the rest: for a thread in the background,
    /// which may take a breath in `rest`, called after each piece.
    pub fn warm(&self, codecs: &[Codec], mut rest: impl FnMut()) {
        for codec in codecs {
            self.beep(*codec);
            for first in ["greeting", "main-menu"] {
                for lang in &self.languages {
                    self.encoded(lang, first, *codec);
                    rest();
                }
            }
        }
        for codec in codecs {
            for shelf in self.languages.iter().filter_map(|lang| self.shelves.get(lang)) {
                for prompt in shelf.prompts.values() {
                    prompt.encoded[index(*codec)].get_or_init(|| prompt.encode(*codec));
                    rest();
                }
            }
        }
    }

    /// Every text and every audio file of the line's languages.
    pub fn list(&self) -> Vec<Listed> {
        let mut out = Vec::new();
        for (lang, shelf) in self.languages.iter().filter_map(|lang| Some((lang, self.shelves.get(lang)?))) {
            let audio = |id: &str| {
                let prompt = shelf.prompts.get(id)?;
                Some((prompt.audio.file.clone(), prompt.audio.info.duration_ms(), prompt.origin.clone()))
            };
            let listed = |id: &str, group: &str, text: &str| Listed {
                lang: lang.clone(),
                id: id.to_owned(),
                group: group.to_owned(),
                text: text.to_owned(),
                audio: audio(id),
            };
            out.extend(shelf.catalogue.entries.iter().map(|e| listed(&e.id, &e.group, &e.text)));
            let extra = shelf.prompts.keys().filter(|id| shelf.catalogue.entry(id).is_none());
            out.extend(extra.map(|id| listed(id, "", "")));
        }
        out
    }

    /// Generated prompts that say another name than the desk's (R3). A studio's recording is taken to be right.
    fn name_problems(&self, options: &LibraryOptions<'_>) -> Vec<Problem> {
        let mut out = Vec::new();
        for (lang, shelf) in self.languages.iter().filter_map(|lang| Some((lang, self.shelves.get(lang)?))) {
            let name = (options.desk_name)(lang);
            for entry in shelf.catalogue.entries.iter().filter(|e| e.text.contains(DESK_NAME)) {
                let Some(prompt) = shelf.prompts.get(&entry.id) else { continue };
                let Origin::Generated(made) = &prompt.origin else { continue };
                let spoken = made.desk_name.as_deref().unwrap_or_default();
                let spoken_in = entry.lang.as_ref().and_then(|other| self.shelves.get(other)).unwrap_or(shelf);
                let wanted = spoken_in.catalogue.spoken_name(&name);
                if spoken == wanted {
                    continue;
                }
                let what = format!("{:?} says {spoken:?}, but the desk's name is {wanted:?}", entry.id);
                out.push(problem(&prompt.audio.file, what, &self.name_remedy(options, lang, &entry.id, &name)));
            }
        }
        out
    }

    fn name_remedy(&self, options: &LibraryOptions<'_>, lang: &Lang, id: &str, name: &str) -> String {
        let build = match &options.dir {
            Some(_) => format!("run `frontdesk prompts build`, or record {lang}/{id}.wav"),
            None => format!(
                "run `frontdesk prompts build --dir prompts` and set `[prompts] dir = \"prompts\"`, or record prompts/{lang}/{id}.wav there"
            ),
        };
        if self.speech(lang, id, name).is_some_and(|speech| speech.unsayable()) {
            return format!("give the name in that language, `[desk.names] {lang} = \"...\"`, then {build}");
        }
        build
    }

    /// A prompt's text in a language, and how it is to be spoken.
    pub fn entry(&self, lang: &Lang, id: &str) -> Option<&Entry> {
        self.shelves.get(lang)?.catalogue.entry(id)
    }

    /// What is played for a prompt in this very language.
    pub fn heard(&self, lang: &Lang, id: &str) -> Option<Heard<'_>> {
        let prompt = self.shelves.get(lang)?.prompts.get(id)?;
        let has_spare = prompt.spare.is_some();
        Some(Heard { audio: &prompt.audio, origin: &prompt.origin, is_built_in: prompt.is_built_in, has_spare })
    }

    /// How a text would be spoken now.
    pub fn speech(&self, lang: &Lang, id: &str, desk_name: &str) -> Option<Speech> {
        let entry = self.shelves.get(lang)?.catalogue.entry(id)?;
        let spoken_in = entry.lang.as_ref().unwrap_or(lang);
        let catalogue = self.shelves.get(spoken_in)?.catalogue.clone();
        speech::speech_of(&BTreeMap::from([(spoken_in.clone(), catalogue)]), lang, entry, desk_name).ok()
    }
}

impl Shelf {
    fn of(built_in: Option<Folder>, site: Option<Folder>) -> Option<Shelf> {
        let mut shelf =
            Shelf { catalogue: built_in.as_ref().or(site.as_ref())?.catalogue.clone(), prompts: BTreeMap::new() };
        if let Some(folder) = built_in {
            shelf.lay(folder, true);
        }
        if let Some(folder) = site {
            shelf.catalogue = shelf.catalogue.overlaid(folder.catalogue.clone());
            shelf.lay(folder, false);
        }
        Some(shelf)
    }

    fn lay(&mut self, folder: Folder, is_built_in: bool) {
        let Folder { manifest, audio, .. } = folder;
        for (id, audio) in audio {
            let origin =
                manifest.made(&id, &audio.bytes).map_or(Origin::Studio, |made| Origin::Generated(made.clone()));
            let spare = self.prompts.remove(&id).map(|prompt| prompt.audio);
            self.prompts.insert(id, Prompt { audio, origin, is_built_in, spare, encoded: Default::default() });
        }
    }
}

impl Prompt {
    fn encode(&self, codec: Codec) -> Option<Encoded> {
        [Some(&self.audio), self.spare.as_ref()].into_iter().flatten().find_map(|audio| match decode(audio) {
            Ok(clip) if codec == Codec::G722 => {
                Some(codec::encode(codec, clip.rate_hz, &with_room_to_settle(&clip.samples, clip.rate_hz)))
            }
            Ok(clip) => Some(codec::encode(codec, clip.rate_hz, &clip.samples)),
            Err(fault) => {
                tracing::warn!(file = audio.file, built_in = self.is_built_in, %fault, "a prompt can't be decoded");
                None
            }
        })
    }
}

/// Decodes a prompt's audio.
pub fn decode(audio: &AudioFile) -> Result<audio::Clip, String> {
    let clip = match audio.info.format {
        Format::Wav => wav::read(&audio.bytes[..]).map_err(|e| e.to_string())?,
        Format::Flac => flac::read(&audio.bytes[..]).map_err(|e| e.to_string())?,
    };
    if clip.samples.is_empty() { Err("it holds no audio".to_owned()) } else { Ok(clip) }
}

/// G.722 predicts from what was heard before, and a clip that was encoded on its own is heard after another, or after idle
/// silence: so long it takes until telephone and encoder agree. Clips that begin earlier, those of numbers, get this much
/// silence before their sound, and give it up behind it: a number takes no longer to say.
fn with_room_to_settle(samples: &[i16], rate_hz: u32) -> Vec<i16> {
    const SETTLE_MS: usize = 80;
    const TAIL_MS: usize = 5;
    const SOUND: u16 = 200;
    let units = |ms: usize| ms * rate_hz as usize / 1000;
    let is_sound = |sample: &i16| sample.unsigned_abs() > SOUND;
    let Some((begin, end)) = samples.iter().position(is_sound).zip(samples.iter().rposition(is_sound)) else {
        return samples.to_vec();
    };
    let missing = units(SETTLE_MS).saturating_sub(begin);
    let tail = samples.len() - end - 1;
    let cut = missing.min(tail.saturating_sub(units(TAIL_MS)));
    std::iter::repeat_n(0, missing).chain(samples[..samples.len() - cut].iter().copied()).collect()
}

fn silence(codec: Codec, ms: u32) -> Encoded {
    let bytes = ms.min(SILENCE_MS_MAX) as usize * Codec::BYTES_PER_MS;
    Encoded { codec, bytes: std::iter::repeat_n(codec::silence_byte(codec), bytes).collect() }
}

const fn index(codec: Codec) -> usize {
    match codec {
        Codec::G722 => 0,
        Codec::Pcma => 1,
        Codec::Pcmu => 2,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::*;
    use crate::media::clip::Clip as AudioClip;
    use crate::prompts::numbers;

    const NAME: &str = "光明物业项目服务机构";

    fn load(dir: Option<&Path>, languages: &[&str], name: &str) -> (Library, Vec<String>) {
        let desk_name = |_: &Lang| name.to_owned();
        let (library, problems) = Library::load(&LibraryOptions {
            dir: dir.map(Path::to_path_buf),
            languages: languages.iter().map(|l| Lang::new(l)).collect(),
            desk_name: &desk_name,
        });
        (library, problems.iter().map(Problem::to_string).collect())
    }

    fn zh() -> Lang {
        Lang::new("zh")
    }

    /// A site's folder with some files in `zh`.
    fn site(files: &[(&str, &[u8])]) -> TempDir {
        let dir = TempDir::new().expect("a temporary folder");
        fs::create_dir(dir.path().join("zh")).expect("it is empty");
        for (name, bytes) in files {
            fs::write(dir.path().join("zh").join(name), bytes).expect("it is writable");
        }
        dir
    }

    fn tone_wav(ms: u32) -> Vec<u8> {
        let mut file = std::io::Cursor::new(Vec::new());
        let clip = AudioClip { rate_hz: 16_000, samples: tone_gen::sine(440.0, -20.0, ms, 16_000) };
        wav::write(&mut file, &clip).expect("memory takes it");
        file.into_inner()
    }

    #[test]
    fn the_built_in_prompts_are_complete_in_both_languages() {
        let (library, problems) = load(None, &["zh", "en"], NAME);
        assert_eq!(problems, Vec::<String>::new());
        for listed in library.list() {
            assert!(listed.audio.is_some(), "{}/{} has no audio", listed.lang, listed.id);
        }
        for lang in library.languages() {
            for id in numbers::clips_needed(lang) {
                assert!(library.has_in(lang, &id), "{lang}/{id}");
            }
        }
        assert!(library.list().len() > 200);
    }

    #[test]
    fn greeting_and_main_menu_are_heard_within_15_seconds() {
        let (library, _) = load(None, &["zh", "en"], NAME);
        for (lang, other) in [("zh", "language-en"), ("en", "language-zh")] {
            let ms: u64 = ["greeting", "main-menu", other]
                .iter()
                .map(|id| library.duration_ms(&Lang::new(lang), id).expect("it is built in"))
                .sum();
            assert!(ms <= 15_000, "{lang}: {ms} ms");
        }
    }

    #[test]
    fn an_encoded_prompt_lasts_as_long_as_its_header_says() {
        let (library, _) = load(None, &["zh", "en"], NAME);
        for lang in library.languages() {
            for (id, codec) in ["greeting", "digit-0", "person-press"].into_iter().zip(Codec::ALL) {
                let encoded = library.encoded(lang, id, codec).expect("it decodes");
                assert_eq!(encoded.bytes.len() as u64, 8 * library.duration_ms(lang, id).expect("it is there"), "{id}");
            }
        }
    }

    #[test]
    fn a_prompt_is_encoded_once_and_shared() {
        let (library, _) = load(None, &["zh"], NAME);
        let first = library.encoded(&zh(), "greeting", Codec::G722).expect("built in");
        let again = library.encoded(&zh(), "greeting", Codec::G722).expect("built in");
        assert!(Arc::ptr_eq(&first.bytes, &again.bytes));
    }

    #[test]
    fn a_sites_recording_takes_the_place_of_the_built_in_one() {
        let dir = site(&[("greeting.wav", &tone_wav(500)), ("extra-news.wav", &tone_wav(300))]);
        let (library, problems) = load(Some(dir.path()), &["zh"], "阳光物业");
        assert_eq!(problems, Vec::<String>::new(), "a studio's greeting is taken to say the right name");
        assert_eq!(library.duration_ms(&zh(), "greeting"), Some(500));
        assert_eq!(library.encoded(&zh(), "greeting", Codec::Pcmu).map(|e| e.bytes.len()), Some(4000));
        assert!(library.has("extra-news") && library.has("main-menu"));
    }

    #[test]
    fn files_go_on_playing_when_the_disk_is_gone() {
        let dir = site(&[("greeting.wav", &tone_wav(500))]);
        let (library, _) = load(Some(dir.path()), &["zh"], NAME);
        dir.close().expect("it can be deleted");
        assert_eq!(library.encoded(&zh(), "greeting", Codec::Pcma).map(|e| e.bytes.len()), Some(4000));
    }

    #[test]
    fn a_bad_file_is_told_and_the_built_in_prompt_is_played() {
        let good_head = &tone_wav(500)[..30];
        let dir = site(&[
            ("greeting.wav", b"not audio"),
            ("main-menu.wav", good_head),
            ("goodbye.flac", b""),
            ("Bad Name.wav", &tone_wav(100)),
            ("notes.txt", b"ignored"),
        ]);
        let (library, problems) = load(Some(dir.path()), &["zh"], NAME);
        assert_eq!(problems.len(), 4, "{problems:#?}");
        for id in ["greeting", "main-menu", "goodbye"] {
            assert!(problems.iter().any(|p| p.contains(id)), "{problems:#?}");
            assert!(library.encoded(&zh(), id, Codec::Pcma).is_some(), "{id}");
        }
    }

    #[test]
    fn a_file_that_only_looks_good_is_replaced_by_the_built_in_prompt_when_it_is_played() {
        let mut flac = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/prompts/zh/goodbye.flac")).expect("built in");
        let whole = flac.len();
        flac[50..].fill(0x55);
        assert_eq!(flac.len(), whole);
        let dir = site(&[("greeting.flac", &flac)]);
        let (library, problems) = load(Some(dir.path()), &["zh"], NAME);
        assert_eq!(problems, Vec::<String>::new(), "its header is good");
        let (built_in, _) = load(None, &["zh"], NAME);
        let played = library.encoded(&zh(), "greeting", Codec::Pcma).expect("the built-in one");
        assert_eq!(Some(played), built_in.encoded(&zh(), "greeting", Codec::Pcma));
    }

    #[test]
    fn a_greeting_made_for_another_desk_is_told_with_its_remedy() {
        let (_, problems) = load(None, &["zh"], "阳光物业");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains("says \"光明物业项目服务机构\", but the desk's name is \"阳光物业\""),
            "{problems:?}"
        );
        assert!(problems[0].contains("run `frontdesk prompts build"), "{problems:?}");
        let (_, problems) = load(None, &["en"], "阳光物业");
        assert!(problems[0].contains("`[desk.names] en = "), "an English voice can't say hanzi: {problems:?}");
        let (_, problems) = load(None, &["en"], "Sunshine Homes");
        assert!(!problems[0].contains("[desk.names]"), "{problems:?}");
    }

    #[test]
    fn a_language_that_lacks_a_prompt_borrows_it_from_the_first() {
        let dir = site(&[("only-here.wav", &tone_wav(200))]);
        let (library, _) = load(Some(dir.path()), &["zh", "en"], NAME);
        assert!(!library.has_in(&Lang::new("en"), "only-here"));
        assert!(library.encoded(&Lang::new("en"), "only-here", Codec::Pcma).is_some());
        assert!(library.encoded(&Lang::new("xx"), "greeting", Codec::Pcma).is_some());
        assert_eq!(library.encoded(&zh(), "nowhere", Codec::Pcma), None);
    }

    #[test]
    fn a_language_without_prompts_is_a_problem() {
        let (_, problems) = load(None, &["zh", "fr"], NAME);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("no prompts in the language \"fr\""), "{problems:?}");
    }

    #[test]
    fn a_name_is_played_only_for_the_person_that_it_names() {
        let (library, _) = load(None, &["zh"], NAME);
        assert_eq!(library.name_prompt("201", "张伟").as_deref(), Some("name-201"));
        assert_eq!(library.name_prompt("201", "李强"), None, "the built-in clip says another name");
        assert_eq!(library.name_prompt("999", "张伟"), None);
        let dir = site(&[("name-201.wav", &tone_wav(200))]);
        let (library, _) = load(Some(dir.path()), &["zh"], NAME);
        assert_eq!(library.name_prompt("201", "李强").as_deref(), Some("name-201"), "a recording is taken to be right");
    }

    #[test]
    fn clips_become_sounds_in_order_and_what_is_missing_is_told() {
        let (library, _) = load(None, &["zh"], NAME);
        let recording = RecordingId("x.wav".to_owned());
        let say = [
            Say::Beep,
            Say::Prompt("nowhere".to_owned()),
            Say::Recording(recording.clone()),
            Say::Silence { ms: 20 },
            Say::Digits("1".to_owned()),
        ];
        let sounds = library.sounds(&zh(), &library.expand(&zh(), &say), Codec::Pcma);
        assert_eq!(sounds.missing, ["nowhere"]);
        assert_eq!(sounds.sounds.len(), 4);
        assert_eq!(sounds.sounds[0], Sound::Encoded(library.beep(Codec::Pcma)));
        assert_eq!(sounds.sounds[1], Sound::Recording(recording));
        let quiet = Encoded { codec: Codec::Pcma, bytes: vec![0xd5; 160].into() };
        assert_eq!(sounds.sounds[2], Sound::Encoded(quiet));
    }

    #[test]
    fn warming_leaves_nothing_to_encode() {
        let dir = TempDir::new().expect("a temporary folder");
        fs::create_dir(dir.path().join("xx")).expect("it is empty");
        for name in ["greeting.wav", "other.wav"] {
            fs::write(dir.path().join("xx").join(name), tone_wav(100)).expect("it is writable");
        }
        let (library, _) = load(Some(dir.path()), &["xx"], NAME);
        library.warm(&[Codec::Pcmu], || ());
        let shelf = &library.shelves[&Lang::new("xx")];
        assert_eq!(shelf.prompts.len(), 2);
        assert!(shelf.prompts.values().all(|p| p.encoded[index(Codec::Pcmu)].get().is_some()));
        assert!(library.beep[index(Codec::Pcmu)].get().is_some());
    }

    #[test]
    fn it_is_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Library>();
    }

    #[test]
    fn the_codecs_have_a_place_each() {
        for (place, codec) in Codec::ALL.into_iter().enumerate() {
            assert_eq!(index(codec), place);
        }
    }

    /// How well a telephone hears the first 60 ms of a clip's sound after something else: signal to noise in dB.
    fn begins_db(before: &[u8], clip: &Encoded, original: &[i16]) -> f64 {
        let mut decoder = codec::Decoder::new(Codec::G722);
        let mut heard = Vec::new();
        decoder.decode(before, &mut heard);
        heard.clear();
        decoder.decode(&clip.bytes, &mut heard);
        let loud = original.iter().position(|s| s.unsigned_abs() > 600).unwrap_or(0).saturating_sub(160);
        let at_delay = |delay: usize| {
            let (mut signal, mut noise) = (0.0, 1e-9);
            for (n, sample) in original.iter().enumerate().skip(loud).take(960) {
                let (a, b) = (f64::from(*sample), heard.get(n + delay).map_or(0.0, |s| f64::from(*s)));
                signal += a * a;
                noise += (a - b) * (a - b);
            }
            10.0 * f64::log10(signal / noise)
        };
        (0..64).map(at_delay).fold(f64::MIN, f64::max)
    }

    #[test]
    fn clips_begin_clearly_in_g722_whatever_was_heard_before() {
        let (library, _) = load(None, &["zh", "en"], NAME);
        let mut bad = Vec::new();
        let mut seen = 0;
        for lang in library.languages() {
            let shelf = &library.shelves[lang];
            let of_numbers = shelf.prompts.iter().filter(|(id, _)| id.starts_with("digit") || id.starts_with("num"));
            let clips: Vec<(&String, Encoded, Vec<i16>, usize)> = of_numbers
                .map(|(id, prompt)| {
                    let clip = decode(&prompt.audio).expect("it is built in");
                    let samples = with_room_to_settle(&clip.samples, clip.rate_hz);
                    (id, prompt.encode(Codec::G722).expect("it is built in"), samples, clip.samples.len())
                })
                .collect();
            let idle = vec![codec::silence_byte(Codec::G722); 8 * 500];
            for (id, clip, samples, length) in &clips {
                seen += 1;
                assert!(samples.len() <= length + 160, "{lang}/{id}: a number takes no longer to say");
                let alone = begins_db(&[], clip, samples);
                for (what, before) in [("silence", &idle[..]), ("a digit", &clips[0].1.bytes[..])] {
                    let db = begins_db(before, clip, samples);
                    if db < (alone - 3.0).min(11.0) {
                        bad.push(format!("{lang}/{id} after {what}: {db:.1} dB, alone {alone:.1} dB"));
                    }
                }
            }
        }
        assert!(seen > 30, "the clips of numbers are gone");
        assert!(bad.is_empty(), "{}", bad.join("\n"));
    }
}
