//! `catalogue.toml`: the texts of a language, and how they are to be spoken.
//!
//! ```toml
//! [voice]                      # espeak-ng's; what is left out is as in the built-in catalogue
//! engine = "cmn-latn-pinyin+f2"
//! speed_wpm = 140
//!
//! [speech]
//! joined = ["光明", "物业"]     # words whose tones flow together
//! [words]
//! "银行" = "yin2hang2"          # words with a reading of their own
//! [names]
//! "光明物业" = "Guangming"      # the desk's name in this language
//!
//! [repair]                      # any other table is a group, its keys are ids
//! place-ask = "请输入楼号。"
//! place-again = { text = "重新输入。", pinyin = "chong2xin1 shu1ru4.", lang = "zh", lead_ms = 200, note = "why" }
//! ```

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::types::{Lang, Problem, did_you_mean, line_of};

/// Silence at the start of a prompt: the first syllable is clipped by many phones (see [`Entry::lead_ms`]).
pub const LEAD_MS: u32 = 200;
/// Longest text in characters: two minutes of speech, more than anybody listens to.
pub const TEXT_CHARS_MAX: usize = 600;
/// Most prompts of a language.
pub const PROMPTS_MAX: usize = 5_000;
/// Largest catalogue in bytes that is read.
pub const CATALOGUE_BYTES_MAX: u64 = 2 << 20;
/// Stands in texts for the desk's name.
pub const DESK_NAME: &str = "{desk.name}";

const TABLES: [&str; 4] = ["voice", "speech", "words", "names"];
const ENTRY_KEYS: [&str; 6] = ["text", "pinyin", "lang", "lead_ms", "allow", "note"];
const VOICE_KEYS: [&str; 4] = ["engine", "speed_wpm", "pitch", "word_gap_10ms"];

/// How espeak-ng speaks a language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// Name and variant: `cmn-latn-pinyin+f2`.
    pub engine: String,
    /// Words a minute as espeak-ng counts them.
    pub speed_wpm: u32,
    /// 0 to 99.
    pub pitch: u32,
    /// Pause between words in units of 10 ms.
    pub word_gap_10ms: u32,
}

/// A prompt's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: String,
    /// The table that it stands in: for people who look for it.
    pub group: String,
    pub text: String,
    /// Toned pinyin in place of what would be read from the text.
    pub pinyin: Option<String>,
    /// The language it is spoken in, when that is not its folder's (`for English press eight` in a Mandarin menu).
    pub lang: Option<Lang>,
    /// Silence at its start in ms.
    pub lead_ms: u32,
    /// Words of the lint's list that are innocent here (R8).
    pub allow: Vec<String>,
    pub note: Option<String>,
    /// 1-based line in its file.
    pub line: usize,
}

/// A language's texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    pub lang: Lang,
    /// The file, as problems name it.
    pub file: String,
    pub voice: Option<Voice>,
    pub joined: Vec<String>,
    pub words: BTreeMap<String, String>,
    pub names: BTreeMap<String, String>,
    /// In the file's order.
    pub entries: Vec<Entry>,
}

impl Catalogue {
    pub fn empty(lang: &Lang, file: &str) -> Self {
        Self {
            lang: lang.clone(),
            file: file.to_owned(),
            voice: None,
            joined: Vec::new(),
            words: BTreeMap::new(),
            names: BTreeMap::new(),
            entries: Vec::new(),
        }
    }

