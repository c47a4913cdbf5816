//! Numbers, dates and times of day as sequences of clips, by the rules of each language.
//!
//! Mandarin: 幺 for 1 in rooms, tickets and telephones; years digit by digit with 一; cardinals with 零 十 百 千 万 亿 and 两;
//! 点 and 分 on the 24-hour clock. English: as in `two hundred and three`, `twenty twenty-six`, `two oh five P M`.
//! A language with no rules here says every number digit by digit, from `digit-0` to `digit-9`.

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};

use super::clip::Clip;
use crate::types::Lang;

/// Pause between groups of digits, and for a `-`, `*` or any other sign among them.
const GROUP_PAUSE_MS: u32 = 250;
/// Most digits that are said: more would be a mistake, and the caller's patience ends before.
const DIGITS_MAX: usize = 64;

/// Clips that Mandarin numbers need, with what each says.
const MANDARIN_CLIPS: &[&str] = &[
    "digit-0",
    "digit-1",
    "digit-yao",
    "digit-2",
    "digit-3",
    "digit-4",
    "digit-5",
    "digit-6",
    "digit-7",
    "digit-8",
    "digit-9",
    "num-liang",
    "num-ten",
    "num-hundred",
    "num-thousand",
    "num-wan",
    "num-yi",
    "time-hour",
    "time-minute",
    "time-sharp",
    "date-year",
    "date-month",
    "date-day",
    "date-hao",
];

