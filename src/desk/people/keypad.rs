//! Names as callers key them on a telephone: all of the pinyin, or its initials, in every reading.

use std::collections::BTreeSet;

use pinyin::ToPinyin;

/// Readings of one name: characters with several multiply.
const READINGS_MAX: usize = 16;

/// The key of a telephone that carries a letter (ITU-T E.161).
pub fn keypad(letter: char) -> Option<char> {
    Some(match letter.to_ascii_lowercase() {
        'a'..='c' => '2',
        'd'..='f' => '3',
        'g'..='i' => '4',
        'j'..='l' => '5',
        'm'..='o' => '6',
        'p'..='s' => '7',
        't'..='v' => '8',
        'w'..='z' => '9',
        '0'..='9' => letter,
        _ => return None,
    })
}

/// Digits that a name can be keyed with, in the order of the digits; `pinyin` is read in its place where it is given.
pub fn keys_of_name(name: &str, pinyin: Option<&str>) -> Vec<String> {
    let mut keys = BTreeSet::new();
    let is_latin = name.chars().all(|c| sounds_of(c).is_empty());
    for syllables in readings(pinyin.unwrap_or(name)) {
        let key = |words: &[String]| words.concat().chars().filter_map(keypad).collect::<String>();
        let initials = |words: &[String]| words.iter().filter_map(|w| w.chars().next()).filter_map(keypad).collect();
        keys.insert(key(&syllables));
        keys.insert(initials(&syllables));
        // A Latin name may be looked for by its last word: Smith, Anna.
        if is_latin && syllables.len() > 1 {
            let mut turned = syllables;
            turned.rotate_right(1);
            keys.insert(key(&turned));
            keys.insert(initials(&turned));
        }
    }
    keys.into_iter().filter(|k| !k.is_empty()).collect()
}

/// A name's syllables and words in Latin letters, in every way that it can be read.
fn readings(name: &str) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    let mut in_word = false;
    for c in name.chars() {
        let sounds = sounds_of(c);
        if !sounds.is_empty() {
            in_word = false;
            let room = READINGS_MAX / all.len();
            let with = |sound: &String| {
                all.iter().map(|r| [r.as_slice(), std::slice::from_ref(sound)].concat()).collect::<Vec<_>>()
            };
            all = sounds.iter().take(room.max(1)).flat_map(with).collect();
        } else if let Some(letter) = plain_letter(c) {
            for reading in &mut all {
                match reading.last_mut().filter(|_| in_word) {
                    Some(word) => word.push(letter),
                    None => reading.push(letter.to_string()),
                }
            }
            in_word = true;
        } else if c != '\'' {
            in_word = false;
        }
    }
    all
}

/// Characters that are read otherwise in names, beside what the dictionary says: callers key either.
const READ_IN_NAMES: &[(char, &str)] = &[
    ('单', "shan"),
    ('曾', "zeng"),
    ('解', "xie"),
    ('仇', "qiu"),
    ('区', "ou"),
    ('查', "zha"),
    ('任', "ren"),
    ('盖', "ge"),
    ('朴', "piao"),
    ('翟', "zhai"),
    ('尉', "yu"),
    ('乐', "yue"),
    ('乐', "le"),
    ('覃', "qin"),
    ('覃', "tan"),
    ('缪', "miao"),
    ('长', "zhang"),
    ('长', "chang"),
    ('员', "yun"),
    ('召', "shao"),
    ('折', "she"),
    ('黑', "he"),
    ('种', "chong"),
    ('重', "chong"),
    ('句', "gou"),
    ('冼', "xian"),
    ('洗', "xian"),
    ('行', "xing"),
    ('朝', "zhao"),
    ('朝', "chao"),
    ('茜', "qian"),
    ('茜', "xi"),
    ('晟', "sheng"),
    ('晟', "cheng"),
    ('柏', "bai"),
    ('沈', "shen"),
    ('卜', "bu"),
    ('万', "wan"),
    ('宁', "ning"),
    ('华', "hua"),
];

/// Pinyin of a character without tones, the usual reading first; none for others.
fn sounds_of(c: char) -> Vec<String> {
    let mut sounds: Vec<String> = c.to_pinyin().map(|p| latin(p.plain())).into_iter().collect();
    for (_, sound) in READ_IN_NAMES.iter().filter(|(other, _)| *other == c) {
        if !sounds.iter().any(|s| s == sound) {
            sounds.push((*sound).to_owned());
        }
    }
    sounds
}

/// `ü` is keyed as `v` or `u`, which are the same key.
fn latin(pinyin: &str) -> String {
    pinyin.replace('ü', "v")
}

fn plain_letter(c: char) -> Option<char> {
    let plain = match c {
        'à'..='å' | 'À'..='Å' => 'a',
        'ç' | 'Ç' => 'c',
        'è'..='ë' | 'È'..='Ë' => 'e',
        'ì'..='ï' | 'Ì'..='Ï' => 'i',
        'ñ' | 'Ñ' => 'n',
        'ò'..='ö' | 'Ò'..='Ö' | 'ø' | 'Ø' => 'o',
        'ù'..='ü' | 'Ù'..='Ü' => 'u',
        other => other,
    };
    plain.is_ascii_alphanumeric().then(|| plain.to_ascii_lowercase())
}
