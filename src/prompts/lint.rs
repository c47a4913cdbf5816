//! The politeness lint of texts (R3, R7, R8), and what makes them speakable.

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{Catalogue, DESK_NAME, Entry};
use super::numbers;
use super::speech::is_hanzi;
use crate::types::{Lang, Problem};

/// A language's words.
struct Manners {
    /// What a desk never says (R8), each with what to say in its place.
    refusals: &'static [(&'static str, &'static str)],
    /// Longer words in which a refusal is innocent: they are taken out before the search.
    innocent: &'static [&'static str],
    /// The first words of the greeting (R3), any of them.
    hello: &'static [&'static str],
    /// The first words of every `sorry-...` prompt (R7), any of them.
    sorry: &'static [&'static str],
    /// Words are letters between others that are none; hanzi are searched anywhere.
    whole_words: bool,
}

const LATER: &str = "offer to find out: \"please leave your number, we will call you back\"";
const HUMAN: &str = "offer a human or a message in place of the refusal";

const MANDARIN: Manners = Manners {
    refusals: &[
        ("不知道", LATER),
        ("不清楚", LATER),
        ("不了解", LATER),
        ("不行", HUMAN),
        ("不能", HUMAN),
        ("不可以", HUMAN),
        ("不会", HUMAN),
        ("不管", HUMAN),
        ("不归", HUMAN),
        ("不属于", HUMAN),
        ("不负责", HUMAN),
        ("不是我们", HUMAN),
        ("与我们无关", HUMAN),
        ("不在", "say \"暂时离开\" and offer a message"),
        ("不对", "say \"请您重新输入\""),
        ("无法", HUMAN),
        ("无人", HUMAN),
        ("没有", HUMAN),
        ("没人", HUMAN),
        ("没空", HUMAN),
        ("没办法", HUMAN),
        ("办不到", HUMAN),
        ("做不到", HUMAN),
        ("找不到", "say \"请您再输入一次\", and offer a message"),
        ("拒绝", HUMAN),
        ("禁止", "ask politely: \"请您...\""),
        ("不许", "ask politely: \"请您...\""),
        ("错误", "say \"请您重新输入\""),
        ("无效", "say \"请您重新输入\""),
        ("失败", "say what the caller can do now"),
        ("必须", "ask politely: \"请您...\""),
    ],
    innocent: &["对不起", "有没有", "不在意", "不在乎", "不会忘记"],
    hello: &["您好"],
    sorry: &["对不起", "抱歉", "很抱歉"],
    whole_words: false,
};

const ENGLISH: Manners = Manners {
    refusals: &[
        ("no", HUMAN),
        ("not", HUMAN),
        ("cannot", HUMAN),
        ("can't", HUMAN),
        ("couldn't", HUMAN),
        ("don't", HUMAN),
        ("doesn't", HUMAN),
        ("isn't", HUMAN),
        ("aren't", HUMAN),
        ("won't", HUMAN),
        ("nobody", HUMAN),
        ("nothing", HUMAN),
        ("never", HUMAN),
        ("none", HUMAN),
        ("unable", HUMAN),
        ("impossible", HUMAN),
        ("unavailable", "say \"away from the desk\" and offer a message"),
        ("unfortunately", HUMAN),
        ("refuse", HUMAN),
        ("refused", HUMAN),
        ("forbidden", "ask politely: \"please ...\""),
        ("invalid", "say \"please enter it once more\""),
        ("incorrect", "say \"please enter it once more\""),
        ("error", "say \"please enter it once more\""),
        ("failed", "say what the caller can do now"),
        ("must", "ask politely: \"please ...\""),
    ],
    innocent: &["not only", "no charge", "never mind", "no hurry"],
    hello: &["Hello", "Good day", "Welcome"],
    sorry: &["Sorry", "We are sorry", "We are very sorry"],
    whole_words: true,
};

fn manners(lang: &Lang) -> Option<&'static Manners> {
    match lang.0.split(['-', '_']).next().unwrap_or_default() {
        "zh" => Some(&MANDARIN),
        "en" => Some(&ENGLISH),
        _ => None,
    }
}

/// Lints every text of a catalogue.
pub fn texts(catalogue: &Catalogue) -> Vec<Problem> {
    catalogue.entries.iter().flat_map(|entry| text(catalogue, entry)).collect()
}

