//! What an audio file must be like to be played to callers: format, length, level, peak, silence before it.

use std::collections::BTreeMap;
use std::path::Path;

use super::builder::NAME_PREFIX;
use super::builder::finish::{self, LEVEL_DBFS, PEAK_DBFS, RATE_HZ, speech_level_dbfs};
use super::catalogue::{Catalogue, DESK_NAME, LEAD_MS};
use super::folder::{self, AudioFile, Folder, problem};
use super::library::{Library, LibraryOptions, decode};
use super::lint;
use super::speech;
use crate::types::{Lang, Problem};

/// How far the level may be from [`LEVEL_DBFS`], in dB: a studio's own meter may weigh it another way.
const LEVEL_TOLERANCE_DB: f64 = 4.0;
/// Half a dB for what resampling and rounding add to a peak.
const PEAK_TOLERANCE_DB: f64 = 0.5;
const DURATION_MS: std::ops::RangeInclusive<u64> = 80..=120_000;
/// Silence that a prompt may begin with, in ms, and a clip that follows another (its catalogue's `lead_ms` is below 100).
const LEAD_RANGE_MS: std::ops::RangeInclusive<u64> = 100..=800;
const SHORT_LEAD_MAX_MS: u64 = 120;
/// Level and peak say little of a clip of less than this.
const LEVEL_DURATION_MIN_MS: u64 = 150;

const FORMAT_REMEDY: &str = "save it as WAV or FLAC, 16 kHz, mono, 16 bits";

/// Checks texts and audio of all languages of a line: everything that `frontdesk prompts check` tells.
pub fn check(options: &LibraryOptions<'_>) -> Vec<Problem> {
    let (_, mut problems) = Library::load(options);
    let mut catalogues = BTreeMap::new();
    let mut folders = Vec::new();
    for lang in options.languages.iter().chain(&folder::built_in_languages()) {
        if catalogues.contains_key(lang) {
            continue;
        }
        // The library has told their faults.
        let site = options.dir.as_deref().and_then(|dir| folder::read(dir, lang, &mut Vec::new()));
        let built_in = folder::built_in(lang);
        let Some(catalogue) = effective(built_in.as_ref(), site.as_ref()) else { continue };
        if options.languages.contains(lang) {
            folders.push((lang.clone(), site, built_in));
        }
        catalogues.insert(lang.clone(), catalogue);
    }
    for (lang, site, built_in) in &folders {
        for folder in [site, built_in].into_iter().flatten() {
            problems.extend(lint::texts(&folder.catalogue));
        }
        let name = (options.desk_name)(lang);
        let shelf =
            Shelf { lang, site: site.as_ref(), built_in: built_in.as_ref(), catalogues: &catalogues, name: &name };
        problems.extend(shelf.problems());
    }
    let of_the_line = catalogues.into_iter().filter(|(lang, _)| options.languages.contains(lang)).collect();
    problems.extend(lint::across(&of_the_line));
    problems
}

fn effective(built_in: Option<&Folder>, site: Option<&Folder>) -> Option<Catalogue> {
    match (built_in.map(|f| f.catalogue.clone()), site.map(|f| f.catalogue.clone())) {
        (Some(base), Some(over)) => {
            let file = over.file.clone();
            Some(Catalogue { file, ..base.overlaid(over) })
        }
        (one, other) => one.or(other),
    }
}

struct Shelf<'a> {
    lang: &'a Lang,
    site: Option<&'a Folder>,
    built_in: Option<&'a Folder>,
    catalogues: &'a BTreeMap<Lang, Catalogue>,
    name: &'a str,
}

