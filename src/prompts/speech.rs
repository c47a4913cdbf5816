//! What a speech synthesiser is given for a text: toned pinyin for Mandarin, the text itself for other languages.
//!
//! espeak-ng reads hanzi through English letters on Debian 12, so that the Mandarin voice is `cmn-latn-pinyin`, and the
//! reading is made here: by the longest word of the catalogue's `[words]` and `joined`, else character by character.

use std::collections::BTreeMap;
use std::fmt::Write;

use pinyin::ToPinyin;
use sha2::{Digest, Sha256};

use super::catalogue::{Catalogue, DESK_NAME, Entry, Voice};
use crate::types::Lang;

/// Longest word in characters that is looked up.
const WORD_CHARS_MAX: usize = 12;

/// All that decides how a prompt's audio sounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speech {
    pub voice: Voice,
    /// For people and speech services: the text with the desk's name in it.
    pub text: String,
    /// For espeak-ng.
    pub reading: String,
    pub lead_ms: u32,
    /// The desk's name that was spoken, when the text has it.
    pub desk_name: Option<String>,
}

/// Why a text can't be spoken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpeechError {
    #[error("it is spoken in {0:?}, which has no catalogue with a [voice]")]
    NoVoice(Lang),
}

/// The speech of an entry in its folder's language, or in the one that it names.
pub fn speech_of(
    catalogues: &BTreeMap<Lang, Catalogue>,
    folder: &Lang,
    entry: &Entry,
    desk_name: &str,
) -> Result<Speech, SpeechError> {
    let lang = entry.lang.as_ref().unwrap_or(folder);
    let catalogue = catalogues.get(lang);
    let (catalogue, voice) =
        catalogue.and_then(|c| Some((c, c.voice.clone()?))).ok_or_else(|| SpeechError::NoVoice(lang.clone()))?;
    let name = catalogue.spoken_name(desk_name);
    let text = entry.text.replace(DESK_NAME, name);
    let reading = match (&entry.pinyin, is_pinyin(&voice)) {
        (Some(pinyin), _) => pinyin.replace(DESK_NAME, &toned_pinyin(catalogue, name)),
        (None, true) => toned_pinyin(catalogue, &text),
        (None, false) => text.clone(),
    };
    let desk_name = entry.text.contains(DESK_NAME).then(|| name.to_owned());
    Ok(Speech { voice, text, reading, lead_ms: entry.lead_ms, desk_name })
}

/// Whether the voice takes toned pinyin.
fn is_pinyin(voice: &Voice) -> bool {
    voice.engine.starts_with("cmn")
}

impl Speech {
    /// Changes whenever espeak-ng would speak it differently.
    pub fn espeak_hash(&self) -> String {
        let Voice { engine, speed_wpm, pitch, word_gap_10ms } = &self.voice;
        hash(format!("{engine}|{speed_wpm}|{pitch}|{word_gap_10ms}|{}|{}", self.lead_ms, self.reading).as_bytes())
    }

    /// Changes whenever a speech service would be sent something else.
    pub fn service_hash(&self, voice: &str) -> String {
        hash(format!("service|{voice}|{}|{}", self.lead_ms, self.text).as_bytes())
    }

    /// Whether a voice for another script is asked to say hanzi: it would spell or skip them.
    pub fn unsayable(&self) -> bool {
        !is_pinyin(&self.voice) && self.text.chars().any(is_hanzi)
    }
}

/// 128 bits of SHA-256 in hex: enough to tell audio and texts apart, short enough to read in a diff.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(16).fold(String::new(), |mut hex, byte| {
        // Writing to a String can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Whether a character is a CJK ideograph.