    /// Reads a catalogue; what is wrong is reported and left out, the rest is kept.
    pub fn parse(lang: &Lang, file: &str, text: &str) -> (Self, Vec<Problem>) {
        let mut reader = Reader { file, text, problems: Vec::new() };
        let mut catalogue = Self::empty(lang, file);
        let (table, faults) = DeTable::parse_recoverable(text);
        for fault in faults {
            let at = fault.span().map_or(0, |span| span.start);
            reader.fault(at, format!("not TOML: {}", fault.message()), "mend the line; texts stand in double quotes");
        }
        for (name, value) in in_file_order(table.get_ref()) {
            let Some(group) = value.get_ref().as_table() else {
                reader.fault(
                    name.span().start,
                    format!("{:?} stands outside a table", name.get_ref()),
                    "put it under a [group]",
                );
                continue;
            };
            match name.get_ref().as_ref() {
                "voice" => catalogue.voice = reader.voice(name.span().start, group),
                "speech" => catalogue.joined = reader.joined(group),
                "words" => catalogue.words = reader.texts(group),
                "names" => catalogue.names = reader.texts(group),
                group_name => reader.group(group_name, group, &mut catalogue),
            }
        }
        (catalogue, reader.problems)
    }

    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.id == id)
    }

    /// The desk's name as it is said in this language.
    pub fn spoken_name<'a>(&'a self, desk_name: &'a str) -> &'a str {
        self.names.get(desk_name).map_or(desk_name, String::as_str)
    }

    /// This one with another laid over it: the other's entries and settings win.
    pub fn overlaid(mut self, over: Catalogue) -> Self {
        self.voice = over.voice.or(self.voice);
        self.joined.extend(over.joined);
        self.words.extend(over.words);
        self.names.extend(over.names);
        for entry in over.entries {
            match self.entries.iter_mut().find(|e| e.id == entry.id) {
                Some(place) => *place = entry,
                None => self.entries.push(entry),
            }
        }
        self
    }
}

/// Whether an id is kebab-case, as file names and `flow.toml` have it.
pub fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 64
        && id
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;