impl Shelf<'_> {
    fn problems(&self) -> Vec<Problem> {
        let mut out = Vec::new();
        let catalogue = &self.catalogues[self.lang];
        for entry in &catalogue.entries {
            match self.audio(&entry.id) {
                None => {
                    let what = format!("{:?} has no audio", entry.id);
                    let remedy = format!("run `frontdesk prompts build`, or record {}/{}.wav", self.lang, entry.id);
                    out.push(Problem { line: Some(entry.line), ..problem(&catalogue.file, what, &remedy) });
                }
                Some((folder, audio)) => {
                    out.extend(check_file(audio, entry.lead_ms));
                    out.extend(self.stale(folder, audio, entry));
                }
            }
        }
        for folder in [self.site, self.built_in].into_iter().flatten() {
            let orphans = folder.audio.iter().filter(|(id, _)| catalogue.entry(id).is_none());
            for (id, audio) in orphans {
                if id.starts_with(NAME_PREFIX) {
                    out.extend(check_file(audio, LEAD_MS / 10));
                } else {
                    let what = format!("no text has the id {id:?}");
                    out.push(problem(&audio.file, what, "add its text to catalogue.toml, or delete the file"));
                }
            }
        }
        out
    }

    /// The file that is played for an id.
    fn audio(&self, id: &str) -> Option<(&Folder, &AudioFile)> {
        [self.site, self.built_in].into_iter().flatten().find_map(|folder| Some((folder, folder.audio.get(id)?)))
    }

    /// A generated file whose text has changed; what the desk's name makes stale is told by the library.
    fn stale(&self, folder: &Folder, audio: &AudioFile, entry: &super::catalogue::Entry) -> Option<Problem> {
        let made = folder.made(&entry.id)?;
        match speech::speech_of(self.catalogues, self.lang, entry, self.name) {
            Err(fault) => {
                Some(problem(&audio.file, fault.to_string(), "add a [voice] to that language's catalogue.toml"))
            }
            Ok(speech) => {
                let renamed = entry.text.contains(DESK_NAME) && made.desk_name != speech.desk_name;
                (made.is_stale(&speech) && !renamed).then(|| {
                    let what = format!("{:?} was generated from another text or voice", entry.id);
                    problem(&audio.file, what, "run `frontdesk prompts build`")
                })
            }
        }
    }
}

/// Checks one file; `lead_ms` is the silence that its catalogue wants before it.
pub fn check_file(audio: &AudioFile, lead_ms: u32) -> Vec<Problem> {
    let mut out = Vec::new();
    let mut tell = |what: String, remedy: &str| out.push(problem(&audio.file, what, remedy));
    let info = audio.info;
    if (info.rate_hz, info.channels, info.bits) != (RATE_HZ, 1, 16) {
        let what = format!("it has {} Hz, {} channels, {} bits", info.rate_hz, info.channels, info.bits);
        tell(what, FORMAT_REMEDY);
    }
    let clip = match decode(audio) {
        Ok(clip) => clip,
        Err(fault) => {
            tell(fault, FORMAT_REMEDY);
            return out;
        }
    };
    let duration_ms = clip.duration_ms();
    if !DURATION_MS.contains(&duration_ms) {
        tell(format!("it lasts {duration_ms} ms"), "record between 0.08 s and two minutes");
    }
    let level = speech_level_dbfs(&clip.samples, clip.rate_hz);
    if !level.is_finite() {
        tell("there is nothing to be heard in it".to_owned(), "record it again");
        return out;
    }
    if duration_ms >= LEVEL_DURATION_MIN_MS && (level - LEVEL_DBFS).abs() > LEVEL_TOLERANCE_DB {
        tell(format!("speech is at {level:.1} dBFS"), &format!("bring it to {LEVEL_DBFS} dBFS (about -20 LUFS)"));
    }
    let peak = finish::peak_dbfs(&clip);
    if peak > PEAK_DBFS + PEAK_TOLERANCE_DB {
        tell(format!("its peak is {peak:.1} dBFS"), &format!("bring it under {PEAK_DBFS} dBFS, it would distort"));
    }
    let silence_ms = finish::lead_ms(&clip);
    if lead_ms < 100 {
        if silence_ms > SHORT_LEAD_MAX_MS {
            tell(format!("it begins with {silence_ms} ms of silence"), "cut it to 20 ms: it follows other clips");
        }
    } else if !LEAD_RANGE_MS.contains(&silence_ms) {
        let remedy = format!("leave {lead_ms} ms: phones swallow the first syllable");
        tell(format!("it begins with {silence_ms} ms of silence"), &remedy);
    }
    out
}

