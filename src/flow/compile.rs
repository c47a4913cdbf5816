//! A flow file made ready: read, checked, and immutable from then on.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::check;
use super::definition::{Errands, Keys, Phrases, Top, Word, placeholder};
use super::entry::Entries;
use super::steps::{STEPS, Step};
use crate::desk::answers::Answers;
use crate::desk::errand::ErrandKind;
use crate::desk::hours::Hours;
use crate::desk::live::Title;
use crate::types::{Lang, Problem, Reader, did_you_mean, remedy_for_unknown};

/// Nodes of one flow.
const NODES_MAX: usize = 500;

/// What a flow is checked against and runs with.
pub struct CompileContext<'a> {
    /// Whether a prompt id exists in some language of the line.
    pub prompts: &'a dyn Fn(&str) -> bool,
    pub answers: &'a Answers,
    pub languages: &'a [Lang],
    pub hours: &'a Hours,
    pub time_zone: Tz,
}

/// One node, ready to be walked through.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// The name of its step.
    pub kind: &'static str,
    pub step: Arc<dyn Step>,
    /// What screens call it, where that is written.
    pub title: Option<Title>,
    /// 1-based line of the file where it begins.
    pub line: usize,
}

/// A flow that passed every check. Shared by all calls.
#[derive(Debug)]
pub struct Flow {
    start: Word,
    entries: Entries,
    errands: Errands,
    keys: Keys,
    phrases: Phrases,
    nodes: BTreeMap<String, Node>,
    answers: Answers,
    hours: Hours,
    time_zone: Tz,
}

impl Flow {
    /// Reads and checks a flow; every fault at once, by line.
    pub fn compile(text: &str, file: &str, context: &CompileContext<'_>) -> Result<Flow, Vec<Problem>> {
        let mut reader = Reader::new(text, file);
        let mut document = reader.document();
        let (nodes, unread) = read_nodes(&mut reader, &mut document);
        let top: Option<Top> = reader.read("flow", &Spanned::new(0..0, DeValue::Table(document)));
        let flow = top.map(|top| Flow {
            start: top.start,
            entries: Entries::new(top.entry),
            errands: top.errand,
            keys: top.keys,
            phrases: top.prompts,
            nodes,
            answers: context.answers.clone(),
            hours: context.hours.clone(),
            time_zone: context.time_zone,
        });
        if let Some(flow) = &flow {
            check::check(flow, &unread, context, &mut reader);
        }
        let mut answer_problems = check::answers(context);
        match reader.finish(flow) {
            Ok(flow) if answer_problems.is_empty() => Ok(flow),
            Ok(_) => Err(answer_problems),
            Err(mut problems) => {
                problems.append(&mut answer_problems);
                Err(problems)
            }
        }
    }

    /// The built-in flow (`config/flow.toml`).
    pub fn default_text() -> &'static str {
        include_str!("../../config/flow.toml")
    }

    pub fn start(&self) -> &str {
        self.start.get_ref()
    }

    /// Where a call to this user part or number begins: as `[entry]` says, else at `start`.
    pub fn entry(&self, callee: &str) -> &str {
        self.entries.of(callee).map_or_else(|| self.start(), |word| word.get_ref())
    }

    pub(super) fn entries(&self) -> &Entries {
        &self.entries
    }

    /// Whether any node wants to know where the caller lives (R11).
    pub fn knows_callers(&self) -> bool {
        self.nodes.values().any(|node| node.step.knows_callers())
    }

    /// Where the desk's own calls of a kind begin.
    pub fn errand(&self, kind: ErrandKind, of_message: bool) -> Option<&str> {
        self.errands.of(kind, of_message).map(|word| word.get_ref().as_str())
    }

    /// Whether it has a beginning for any of the desk's own calls.
    pub fn makes_errands(&self) -> bool {
        self.errands.iter().next().is_some()
    }

    pub(super) fn errands(&self) -> &Errands {
        &self.errands
    }

    /// Every node that a caller may begin at, the usual one first.
    pub(super) fn beginnings(&self) -> impl Iterator<Item = &str> {
        [self.start()].into_iter().chain(self.entries.iter().map(|(_, word)| word.get_ref().as_str()))
    }

    pub(super) fn start_word(&self) -> &Word {
        &self.start
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    pub fn phrases(&self) -> &Phrases {
        &self.phrases
    }

    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Whether this schedule holds, or this group has somebody on duty; the desk's own hours without a name.
    pub fn is_open(&self, group: Option<&str>, at: DateTime<Utc>) -> bool {
        match group {
            // `check` has seen to it that the hours know the name.
            Some(group) => self.hours.is_group_open(group, at, self.time_zone).unwrap_or(false),
            None => self.hours.is_open(at, self.time_zone),
        }
    }

    /// A moment on the desk's clock.
    pub fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.time_zone).naive_local()
    }

    pub(super) fn nodes(&self) -> &BTreeMap<String, Node> {
        &self.nodes
    }

    /// Every prompt that it may say, by its id; some more than once.
    pub fn prompt_ids(&self) -> impl Iterator<Item = &str> {
        let of_nodes = self.nodes.values().flat_map(|node| node.step.words());
        let words = self.phrases.words().chain(of_nodes);
        words.map(|word| word.get_ref().as_str()).filter(|id| placeholder(id).is_none())
    }

    /// Every link as (from, label, to), by name.
    pub fn edges(&self) -> Vec<(String, String, String)> {
        let of = |(name, node): (&String, &Node)| {
            let links = node.step.links().into_iter();
            links.map(|l| (name.clone(), l.label, l.to.get_ref().clone())).collect::<Vec<_>>()
        };
        self.nodes.iter().flat_map(of).collect()
    }

    /// What screens call a node, where that is written.
    pub fn title(&self, node: &str) -> Option<&Title> {
        self.nodes.get(node)?.title.as_ref()
    }

    pub(super) fn step(&self, name: &str) -> Option<Arc<dyn Step>> {
        self.nodes.get(name).map(|node| Arc::clone(&node.step))
    }
}

