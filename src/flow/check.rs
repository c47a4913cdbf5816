//! Faults of a flow's shape: links to nothing, nodes that nobody reaches, ways that never end, menus without a way to a
//! human (R7), loops without a key, prompts that don't exist. Each with its line and remedy.

use std::collections::BTreeSet;

use super::compile::{CompileContext, Flow, Node};
use super::definition::{PLACEHOLDERS, Word, place, placeholder};
use super::steps::{By, Nature};
use crate::types::{Problem, Reader, did_you_mean};

/// Notes every fault of shape.
/// `unread` are nodes that stand in the file and could not be read: their own faults are told.
pub fn check(flow: &Flow, unread: &[String], context: &CompileContext<'_>, reader: &mut Reader<'_>) {
    words(flow, context, reader);
    groups(flow, context, reader);
    entries(flow, reader);
    let links_are_good = links(flow, unread, reader);
    // The rest would only tell the same faults in other words.
    if links_are_good && reader.is_clean() {
        unreachable(flow, reader);
        endless(flow, reader);
        menus_without_refuge(flow, reader);
        loops_without_keys(flow, reader);
        errands_alone(flow, reader);
    }
}

/// Answers whose prompts don't exist.
pub fn answers(context: &CompileContext<'_>) -> Vec<Problem> {
    let ids = context.answers.prompt_ids();
    ids.into_iter()
        .filter(|(id, _)| !(context.prompts)(id))
        .map(|(id, line)| Problem {
            file: context.answers.file().to_owned(),
            line: Some(line),
            what: format!("there is no prompt `{id}` in any language"),
            remedy: "add it to the catalogues, or name another".to_owned(),
        })
        .collect()
}

fn words(flow: &Flow, context: &CompileContext<'_>, reader: &mut Reader<'_>) {
    let mut look = |what: &str, word: &Word, line: Option<usize>| {
        let id = word.get_ref().as_str();
        if let Some(name) = placeholder(id) {
            if !PLACEHOLDERS.contains(&name) {
                let near = did_you_mean(name, PLACEHOLDERS).unwrap_or("ticket");
                reader.problem(
                    place(word),
                    format!("{what}: nothing is known as `{id}`"),
                    format!("did you mean `{{{near}}}`?"),
                );
            }
        } else if !(context.prompts)(id) {
            let remedy = "add it to prompts/<language>/catalogue.toml, or name another";
            reader.problem_at(place(word), line, format!("{what}: there is no prompt `{id}` in any language"), remedy);
        }
    };
    for word in flow.phrases().words() {
        look("prompts", word, None);
    }
    for (name, node) in flow.nodes() {
        for word in node.step.words() {
            look(&format!("node `{name}`"), word, Some(node.line));
        }
    }
    let offers = flow.nodes().values().any(|n| n.kind == "language");
    for lang in context.languages.iter().filter(|_| offers && context.languages.len() > 1) {
        let id = format!("language-{lang}");
        if !(context.prompts)(&id) {
            let remedy = "add it to prompts/<language>/catalogue.toml";
            reader.problem(None, format!("there is no prompt `{id}` in any language"), remedy);
        }
    }
}

/// Hours that are asked for and not known.
fn groups(flow: &Flow, context: &CompileContext<'_>, reader: &mut Reader<'_>) {
    let known = context.hours.groups();
    for (name, node) in flow.nodes() {
        let Some(group) = node.step.group().filter(|group| !known.contains(&group.get_ref().as_str())) else {
            continue;
        };
        let what = format!("node `{name}`: hours.toml has no schedule or duty group `{}`", group.get_ref());
        let near = did_you_mean(group.get_ref(), known.iter().copied());
        let remedy = near.map_or_else(
            || format!("write [schedule.{}] there, or leave `group` out for the desk's own hours", group.get_ref()),
            |near| format!("did you mean `{near}`?"),
        );
        reader.problem_at(place(group), Some(node.line), what, remedy);
    }
}

/// Entries that would never be found, or in doubt.
fn entries(flow: &Flow, reader: &mut Reader<'_>) {
    for (callee, word, fault, remedy) in flow.entries().faults() {
        reader.problem(place(word), format!("entry `{callee}`: {fault}"), remedy);
    }
}

/// Whether every link leads to a node.
fn links(flow: &Flow, unread: &[String], reader: &mut Reader<'_>) -> bool {
    let names = || flow.nodes().keys().chain(unread).map(String::as_str);
    let mut good = true;
    let mut look = |what: String, to: &Word, line: Option<usize>| {
        if names().any(|name| name == to.get_ref()) {
            return;
        }
        good = false;
        let remedy = match did_you_mean(to.get_ref(), names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write a [node.{}]", to.get_ref()),
        };
        reader.problem_at(place(to), line, format!("{what} leads to `{}`, which there is not", to.get_ref()), remedy);
    };
    look("`start`".to_owned(), flow.start_word(), None);
    for (callee, to) in flow.entries().iter() {
        look(format!("entry `{callee}`"), to, None);
    }
    for (kind, to) in flow.errands().iter() {
        look(format!("errand `{kind}`"), to, None);
    }
    for (name, node) in flow.nodes() {
        for link in node.step.links() {
            look(format!("node `{name}`: `{}`", link.label), link.to, Some(node.line));
        }
    }
    good
}