const ENGLISH_CLIPS: &[&str] = &[
    "num-hundred",
    "num-thousand",
    "num-million",
    "num-billion",
    "num-and",
    "time-oh",
    "time-oclock",
    "time-am",
    "time-pm",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Grammar {
    Mandarin,
    English,
    DigitByDigit,
}

impl Grammar {
    fn of(lang: &Lang) -> Grammar {
        match lang.0.split(['-', '_']).next().unwrap_or_default() {
            "zh" | "cmn" => Grammar::Mandarin,
            "en" => Grammar::English,
            _ => Grammar::DigitByDigit,
        }
    }
}

/// Ids of all clips that the functions here can ask for in a language: its catalogue must have them.
pub fn clips_needed(lang: &Lang) -> Vec<String> {
    let digits = (0..10).map(|d| format!("digit-{d}"));
    match Grammar::of(lang) {
        Grammar::Mandarin => MANDARIN_CLIPS.iter().map(|id| (*id).to_owned()).collect(),
        Grammar::English => digits
            .chain((10..20).chain((20..100).step_by(10)).map(|n| format!("num-{n}")))
            .chain((1..=12).map(|m| format!("month-{m}")))
            .chain((1..=31).map(|d| format!("day-{d}")))
            .chain(ENGLISH_CLIPS.iter().map(|id| (*id).to_owned()))
            .collect(),
        Grammar::DigitByDigit => digits.collect(),
    }
}

/// Digit by digit, as rooms, tickets and telephones are read; long runs in groups (3-4-4 for a mobile), other signs as pauses.
pub fn digits(lang: &Lang, text: &str) -> Vec<Clip> {
    let one = if Grammar::of(lang) == Grammar::Mandarin { "digit-yao" } else { "digit-1" };
    let mut clips: Vec<Clip> = Vec::new();
    let pause = |clips: &mut Vec<Clip>| {
        if !matches!(clips.last(), None | Some(Clip::Silence { .. })) {
            clips.push(Clip::Silence { ms: GROUP_PAUSE_MS });
        }
    };
    let text: String = text.chars().take(DIGITS_MAX).collect();
    for run in text.split(|c: char| !c.is_ascii_digit()) {
        let mut rest = run;
        for group in groups(run.len()) {
            let (now, later) = rest.split_at(group.min(rest.len()));
            rest = later;
            pause(&mut clips);
            for digit in now.chars() {
                clips.push(if digit == '1' { Clip::prompt(one) } else { Clip::Prompt(format!("digit-{digit}")) });
            }
        }
    }
    if matches!(clips.last(), Some(Clip::Silence { .. })) {
        clips.pop();
    }
    clips
}

/// How a run of digits is cut into groups that an ear can hold.
fn groups(len: usize) -> Vec<usize> {
    match len {
        0 => vec![],
        1..=6 => vec![len],
        7 => vec![3, 4],
        10 => vec![3, 3, 4],
        11 => vec![3, 4, 4],
        12 => vec![4, 4, 4],
        _ => std::iter::repeat_n(4, len / 4).chain((!len.is_multiple_of(4)).then_some(len % 4)).collect(),
    }
}

/// A cardinal number: 两百零三, `two hundred and three`.
pub fn cardinal(lang: &Lang, n: u64) -> Vec<Clip> {
    match Grammar::of(lang) {
        Grammar::Mandarin => prompts(mandarin_cardinal(n)),
        Grammar::English => english_cardinal(n).into_iter().map(Clip::Prompt).collect(),
        Grammar::DigitByDigit => digits(lang, &n.to_string()),
    }
}

/// A date with its year: 二零二六年十一月二十三日, `November twenty-third, twenty twenty-six`.
pub fn date(lang: &Lang, date: NaiveDate) -> Vec<Clip> {
    let (year, month, day) = (u64::from(date.year().unsigned_abs()), date.month(), date.day());
    match Grammar::of(lang) {
        Grammar::Mandarin => {
            let mut ids: Vec<String> = year.to_string().chars().map(|d| format!("digit-{d}")).collect();
            ids.push("date-year".to_owned());
            ids.extend(mandarin_cardinal(u64::from(month)).into_iter().map(str::to_owned));
            ids.push("date-month".to_owned());
            ids.extend(mandarin_cardinal(u64::from(day)).into_iter().map(str::to_owned));
            ids.push("date-day".to_owned());
            ids.into_iter().map(Clip::Prompt).collect()
        }
        Grammar::English => [format!("month-{month}"), format!("day-{day}")]
            .into_iter()
            .chain(english_year(year))
            .map(Clip::Prompt)
            .collect(),
        Grammar::DigitByDigit => digits(lang, &date.format("%Y-%m-%d").to_string()),
    }
}

/// A time of day to the minute: 十四点零五分, `two oh five P M`.
pub fn time(lang: &Lang, time: NaiveTime) -> Vec<Clip> {
    let (hour, minute) = (time.hour(), time.minute());
    match Grammar::of(lang) {
        Grammar::Mandarin => {
            let mut ids = if hour == 2 { vec!["num-liang"] } else { mandarin_cardinal(u64::from(hour)) };
            ids.push("time-hour");
            if minute == 0 {
                ids.push("time-sharp");
            } else {
                if minute < 10 {
                    ids.push("digit-0");
                }
                ids.extend(mandarin_cardinal(u64::from(minute)));
                ids.push("time-minute");
            }
            prompts(ids)
        }
        Grammar::English => {
            let (afternoon, hour12) = time.hour12();
            let mut ids = english_cardinal(u64::from(hour12));
            match minute {
                0 => ids.push("time-oclock".to_owned()),
                1..=9 => ids.extend(["time-oh".to_owned(), format!("digit-{minute}")]),
                _ => ids.extend(english_cardinal(u64::from(minute))),
            }
            ids.push(if afternoon { "time-pm" } else { "time-am" }.to_owned());
            ids.into_iter().map(Clip::Prompt).collect()
        }
        Grammar::DigitByDigit => digits(lang, &time.format("%H-%M").to_string()),
    }
}

fn prompts(ids: Vec<&'static str>) -> Vec<Clip> {
    ids.into_iter().map(Clip::prompt).collect()
}

const MANDARIN_DIGITS: [&str; 10] =
    ["digit-0", "digit-1", "digit-2", "digit-3", "digit-4", "digit-5", "digit-6", "digit-7", "digit-8", "digit-9"];

fn mandarin_digit(n: u64) -> &'static str {
    MANDARIN_DIGITS[(n % 10) as usize]
}

fn mandarin_cardinal(n: u64) -> Vec<&'static str> {
    let mut out = Vec::new();
    mandarin_part(n, &mut out);
    out
}

/// Appends `n` to what is already said: first its highest unit, then the rest, with one 零 for the empty places between.
fn mandarin_part(n: u64, out: &mut Vec<&'static str>) {
    const UNITS: [(u64, &str); 5] =
        [(100_000_000, "num-yi"), (10_000, "num-wan"), (1_000, "num-thousand"), (100, "num-hundred"), (10, "num-ten")];
    let Some((unit, word)) = UNITS.into_iter().find(|(unit, _)| n >= *unit) else {
        return out.push(mandarin_digit(n));
    };
    match (n / unit, unit) {
        (2, 100..) => out.push("num-liang"),
        // 十二 when it stands first, 一十二 within a larger number.
        (1, 10) if out.is_empty() => {}
        (count, _) => mandarin_part(count, out),
    }
    out.push(word);
    let rest = n % unit;
    if rest > 0 {
        if rest < unit / 10 {
            out.push("digit-0");
        }
        mandarin_part(rest, out);
    }
}