/// The `[node.*]` tables, taken out of the document, and the names of those that can't be read: their faults are noted.
fn read_nodes<'a>(reader: &mut Reader<'a>, document: &mut DeTable<'a>) -> (BTreeMap<String, Node>, Vec<String>) {
    let mut nodes = BTreeMap::new();
    let mut unread = Vec::new();
    let Some(tables) = document.remove("node") else {
        reader.problem(None, "there are no nodes", "write a [node.main] with step = \"menu\"");
        return (nodes, unread);
    };
    let at = tables.span().start;
    let DeValue::Table(tables) = tables.into_inner() else {
        reader.problem(Some(at), "`node` is no table", "write [node.main] and so on");
        return (nodes, unread);
    };
    if tables.len() > NODES_MAX {
        reader.problem(Some(at), format!("there are {} nodes", tables.len()), format!("write at most {NODES_MAX}"));
        return (nodes, unread);
    }
    for (name, table) in tables {
        match read_node(reader, &name, table) {
            Some(node) => drop(nodes.insert(name.into_inner().into_owned(), node)),
            None => unread.push(name.into_inner().into_owned()),
        }
    }
    (nodes, unread)
}

fn read_node<'a>(
    reader: &mut Reader<'a>,
    name: &Spanned<DeString<'a>>,
    mut table: Spanned<DeValue<'a>>,
) -> Option<Node> {
    let at = name.span().start;
    let what = format!("node `{}`", name.get_ref());
    let DeValue::Table(fields) = table.get_mut() else {
        reader.problem(Some(at), format!("{what} is no table"), format!("write [node.{}]", name.get_ref()));
        return None;
    };
    let known: Vec<String> = STEPS.iter().map(|s| s.name.to_owned()).collect();
    let Some(step) = fields.remove("step") else {
        let remedy = format!("write step = one of: {}", known.join(", "));
        reader.problem(Some(at), format!("{what}: `step` is missing"), remedy);
        return None;
    };
    let word = step.get_ref().as_str().unwrap_or_default();
    let Some(kind) = STEPS.iter().find(|s| s.name == word) else {
        let remedy = remedy_for_unknown(did_you_mean(word, STEPS.iter().map(|s| s.name)), &known);
        reader.problem(Some(step.span().start), format!("{what}: there is no step `{word}`"), remedy);
        return None;
    };
    let title = fields.remove("title");
    let step = (kind.read)(reader, &what, &table)?;
    let title = title.and_then(|title| reader.read::<Title>(&format!("{what}: title"), &title));
    for (at, fault, remedy) in step.faults() {
        reader.problem(at, format!("{what}: {fault}"), remedy);
    }
    Some(Node { kind: kind.name, step, title, line: reader.line(at) })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The built-in flow, as if every prompt existed.
    pub fn default_flow() -> Flow {
        let answers = Answers::parse(Answers::default_text(), "built-in answers").expect("they are good");
        let hours = Hours::parse(Hours::default_text(), "built-in hours").expect("they are good");
        let context = CompileContext {
            prompts: &|_| true,
            answers: &answers,
            languages: &[Lang::new("zh")],
            hours: &hours,
            time_zone: chrono_tz::Asia::Shanghai,
        };
        Flow::compile(Flow::default_text(), "built-in flow", &context).expect("it is good")
    }

    #[test]
    fn the_built_in_main_menu_is_the_contracts() {
        let edges = default_flow().edges();
        let keys: Vec<(&str, &str)> =
            edges.iter().filter(|(from, ..)| from == "main").map(|(_, key, to)| (key.as_str(), to.as_str())).collect();
        assert_eq!(
            keys,
            [
                ("0", "reception"),
                ("1", "repair"),
                ("2", "complaint"),
                ("3", "inquiry"),
                ("4", "person"),
                ("6", "work"),
                ("7", "mailbox"),
                ("8", "language"),
                ("9", "emergency"),
                ("failed", "by-hand"),
            ]
        );
    }

    #[test]
    fn any_truncation_of_a_flow_is_refused_with_problems_and_no_panic() {
        let text = Flow::default_text();
        let answers = Answers::parse(Answers::default_text(), "built-in answers").expect("they are good");
        let hours = Hours::parse(Hours::default_text(), "built-in hours").expect("they are good");
        let context = CompileContext {
            prompts: &|_| true,
            answers: &answers,
            languages: &[],
            hours: &hours,
            time_zone: chrono_tz::UTC,
        };
        for end in (0..text.len() - 40).step_by(97).filter(|end| text.is_char_boundary(*end)) {
            let problems = Flow::compile(&text[..end], "cut.toml", &context).expect_err("its end is missing");
            assert!(!problems.is_empty());
        }
    }

    #[test]
    fn a_run_of_a_flow_may_move_between_threads() {
        fn is_send<T: Send>() {}
        is_send::<crate::flow::FlowRun>();
    }
}