/// Bytes of all files of a folder of prompts with its languages: the whole stays under 20 MB.
pub fn folder_bytes(dir: &Path) -> std::io::Result<u64> {
    let mut total = 0;
    for item in std::fs::read_dir(dir)? {
        let item = item?;
        let meta = item.metadata()?;
        total += if meta.is_dir() { folder_bytes(&item.path())? } else { meta.len() };
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::fs;

    use super::*;
    use crate::media::clip::Clip;
    use crate::media::{tone_gen, wav};
    use crate::prompts::header::AudioInfo;

    const NAME: &str = "光明物业项目服务机构";

    fn check_with(dir: Option<&Path>, languages: &[&str], name: &str) -> Vec<String> {
        let desk_name = |_: &Lang| name.to_owned();
        let languages = languages.iter().map(|l| Lang::new(l)).collect();
        let options = LibraryOptions { dir: dir.map(Path::to_path_buf), languages, desk_name: &desk_name };
        check(&options).iter().map(Problem::to_string).collect()
    }

    fn wav_bytes(rate_hz: u32, samples: Vec<i16>) -> Vec<u8> {
        let mut file = std::io::Cursor::new(Vec::new());
        wav::write(&mut file, &Clip { rate_hz, samples }).expect("memory takes it");
        file.into_inner()
    }

    fn audio(rate_hz: u32, lead_ms: u32, level_dbm0: f64, ms: u32) -> AudioFile {
        let lead = vec![0; (rate_hz / 1000 * lead_ms) as usize];
        let bytes = wav_bytes(rate_hz, [lead, tone_gen::sine(440.0, level_dbm0, ms, rate_hz)].concat());
        let info = AudioInfo::read(&bytes).expect("a good file");
        AudioFile { file: "x.wav".to_owned(), bytes: Cow::Owned(bytes), info }
    }

    fn faults(audio: &AudioFile, lead_ms: u32) -> Vec<String> {
        check_file(audio, lead_ms).into_iter().map(|p| p.what).collect()
    }

    #[test]
    fn the_whole_built_in_content_passes() {
        assert_eq!(check_with(None, &["zh", "en"], NAME), Vec::<String>::new());
    }

    #[test]
    fn the_folder_of_prompts_stays_under_20_mb() {
        let bytes = folder_bytes(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/prompts"))).expect("it is readable");
        assert!(bytes < 20_000_000, "{bytes}");
    }

    #[test]
    fn format_level_peak_length_and_silence_are_measured() {
        // A sine of -17 dBm0 is -20 dBFS.
        assert_eq!(faults(&audio(16_000, 200, -17.0, 1000), 200), Vec::<String>::new());
        assert_eq!(faults(&audio(8_000, 200, -17.0, 1000), 200), ["it has 8000 Hz, 1 channels, 16 bits"]);
        assert_eq!(faults(&audio(16_000, 0, -17.0, 1000), 200), ["it begins with 0 ms of silence"]);
        assert_eq!(faults(&audio(16_000, 200, -17.0, 1000), 20), ["it begins with 200 ms of silence"]);
        assert_eq!(faults(&audio(16_000, 0, -17.0, 40), 20), ["it lasts 40 ms"]);
        let quiet = faults(&audio(16_000, 200, -35.0, 1000), 200);
        assert!(quiet.len() == 1 && quiet[0].starts_with("speech is at -"), "{quiet:?}");
        let loud = faults(&audio(16_000, 200, 2.5, 1000), 200);
        assert!(loud.iter().any(|f| f.starts_with("its peak is")), "{loud:?}");
        let silent =
            AudioFile { bytes: Cow::Owned(wav_bytes(16_000, vec![0; 16_000])), ..audio(16_000, 0, -17.0, 1000) };
        assert_eq!(faults(&silent, 200), ["there is nothing to be heard in it"]);
    }

    #[test]
    fn missing_stale_and_orphaned_audio_is_told() {
        let dir = tempfile::TempDir::new().expect("a temporary folder");
        let zh = dir.path().join("zh");
        fs::create_dir(&zh).expect("it is empty");
        fs::write(zh.join("catalogue.toml"), "[g]\nnews = \"今天停水。\"\ngoodbye = \"再见。\"\n").expect("writable");
        let built_in = concat!(env!("CARGO_MANIFEST_DIR"), "/prompts/zh/");
        for name in ["goodbye.flac", "generated.toml"] {
            fs::copy(format!("{built_in}{name}"), zh.join(name)).expect("writable");
        }
        fs::copy(format!("{built_in}please-wait.flac"), zh.join("old-thing.flac")).expect("writable");
        let found = check_with(Some(dir.path()), &["zh"], NAME);
        assert_eq!(found.len(), 3, "{found:#?}");
        for fault in [
            "zh/catalogue.toml:2: \"news\" has no audio",
            "goodbye.flac: \"goodbye\" was generated from another text",
            "old-thing.flac: no text has the id",
        ] {
            assert!(found.iter().any(|p| p.contains(fault)), "{found:#?}");
        }
    }

    #[test]
    fn another_desks_name_is_told_once_per_language() {
        let found = check_with(None, &["zh", "en"], "阳光物业");
        assert_eq!(found.len(), 2, "{found:#?}");
    }
}
