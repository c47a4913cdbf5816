//! Which ways callers take through the flow: how many came to each node, where they went on to, and where they gave up.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::mean;
use crate::desk::call_record::{Outcome, PathStep};

/// Nodes that are told apart; a flow has fewer, but an old log has those of many flows.
const NODES_MAX: usize = 2_000;

/// What the report needs to know of one call.
#[derive(Debug, Clone, Copy)]
pub struct WayFact<'a> {
    pub path: &'a [PathStep],
    /// Null while it lives.
    pub outcome: Option<Outcome>,
}

/// The report, on the newest calls of a period.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct WaysReport {
    /// Calls that were looked at.
    pub calls: u64,
    /// Whether older calls of the period were left out, as there were too many.
    pub cut: bool,
    /// By name; also nodes that the flow has no more.
    pub nodes: Vec<NodeWays>,
}

/// What callers did at one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NodeWays {
    pub node: String,
    /// Calls that came to it.
    pub calls: u64,
    /// How often it was come to: a menu that is repeated counts each time.
    pub entered: u64,
    /// Calls whose caller hung up there and left nothing.
    pub gave_up: u64,
    /// Calls that ended there, however.
    pub ended: u64,
    /// Mean stay of those who went on.
    pub mean_stay_ms: Option<u64>,
    pub ways: Vec<Way>,
}

/// Where they went on to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Way {
    pub to: String,
    /// How often.
    pub taken: u64,
}

impl WaysReport {
    pub fn node(&self, name: &str) -> Option<&NodeWays> {
        let at = self.nodes.binary_search_by(|node| node.node.as_str().cmp(name)).ok()?;
        self.nodes.get(at)
    }
}

impl NodeWays {
    /// How often callers went from here to there.
    pub fn taken(&self, to: &str) -> u64 {
        self.ways.iter().find(|way| way.to == to).map_or(0, |way| way.taken)
    }
}

/// Collects calls for the report.
#[derive(Debug, Default)]
pub struct WaysTally {
    calls: u64,
    cut: bool,
    nodes: BTreeMap<String, Node>,
}

#[derive(Debug, Default)]
struct Node {
    calls: u64,
    entered: u64,
    gave_up: u64,
    ended: u64,
    left: u64,
    stay_ms: u64,
    ways: BTreeMap<String, u64>,
}

impl WaysTally {
    pub fn add(&mut self, call: &WayFact<'_>) {
        self.calls += 1;
        let visits = visits(call.path);
        let mut been = BTreeSet::new();
        for (at, visit) in visits.iter().enumerate() {
            let Some(node) = self.node(visit.node) else { continue };
            node.entered += 1;
            node.calls += u64::from(been.insert(visit.node));
            if let Some(next) = visits.get(at + 1) {
                node.left += 1;
                node.stay_ms += next.at_ms.saturating_sub(visit.at_ms);
                match node.ways.get_mut(next.node) {
                    Some(taken) => *taken += 1,
                    None => drop(node.ways.insert(next.node.to_owned(), 1)),
                }
            } else if let Some(outcome) = call.outcome {
                node.ended += 1;
                node.gave_up += u64::from(outcome == Outcome::Abandoned);
            }
        }
    }

    /// Not all calls of the period were added.
    pub fn cut(&mut self) {
        self.cut = true;
    }

    pub fn report(self) -> WaysReport {
        let nodes = self.nodes.into_iter().map(|(node, sum)| NodeWays {
            node,
            calls: sum.calls,
            entered: sum.entered,
            gave_up: sum.gave_up,
            ended: sum.ended,
            mean_stay_ms: mean(sum.stay_ms, sum.left),
            ways: sum.ways.into_iter().map(|(to, taken)| Way { to, taken }).collect(),
        });
        WaysReport { calls: self.calls, cut: self.cut, nodes: nodes.collect() }
    }

    fn node(&mut self, name: &str) -> Option<&mut Node> {
        if !self.nodes.contains_key(name) {
            if self.nodes.len() >= NODES_MAX {
                return None;
            }
            self.nodes.insert(name.to_owned(), Node::default());
        }
        self.nodes.get_mut(name)
    }
}

/// A stay at a node.
struct Visit<'a> {
    node: &'a str,
    at_ms: u64,
}

/// A step without keys comes to a node; one with keys tells what was keyed where the call is.
fn visits(path: &[PathStep]) -> Vec<Visit<'_>> {
    let mut visits: Vec<Visit<'_>> = Vec::new();
    for step in path {
        let is_there = visits.last().is_some_and(|last| last.node == step.node);
        if step.input.is_none() || !is_there {
            visits.push(Visit { node: &step.node, at_ms: step.at_ms });
        }
    }
    visits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(steps: &[(u64, &str, Option<&str>)]) -> Vec<PathStep> {
        let step = |(at_ms, node, input): &(u64, &str, Option<&str>)| PathStep {
            at_ms: *at_ms,
            node: (*node).to_owned(),
            input: input.map(str::to_owned),
        };
        steps.iter().map(step).collect()
    }

    #[test]
    fn callers_are_followed_from_node_to_node_and_to_where_they_gave_up() {
        let mut tally = WaysTally::default();
        let to_repair =
            path(&[(0, "welcome", None), (100, "main", None), (700, "main", Some("1")), (700, "repair", None)]);
        // The menu is said again, then the caller hangs up.
        let gives_up =
            path(&[(0, "welcome", None), (100, "main", None), (5_000, "main", Some("7")), (5_000, "main", None)]);
        tally.add(&WayFact { path: &to_repair, outcome: Some(Outcome::Ticket) });
        tally.add(&WayFact { path: &gives_up, outcome: Some(Outcome::Abandoned) });
        // This one still goes on.
        tally.add(&WayFact { path: &to_repair[..3], outcome: None });
        let report = tally.report();
        assert_eq!((report.calls, report.cut, report.nodes.len()), (3, false, 3));
        let main = report.node("main").expect("it was come to");
        assert_eq!((main.calls, main.entered, main.gave_up, main.ended), (3, 4, 1, 1));
        assert_eq!((main.taken("repair"), main.taken("main"), main.taken("welcome")), (1, 1, 0));
        assert_eq!(main.mean_stay_ms, Some((600 + 4_900) / 2));
        let repair = report.node("repair").expect("it was come to");
        assert_eq!((repair.calls, repair.gave_up, repair.ended, repair.mean_stay_ms), (1, 0, 1, None));
        assert!(report.node("nowhere").is_none());
    }

    #[test]
    fn nodes_without_end_are_no_memory_without_end() {
        let mut tally = WaysTally::default();
        for n in 0..2 * NODES_MAX {
            tally.add(&WayFact { path: &path(&[(0, &n.to_string(), None)]), outcome: None });
        }
        assert_eq!(tally.report().nodes.len(), NODES_MAX);
    }
}