fn english_cardinal(n: u64) -> Vec<String> {
    const UNITS: [(u64, &str); 3] =
        [(1_000_000_000, "num-billion"), (1_000_000, "num-million"), (1_000, "num-thousand")];
    if n == 0 {
        return vec!["digit-0".to_owned()];
    }
    let (mut out, mut rest) = (Vec::new(), n);
    for (unit, word) in UNITS {
        if rest >= unit {
            out.extend(english_cardinal(rest / unit));
            out.push(word.to_owned());
            rest %= unit;
        }
    }
    if rest >= 100 {
        out.extend([format!("digit-{}", rest / 100), "num-hundred".to_owned()]);
        rest %= 100;
    }
    if rest > 0 {
        if !out.is_empty() {
            out.push("num-and".to_owned());
        }
        out.extend(english_below_100(rest));
    }
    out
}

fn english_below_100(n: u64) -> Vec<String> {
    match n {
        0..=9 => vec![format!("digit-{n}")],
        10..=19 => vec![format!("num-{n}")],
        _ if n.is_multiple_of(10) => vec![format!("num-{n}")],
        _ => vec![format!("num-{}", n / 10 * 10), format!("digit-{}", n % 10)],
    }
}

/// `twenty twenty-six`, `nineteen oh five`, `nineteen hundred`, `two thousand and five`.
fn english_year(year: u64) -> Vec<String> {
    let (century, rest) = (year / 100, year % 100);
    if !(1000..10_000).contains(&year) || (year % 1000) < 10 {
        return english_cardinal(year);
    }
    let mut out = english_below_100(century);
    match rest {
        0 => out.push("num-hundred".to_owned()),
        1..=9 => out.extend(["time-oh".to_owned(), format!("digit-{rest}")]),
        _ => out.extend(english_below_100(rest)),
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Clips as a reader sees them: hanzi for Mandarin, words for English, `,` for a pause.
    fn read(clips: &[Clip]) -> String {
        const HANZI: &[(&str, &str)] = &[
            ("digit-0", "零"),
            ("digit-1", "一"),
            ("digit-yao", "幺"),
            ("digit-2", "二"),
            ("digit-3", "三"),
            ("digit-4", "四"),
            ("digit-5", "五"),
            ("digit-6", "六"),
            ("digit-7", "七"),
            ("digit-8", "八"),
            ("digit-9", "九"),
            ("num-liang", "两"),
            ("num-ten", "十"),
            ("num-hundred", "百"),
            ("num-thousand", "千"),
            ("num-wan", "万"),
            ("num-yi", "亿"),
            ("time-hour", "点"),
            ("time-minute", "分"),
            ("time-sharp", "整"),
            ("date-year", "年"),
            ("date-month", "月"),
            ("date-day", "日"),
        ];
        clips
            .iter()
            .map(|clip| match clip {
                Clip::Prompt(id) => HANZI.iter().find(|(k, _)| k == id).map_or(id.as_str(), |(_, hanzi)| hanzi),
                _ => ",",
            })
            .collect()
    }

    fn english(clips: &[Clip]) -> String {
        let words: Vec<&str> = clips
            .iter()
            .map(|clip| match clip {
                Clip::Prompt(id) => id.split_once('-').map_or(id.as_str(), |(_, word)| word),
                _ => ",",
            })
            .collect();
        words.join(" ")
    }

    fn zh() -> Lang {
        Lang::new("zh")
    }

    fn en() -> Lang {
        Lang::new("en")
    }

    #[test]
    fn one_is_yao_in_rooms_tickets_and_telephones() {
        for (text, said) in [
            ("1201", "幺二零幺"),
            ("3", "三"),
            ("20261123-0007", "二零二六,幺幺二三,零零零七"),
            ("13800138011", "幺三八,零零幺三,八零幺幺"),
            ("62345678", "六二三四,五六七八"),
            ("+86-10-62345678", "八六,幺零,六二三四,五六七八"),
            ("3*1201#", "三,幺二零幺"),
            ("110", "幺幺零"),
            ("", ""),
            ("--", ""),
            ("٣三", ""),
        ] {
            assert_eq!(read(&digits(&zh(), text)), said, "{text}");
        }
    }

    #[test]
    fn english_digits_are_zero_to_nine() {
        assert_eq!(english(&digits(&en(), "1201")), "1 2 0 1");
        assert_eq!(english(&digits(&Lang::new("fr"), "10")), "1 0");
    }

    #[test]
    fn a_hostile_run_of_digits_is_cut() {
        let said = digits(&zh(), &"1".repeat(100_000));
        assert_eq!(said.iter().filter(|c| matches!(c, Clip::Prompt(_))).count(), DIGITS_MAX);
    }

    #[test]
    fn mandarin_cardinals_follow_the_rules_of_ling_and_liang() {
        for (n, said) in [
            (0, "零"),
            (1, "一"),
            (2, "二"),
            (10, "十"),
            (12, "十二"),
            (20, "二十"),
            (22, "二十二"),
            (100, "一百"),
            (103, "一百零三"),
            (110, "一百一十"),
            (112, "一百一十二"),
            (200, "两百"),
            (203, "两百零三"),
            (222, "两百二十二"),
            (1000, "一千"),
            (1001, "一千零一"),
            (1010, "一千零一十"),
            (1100, "一千一百"),
            (2002, "两千零二"),
            (10_000, "一万"),
            (10_001, "一万零一"),
            (10_010, "一万零一十"),
            (11_000, "一万一千"),
            (20_000, "两万"),
            (22_222, "两万两千两百二十二"),
            (100_000, "十万"),
            (100_001, "十万零一"),
            (120_000, "十二万"),
            (10_020_000, "一千零二万"),
            (100_000_000, "一亿"),
            (100_000_001, "一亿零一"),
            (100_120_000, "一亿零一十二万"),
            (1_200_000_000, "十二亿"),
            (1_000_000_000_000, "一万亿"),
        ] {
            assert_eq!(read(&cardinal(&zh(), n)), said, "{n}");
        }
    }

    #[test]
    fn english_cardinals() {
        for (n, said) in [
            (0, "0"),
            (7, "7"),
            (13, "13"),
            (20, "20"),
            (21, "20 1"),
            (100, "1 hundred"),
            (203, "2 hundred and 3"),
            (999, "9 hundred and 90 9"),
            (1_000, "1 thousand"),
            (1_005, "1 thousand and 5"),
            (12_345, "12 thousand 3 hundred and 40 5"),
            (1_000_000, "1 million"),
            (2_000_000_001, "2 billion and 1"),
        ] {
            assert_eq!(english(&cardinal(&en(), n)), said, "{n}");
        }
    }

    #[test]
    fn years_are_read_digit_by_digit_in_mandarin_and_in_pairs_in_english() {
        for (y, m, d, mandarin, in_english) in [
            (2026, 11, 23, "二零二六年十一月二十三日", "11 23 20 20 6"),
            (2011, 1, 1, "二零一一年一月一日", "1 1 20 11"),
            (2005, 2, 10, "二零零五年二月十日", "2 10 2 thousand and 5"),
            (1905, 12, 31, "一九零五年十二月三十一日", "12 31 19 oh 5"),
            (1900, 2, 2, "一九零零年二月二日", "2 2 19 hundred"),
        ] {
            let day = NaiveDate::from_ymd_opt(y, m, d).expect("a real date");
            assert_eq!(read(&date(&zh(), day)), mandarin);
            assert_eq!(english(&date(&en(), day)), in_english);
        }
    }

    #[test]
    fn times_of_day() {
        for (h, m, mandarin, in_english) in [
            (0, 0, "零点整", "12 oclock am"),
            (2, 0, "两点整", "2 oclock am"),
            (2, 2, "两点零二分", "2 oh 2 am"),
            (12, 30, "十二点三十分", "12 30 pm"),
            (14, 5, "十四点零五分", "2 oh 5 pm"),
            (22, 45, "二十二点四十五分", "10 40 5 pm"),
        ] {
            let at = NaiveTime::from_hms_opt(h, m, 0).expect("a real time");
            assert_eq!(read(&time(&zh(), at)), mandarin);
            assert_eq!(english(&time(&en(), at)), in_english);
        }
    }

    #[test]
    fn only_the_clips_that_a_catalogue_must_have_are_asked_for() {
        for lang in [zh(), en(), Lang::new("fr")] {
            let known: BTreeSet<String> = clips_needed(&lang).into_iter().collect();
            let mut asked = digits(&lang, "0123456789");
            let powers = (0..64).map(|bit| 1_u64 << bit);
            for n in (0..2500).chain(powers).chain([u64::MAX]) {
                asked.extend(cardinal(&lang, n));
            }
            for day in NaiveDate::from_ymd_opt(2024, 1, 1).expect("a real date").iter_days().take(366) {
                asked.extend(date(&lang, day));
            }
            for minute in 0..24 * 60 {
                let at = NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).expect("a real time");
                asked.extend(time(&lang, at));
            }
            for clip in asked {
                if let Clip::Prompt(id) = clip {
                    assert!(known.contains(&id), "{lang}: {id}");
                }
            }
        }
    }
}