/// Texts that one language has and another lacks, and clips of numbers that are lacking.
///
/// Numbers are put together from other clips in each language, and names are people's: these may differ.
pub fn across(catalogues: &BTreeMap<Lang, Catalogue>) -> Vec<Problem> {
    let mut out = Vec::new();
    let everything: BTreeMap<&str, &Lang> = catalogues
        .iter()
        .flat_map(|(lang, c)| c.entries.iter().map(move |e| (e, lang)))
        .filter(|(e, _)| e.group != "numbers" && e.group != "people")
        .map(|(e, lang)| (e.id.as_str(), lang))
        .collect();
    for (lang, catalogue) in catalogues {
        let own: BTreeSet<&str> = catalogue.entries.iter().map(|e| e.id.as_str()).collect();
        for (id, other) in everything.iter().filter(|(id, _)| !own.contains(**id)) {
            let remedy =
                format!("write {id} = \"...\"; until then callers hear it in the language {other:?}", other = other.0);
            out.push(at(
                catalogue,
                None,
                format!("{id:?} has no text here, but one in {other:?}", other = other.0),
                remedy,
            ));
        }
        for id in numbers::clips_needed(lang).iter().filter(|id| !own.contains(id.as_str())) {
            let what = format!("{id:?} is needed to read numbers, and has no text");
            out.push(at(catalogue, None, what, format!("write {id} = \"...\" under [numbers]")));
        }
    }
    out
}

/// Lints one text.
fn text(catalogue: &Catalogue, entry: &Entry) -> Vec<Problem> {
    let lang = entry.lang.as_ref().unwrap_or(&catalogue.lang);
    let mut out = Vec::new();
    let mut tell = |what: String, remedy: &str| out.push(at(catalogue, Some(entry.line), what, remedy.to_owned()));
    let Entry { id, text, .. } = entry;
    if text.chars().any(|c| c.is_ascii_digit()) {
        tell(format!("{id:?} has numerals, which synthesisers read wrong"), "write numbers out: 幺二零, one two zero");
    }
    let unknown_place = text.replace(DESK_NAME, "");
    if unknown_place.contains(['{', '}']) {
        tell(format!("{id:?} has a place holder other than {DESK_NAME}"), "only the desk's name can be filled in");
    }
    let Some(manners) = manners(lang) else { return out };
    for (word, remedy) in manners.refusals_in(text).into_iter().filter(|(w, _)| !entry.allow.iter().any(|a| a == w)) {
        tell(format!("{id:?} says {word:?} (R8)"), remedy);
    }
    if id.starts_with("sorry-") && !manners.sorry.iter().any(|s| text.starts_with(s)) {
        tell(format!("{id:?} does not begin with an apology (R7)"), &format!("begin with {:?}", manners.sorry[0]));
    }
    if id == "greeting" {
        if !manners.hello.iter().any(|h| text.starts_with(h)) {
            tell(
                "the greeting does not begin with a greeting (R3)".to_owned(),
                &format!("begin with {:?}", manners.hello[0]),
            );
        }
        if !text.contains(DESK_NAME) {
            tell(
                "the greeting does not name the desk (R3)".to_owned(),
                &format!("write {DESK_NAME} after the greeting"),
            );
        }
    }
    if lang.0 == "zh" && text.contains('你') {
        tell(format!("{id:?} says 你"), "say 您");
    }
    if lang.0 != "zh" && text.chars().any(is_hanzi) {
        tell(
            format!("{id:?} has hanzi in the language {:?}", lang.0),
            "write it in that language, or add lang = \"zh\"",
        );
    }
    out
}

impl Manners {
    fn refusals_in(&self, text: &str) -> Vec<(&'static str, &'static str)> {
        let mut text = text.to_lowercase().replace('\u{2019}', "'");
        for innocent in self.innocent {
            text = text.replace(innocent, " ");
        }
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '\'').collect();
        let says = |word: &str| if self.whole_words { words.contains(word) } else { text.contains(word) };
        self.refusals.iter().copied().filter(|(word, _)| says(word)).collect()
    }
}