fn unreachable(flow: &Flow, reader: &mut Reader<'_>) {
    let errands = flow.errands().iter().map(|(_, word)| word.get_ref().clone());
    let reached = reach(flow, flow.beginnings().map(str::to_owned).chain(errands), |_| true);
    for (name, node) in flow.nodes().iter().filter(|(name, _)| !reached.contains(*name)) {
        let what = format!("nothing leads to node `{name}`");
        reader.problem_at(None, Some(node.line), what, "lead a key or an edge there, or take it out");
    }
}

/// Nodes from which no way ends the call.
fn endless(flow: &Flow, reader: &mut Reader<'_>) {
    for (name, node) in flow.nodes() {
        let reached = reach(flow, [name.clone()], |_| true);
        let ends = reached.iter().filter_map(|n| flow.nodes().get(n)).any(|n| n.step.nature() == Nature::End);
        if !ends {
            let what = format!("dead end: no way from node `{name}` ends the call");
            reader.problem_at(None, Some(node.line), what, "lead it on to a node with step = \"hangup\" in the end");
        }
    }
}

/// A menu needs a human's key, or must lead to a human or a message when it fails (R7).
fn menus_without_refuge(flow: &Flow, reader: &mut Reader<'_>) {
    // Whom the desk calls has no need of it.
    let of_callers = reach(flow, flow.beginnings().map(str::to_owned), |_| true);
    let is_refuge = |name: &String| flow.nodes().get(name).is_some_and(|n| n.step.nature() == Nature::Refuge);
    let is_menu = |node: &&Node| node.step.nature() == Nature::Menu;
    for (name, node) in flow.nodes().iter().filter(|(name, node)| is_menu(node) && of_callers.contains(*name)) {
        let links = node.step.links();
        let by_key = links
            .iter()
            .any(|l| l.by == By::Key && flow.nodes().get(l.to.get_ref()).is_some_and(|n| n.kind == "human"));
        let failed = links.iter().filter(|l| l.label == "failed").map(|l| l.to.get_ref().clone());
        if !by_key && !reach(flow, failed, |by| by == By::Itself).iter().any(is_refuge) {
            let what = format!("menu `{name}` has no way to a human");
            let remedy = "give it a key to a `human` node, or let `failed` lead to a human or a recording (R7)";
            reader.problem_at(None, Some(node.line), what, remedy);
        }
    }
}

/// Results of the desk's own calls, where a caller can come to them.
fn errands_alone(flow: &Flow, reader: &mut Reader<'_>) {
    let of_callers = reach(flow, flow.beginnings().map(str::to_owned), |_| true);
    let wrong = |node: &Node| node.step.nature() == Nature::Errand;
    for (name, node) in flow.nodes().iter().filter(|(name, node)| wrong(node) && of_callers.contains(*name)) {
        let what = format!("node `{name}` keeps what came of a call of the desk's own, and callers can come to it");
        reader.problem_at(None, Some(node.line), what, "lead to it from the nodes of [errand] alone");
    }
}

/// A ring of nodes that a caller who presses nothing would go round for ever.
fn loops_without_keys(flow: &Flow, reader: &mut Reader<'_>) {
    let mut told: BTreeSet<String> = BTreeSet::new();
    for (name, node) in flow.nodes() {
        let next = |of: &str| -> Vec<String> {
            let links = flow.nodes().get(of).map(|n| n.step.links()).unwrap_or_default();
            links.iter().filter(|l| l.by == By::Itself).map(|l| l.to.get_ref().clone()).collect()
        };
        let ring = reach(flow, next(name), |by| by == By::Itself);
        if ring.contains(name) && !told.contains(name) {
            let members: Vec<&String> =
                ring.iter().filter(|m| reach(flow, next(m), |by| by == By::Itself).contains(name)).collect();
            let list = members.iter().map(|m| format!("`{m}`")).collect::<Vec<_>>().join(", ");
            told.extend(members.into_iter().cloned());
            let what = format!("a caller who presses nothing goes round for ever: {list}");
            reader.problem_at(None, Some(node.line), what, "let one of them lead out of the ring");
        }
    }
}

/// All nodes that can be reached from these, themselves too, over links of the wanted sort.
fn reach(flow: &Flow, from: impl IntoIterator<Item = String>, wanted: impl Fn(By) -> bool) -> BTreeSet<String> {
    let mut todo: Vec<String> = from.into_iter().collect();
    let mut reached = BTreeSet::new();
    while let Some(name) = todo.pop() {
        let Some(node) = flow.nodes().get(&name) else { continue };
        if reached.insert(name) {
            let links = node.step.links();
            todo.extend(links.iter().filter(|l| wanted(l.by)).map(|l| l.to.get_ref().clone()));
        }
    }
    reached
}