pub fn is_hanzi(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

/// `您好，光明` as `nin2hao3, guang1ming2`.
pub fn toned_pinyin(catalogue: &Catalogue, text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    while at < chars.len() {
        if let Some((len, reading)) = word_at(catalogue, &chars[at..]) {
            push_word(&mut out, &reading);
            at += len;
            continue;
        }
        match chars[at] {
            '，' | '、' | '；' | '：' | ',' | ';' | ':' => out.push(','),
            '。' | '！' | '？' | '.' | '!' | '?' => out.push('.'),
            digit @ '0'..='9' => push_word(&mut out, digit_reading(digit)),
            c => match syllable(c) {
                Some(reading) => push_word(&mut out, &reading),
                None if c.is_alphanumeric() => push_word(&mut out, &c.to_lowercase().to_string()),
                None => {}
            },
        }
        at += 1;
    }
    out
}

fn push_word(out: &mut String, word: &str) {
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(word);
}

/// The longest word that the text begins with, its length in characters and its reading.
fn word_at(catalogue: &Catalogue, chars: &[char]) -> Option<(usize, String)> {
    (2..=WORD_CHARS_MAX.min(chars.len())).rev().find_map(|len| {
        let word: String = chars[..len].iter().collect();
        if let Some(reading) = catalogue.words.get(&word) {
            return Some((len, reading.clone()));
        }
        catalogue.joined.contains(&word).then(|| (len, word.chars().filter_map(syllable).collect()))
    })
}

/// `zhong1` for 中; a neutral tone is 5.
fn syllable(c: char) -> Option<String> {
    let reading = c.to_pinyin()?.with_tone_num_end();
    let toned = reading.ends_with(|last: char| last.is_ascii_digit());
    Some(if toned { reading.to_owned() } else { format!("{reading}5") })
}

/// Digits that a desk's name may hold; catalogue texts write theirs out.
fn digit_reading(digit: char) -> &'static str {
    match digit {
        '0' => "ling2",
        '1' => "yi1",
        '2' => "er4",
        '3' => "san1",
        '4' => "si4",
        '5' => "wu3",
        '6' => "liu4",
        '7' => "qi1",
        '8' => "ba1",
        _ => "jiu3",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zh() -> Catalogue {
        let (catalogue, problems) =
            Catalogue::parse(&Lang::new("zh"), "zh", include_str!("../../prompts/zh/catalogue.toml"));
        assert_eq!(problems, []);
        catalogue
    }

    #[test]
    fn characters_with_several_readings_are_read_as_the_words_say() {
        for (text, reading) in [
            ("银行", "yin2hang2"),
            ("重新输入", "chong2xin1 shu1ru4"),
            ("音乐", "yin1yue4"),
            ("行人", "xing2ren2"),
            ("还有十秒钟", "hai2you3 shi2 miao3zhong1"),
            ("长按", "chang2an4"),
            ("对不起，请您再说一次。", "dui4bu5qi3, qing3 nin2 zai4 shuo1 yi2ci4."),
            ("已经为您登记", "yi3jing1 wei4 nin2 deng1ji4"),
            ("垃圾分类", "la1ji1 fen1lei4"),
            ("了", "le5"),
            ("三、五", "san1, wu3"),
            ("A座18", "a zuo4 yi1 ba1"),
        ] {
            assert_eq!(toned_pinyin(&zh(), text), reading, "{text}");
        }
    }

    #[test]
    fn the_longest_word_wins() {
        let mut catalogue = zh();
        catalogue.words.insert("音乐厅".to_owned(), "X".to_owned());
        assert_eq!(toned_pinyin(&catalogue, "音乐厅"), "X");
        assert_eq!(toned_pinyin(&catalogue, "音乐会"), "yin1yue4 hui4");
    }

    #[test]
    fn a_prompt_may_be_spoken_in_another_language_than_its_folders() {
        let en = Catalogue::parse(&Lang::new("en"), "en", include_str!("../../prompts/en/catalogue.toml")).0;
        let catalogues = BTreeMap::from([(Lang::new("zh"), zh()), (Lang::new("en"), en)]);
        let entry = catalogues[&Lang::new("zh")].entry("language-en").expect("the menu offers English");
        let speech = speech_of(&catalogues, &Lang::new("zh"), entry, "光明").expect("both have voices");
        assert_eq!(speech.voice.engine, "en-gb+f2");
        assert_eq!(speech.reading, "For English press eight.");
        let alone = BTreeMap::from([(Lang::new("zh"), zh())]);
        assert_eq!(speech_of(&alone, &Lang::new("zh"), entry, "光明"), Err(SpeechError::NoVoice(Lang::new("en"))));
    }

    #[test]
    fn the_desks_name_is_said_in_each_language_and_changes_the_hash() {
        let en = Catalogue::parse(&Lang::new("en"), "en", include_str!("../../prompts/en/catalogue.toml")).0;
        let catalogues = BTreeMap::from([(Lang::new("zh"), zh()), (Lang::new("en"), en)]);
        let say = |lang: &str, name: &str| {
            let lang = Lang::new(lang);
            speech_of(&catalogues, &lang, catalogues[&lang].entry("greeting").expect("a greeting"), name)
                .expect("both have voices")
        };
        let zh = say("zh", "光明物业项目服务机构");
        assert_eq!(zh.reading, "nin2hao3, guang1ming2wu4ye4 xiang4mu4 fu2wu4ji1gou4.");
        assert_eq!(zh.desk_name.as_deref(), Some("光明物业项目服务机构"));
        assert_eq!(say("en", "光明物业项目服务机构").text, "Hello, Guangming Property Services.");
        assert_ne!(zh.espeak_hash(), say("zh", "阳光物业").espeak_hash());
        assert!(say("en", "阳光物业").unsayable());
        assert!(!say("zh", "阳光物业").unsayable());
    }

    #[test]
    fn the_same_bytes_have_the_same_hash() {
        assert_eq!(hash(b""), "e3b0c44298fc1c149afbf4c8996fb924");
        assert_ne!(hash(b"a"), hash(b"b"));
    }
}