/// The parser keeps tables sorted by name; people want them as they wrote them.
fn in_file_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Key<'i>, &'t Spanned<DeValue<'i>>)> {
    let mut items: Vec<_> = table.iter().collect();
    items.sort_by_key(|(key, _)| key.span().start);
    items
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn fault(&mut self, offset: usize, what: String, remedy: impl Into<String>) {
        let line = Some(line_of(self.text, offset));
        self.problems.push(Problem { file: self.file.to_owned(), line, what, remedy: remedy.into() });
    }

    fn unknown(&mut self, offset: usize, key: &str, known: &[&'static str]) {
        let remedy = match did_you_mean(key, known.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("write one of {}", known.join(", ")),
        };
        self.fault(offset, format!("unknown key {key:?}"), remedy);
    }

    fn string(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        match value.get_ref().as_str() {
            Some(text) => Some(text.to_owned()),
            None => {
                self.fault(value.span().start, format!("{key} is no text"), "write it in double quotes");
                None
            }
        }
    }

    fn number(&mut self, key: &str, value: &Spanned<DeValue<'_>>, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let number = value.get_ref().as_integer().and_then(|i| u32::from_str_radix(i.as_str(), i.radix()).ok());
        if let Some(number) = number.filter(|n| range.contains(n)) {
            return Some(number);
        }
        let remedy = format!("write a number from {} to {}", range.start(), range.end());
        self.fault(value.span().start, format!("{key} is out of range or no number"), remedy);
        None
    }

    fn strings(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        let Some(array) = value.get_ref().as_array() else {
            self.fault(value.span().start, format!("{key} is no list"), r#"write ["...", "..."]"#);
            return Vec::new();
        };
        array.iter().filter_map(|item| self.string(key, item)).collect()
    }

    fn texts(&mut self, table: &DeTable<'_>) -> BTreeMap<String, String> {
        let items = in_file_order(table);
        items
            .into_iter()
            .filter_map(|(key, value)| Some((key.get_ref().to_string(), self.string(key.get_ref(), value)?)))
            .collect()
    }

    fn joined(&mut self, table: &DeTable<'_>) -> Vec<String> {
        let mut words = Vec::new();
        for (key, value) in in_file_order(table) {
            match key.get_ref().as_ref() {
                "joined" => words = self.strings("joined", value),
                other => self.unknown(key.span().start, other, &["joined"]),
            }
        }
        words
    }

    fn voice(&mut self, offset: usize, table: &DeTable<'_>) -> Option<Voice> {
        let (mut engine, mut speed_wpm, mut pitch, mut word_gap_10ms) = (None, Some(140), Some(50), Some(0));
        for (key, value) in in_file_order(table) {
            match key.get_ref().as_ref() {
                "engine" => engine = self.string("engine", value),
                "speed_wpm" => speed_wpm = self.number("speed_wpm", value, 80..=400),
                "pitch" => pitch = self.number("pitch", value, 0..=99),
                "word_gap_10ms" => word_gap_10ms = self.number("word_gap_10ms", value, 0..=100),
                other => self.unknown(key.span().start, other, &VOICE_KEYS),
            }
        }
        // A name that began with a dash would be an option of espeak-ng.
        let usable = |e: &String| !e.is_empty() && !e.starts_with('-') && e.chars().all(|c| c.is_ascii_graphic());
        let Some(engine) = engine.filter(usable) else {
            self.fault(offset, "[voice] names no engine".to_owned(), r#"write engine = "cmn-latn-pinyin+f2""#);
            return None;
        };
        Some(Voice { engine, speed_wpm: speed_wpm?, pitch: pitch?, word_gap_10ms: word_gap_10ms? })
    }

    fn group(&mut self, group: &str, table: &DeTable<'_>, catalogue: &mut Catalogue) {
        for (key, value) in in_file_order(table) {
            let (id, offset) = (key.get_ref().as_ref(), key.span().start);
            if !is_id(id) {
                self.fault(offset, format!("{id:?} is no id"), "write lower-case words with dashes, such as place-ask");
            } else if catalogue.entry(id).is_some() {
                self.fault(offset, format!("{id:?} is there twice"), "give each text an id of its own");
            } else if catalogue.entries.len() >= PROMPTS_MAX {
                self.fault(offset, format!("more than {PROMPTS_MAX} prompts"), "take out what is not used");
                return;
            } else if let Some(entry) = self.entry(group, id, offset, value) {
                catalogue.entries.push(entry);
            }
        }
    }

    fn entry(&mut self, group: &str, id: &str, offset: usize, value: &Spanned<DeValue<'_>>) -> Option<Entry> {
        let mut entry = Entry {
            id: id.to_owned(),
            group: group.to_owned(),
            text: String::new(),
            pinyin: None,
            lang: None,
            lead_ms: LEAD_MS,
            allow: Vec::new(),
            note: None,
            line: line_of(self.text, offset),
        };
        match value.get_ref().as_table() {
            Some(table) => self.entry_table(table, &mut entry),
            None => entry.text = self.string(id, value)?,
        }
        let chars = entry.text.chars().count();
        if entry.text.trim().is_empty() {
            let near = did_you_mean(group, TABLES);
            let remedy =
                near.map_or(format!("write {id} = \"...\""), |near| format!("write a text; or did you mean [{near}]?"));
            self.fault(offset, format!("{id:?} has no text"), remedy);
            return None;
        }
        if chars > TEXT_CHARS_MAX {
            self.fault(offset, format!("{id:?} has {chars} characters"), format!("say it in {TEXT_CHARS_MAX} at most"));
            return None;
        }
        Some(entry)
    }

    fn entry_table(&mut self, table: &DeTable<'_>, entry: &mut Entry) {
        for (key, value) in in_file_order(table) {
            match key.get_ref().as_ref() {
                "text" => entry.text = self.string("text", value).unwrap_or_default(),
                "pinyin" => entry.pinyin = self.string("pinyin", value),
                "lang" => entry.lang = self.string("lang", value).map(Lang),
                "lead_ms" => entry.lead_ms = self.number("lead_ms", value, 0..=2_000).unwrap_or(LEAD_MS),
                "allow" => entry.allow = self.strings("allow", value),
                "note" => entry.note = self.string("note", value),
                other => self.unknown(key.span().start, other, &ENTRY_KEYS),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Catalogue, Vec<String>) {
        let (catalogue, problems) = Catalogue::parse(&Lang::new("zh"), "zh/catalogue.toml", text);
        (catalogue, problems.iter().map(Problem::to_string).collect())
    }

    #[test]
    fn texts_keep_the_order_and_the_groups_of_the_file() {
        let (catalogue, problems) = parse(
            "[voice]\nengine = \"cmn-latn-pinyin+f2\"\nspeed_wpm = 135\n[words]\n\"银行\" = \"yin2hang2\"\n\
             [zebra]\nz-first = \"您好\"\n[ant]\na-second = { text = \"再见\", pinyin = \"zai4jian4\", lead_ms = 20 }\n",
        );
        assert_eq!(problems, Vec::<String>::new());
        let ids: Vec<_> = catalogue.entries.iter().map(|e| (e.group.as_str(), e.id.as_str(), e.line)).collect();
        assert_eq!(ids, [("zebra", "z-first", 7), ("ant", "a-second", 9)]);
        assert_eq!(catalogue.entry("a-second").and_then(|e| e.pinyin.as_deref()), Some("zai4jian4"));
        assert_eq!(catalogue.voice.map(|v| (v.speed_wpm, v.pitch)), Some((135, 50)));
        assert_eq!(catalogue.words.get("银行").map(String::as_str), Some("yin2hang2"));
    }

    #[test]
    fn every_fault_is_told_at_once_with_its_line_and_remedy() {
        let (catalogue, problems) = parse(
            "loose = \"x\"\n[voice]\nspeed = 1\n[g]\nBad_Id = \"x\"\nempty = \"\"\nnumber = 3\n\
             table = { txt = \"x\" }\nslow = { text = \"x\", lead_ms = 9999 }\ngood = \"好\"\n[h]\ngood = \"twice\"\n",
        );
        insta::assert_snapshot!(problems.join("\n"), @r#"
        zh/catalogue.toml:1: "loose" stands outside a table; put it under a [group]
        zh/catalogue.toml:3: unknown key "speed"; did you mean "speed_wpm"?
        zh/catalogue.toml:2: [voice] names no engine; write engine = "cmn-latn-pinyin+f2"
        zh/catalogue.toml:5: "Bad_Id" is no id; write lower-case words with dashes, such as place-ask
        zh/catalogue.toml:6: "empty" has no text; write empty = "..."
        zh/catalogue.toml:7: number is no text; write it in double quotes
        zh/catalogue.toml:8: unknown key "txt"; did you mean "text"?
        zh/catalogue.toml:8: "table" has no text; write table = "..."
        zh/catalogue.toml:9: lead_ms is out of range or no number; write a number from 0 to 2000
        zh/catalogue.toml:12: "good" is there twice; give each text an id of its own
        "#);
        assert_eq!(catalogue.entry("good").map(|e| e.text.as_str()), Some("好"));
    }

    #[test]
    fn a_broken_file_gives_what_can_be_read_of_it() {
        let (catalogue, problems) = parse("[g]\nfirst = \"好\"\nsecond = \"no end\nthird = \"好\"\n");
        assert!(catalogue.entry("first").is_some());
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("zh/catalogue.toml:3: not TOML"), "{problems:?}");
    }

    #[test]
    fn a_sites_catalogue_lies_over_the_built_in_one() {
        let (base, _) = parse("[g]\na = \"一\"\nb = \"二\"\n[names]\nx = \"y\"\n");
        let (over, _) = parse("[h]\nb = \"两\"\nc = \"三\"\n[voice]\nengine = \"other\"\n");
        let both = base.overlaid(over);
        let texts: Vec<_> = both.entries.iter().map(|e| (e.id.as_str(), e.text.as_str())).collect();
        assert_eq!(texts, [("a", "一"), ("b", "两"), ("c", "三")]);
        assert_eq!(both.voice.as_ref().map(|v| v.engine.as_str()), Some("other"));
        assert_eq!(both.spoken_name("x"), "y");
        assert_eq!(both.spoken_name("z"), "z");
    }

    #[test]
    fn truncated_anywhere_it_never_panics() {
        let text = include_str!("../../prompts/zh/catalogue.toml");
        for end in (0..text.len()).step_by(7).filter(|end| text.is_char_boundary(*end)) {
            let _ = parse(&text[..end]);
        }
    }
}