fn at(catalogue: &Catalogue, line: Option<usize>, what: String, remedy: String) -> Problem {
    Problem { file: catalogue.file.clone(), line, what, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lint(lang: &str, line: &str) -> Vec<String> {
        let (catalogue, faults) = Catalogue::parse(&Lang::new(lang), "f", &format!("[g]\n{line}\n"));
        assert_eq!(faults, []);
        texts(&catalogue).iter().map(Problem::to_string).collect()
    }

    #[test]
    fn a_refusal_is_found_in_either_language() {
        for (lang, text, word) in [
            ("zh", "这个我们不知道。", "不知道"),
            ("zh", "对不起，这样不行。", "不行"),
            ("zh", "您的要求不能办理。", "不能"),
            ("zh", "我们没有办法。", "没有"),
            ("zh", "这个不归我们管。", "不归"),
            ("zh", "他不在。", "不在"),
            ("en", "Sorry, no.", "no"),
            ("en", "We can't do that.", "can't"),
            ("en", "We can\u{2019}t do that.", "can't"),
            ("en", "That is NOT our job.", "not"),
            ("en", "Invalid choice.", "invalid"),
        ] {
            let found = lint(lang, &format!("x = \"{text}\""));
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with(&format!("f:2: \"x\" says {word:?} (R8); ")), "{found:?}");
        }
    }

    #[test]
    fn innocent_words_are_let_through() {
        for (lang, text) in [
            ("zh", "对不起，请您再说一次。"),
            ("zh", "给您带来不便，我们非常抱歉。"),
            ("zh", "屋顶漏水，请按三。"),
            ("en", "Nobel street, note, another, November, know-how"),
            ("en", "There is no charge."),
        ] {
            assert_eq!(lint(lang, &format!("x = \"{text}\"")), Vec::<String>::new(), "{text}");
        }
        assert_eq!(lint("zh", r#"x = { text = "没有水，请按一。", allow = ["没有"] }"#), Vec::<String>::new());
        assert_eq!(lint("zh", r#"x = { text = "没有水，无法用。", allow = ["没有"] }"#).len(), 1);
    }

    #[test]
    fn the_greeting_says_hello_and_the_desks_name() {
        assert_eq!(lint("zh", r#"greeting = "您好，{desk.name}。""#), Vec::<String>::new());
        assert_eq!(lint("zh", r#"greeting = "欢迎致电。""#).len(), 2);
        assert_eq!(lint("en", r#"greeting = "Hello, this is the desk.""#).len(), 1);
    }

    #[test]
    fn an_apology_begins_with_one() {
        assert_eq!(lint("zh", r#"sorry-no-key = "请您按键。""#).len(), 1);
        assert_eq!(lint("en", r#"sorry-no-key = "Sorry, please press a key.""#), Vec::<String>::new());
    }

    #[test]
    fn what_would_be_read_wrong_is_told() {
        assert_eq!(lint("zh", r#"x = "请拨120。""#).len(), 1);
        assert_eq!(lint("zh", r#"x = "你按一。""#).len(), 1);
        assert_eq!(lint("en", r#"x = "中文""#).len(), 1);
        assert_eq!(lint("en", r#"x = { text = "中文请按八。", lang = "zh" }"#), Vec::<String>::new());
        assert_eq!(lint("zh", r#"x = "您好，{name}。""#).len(), 1);
    }

    #[test]
    fn a_text_that_one_language_lacks_is_told_where_it_lacks() {
        let parse = |lang: &str, text: &str| {
            let lang = Lang::new(lang);
            (lang.clone(), Catalogue::parse(&lang, &lang.0, text).0)
        };
        let catalogues = BTreeMap::from([
            parse("fr", "[g]\nhere = \"ici\"\n[people]\nname-1 = \"X\"\n"),
            parse("de", "[g]\nhere = \"hier\"\nthere = \"dort\"\n"),
        ]);
        let found: Vec<_> = across(&catalogues).iter().map(Problem::to_string).collect();
        assert!(found.iter().any(|p| p.starts_with("fr: \"there\" has no text here")), "{found:?}");
        assert!(!found.iter().any(|p| p.contains("name-1") || p.contains("\"here\"")), "{found:?}");
        assert_eq!(found.iter().filter(|p| p.contains("needed to read numbers")).count(), 20);
    }
}
