//! The flow as a drawing: its nodes and the ways between them, and where each stands on the paper. What it draws is made
//! by whoever knows the flow.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use utoipa::ToSchema;

use super::live::Title;
use super::report::table::Tongue;

/// What a node looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeLook {
    /// The caller passes through.
    Passage,
    /// It asks for keys.
    Choice,
    /// A person, or a recording that a person will hear.
    Refuge,
    /// The end of the call.
    End,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChartNode {
    pub name: String,
    /// The name of its step: `menu`, `play`, `ring`.
    pub step: String,
    pub look: NodeLook,
    /// What screens call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
}

impl ChartNode {
    /// Its title, or its name in the file.
    pub fn called(&self, tongue: Tongue) -> &str {
        self.title.as_ref().map_or(&self.name, |title| title.of(tongue))
    }
}

/// A way from one node to another, by their places in `nodes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChartEdge {
    pub from: usize,
    pub to: usize,
    /// The key, or the name of the case.
    pub label: String,
    /// The caller pressed a key.
    pub by_key: bool,
}

/// Where calls begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChartBegin {
    pub to: usize,
    /// The number that is called, or the kind of the desk's own call; none for all other callers.
    pub label: Option<String>,
}

/// Nodes as they stand in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FlowChart {
    pub nodes: Vec<ChartNode>,
    pub edges: Vec<ChartEdge>,
    pub begins: Vec<ChartBegin>,
}

/// Where a node stands: columns from the left, rows from the top, no two at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    pub column: usize,
    pub row: usize,
}

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// One for each node.
    pub spots: Vec<Spot>,
    /// For each edge, whether it leads to a node that stands where it does because of it.
    pub leads: Vec<bool>,
    pub columns: usize,
    pub rows: usize,
}

impl FlowChart {
    pub fn node(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// What screens call a node; one that the flow has no more by its name.
    pub fn called<'n>(&'n self, name: &'n str, tongue: Tongue) -> &'n str {
        self.node(name).map_or(name, |at| self.nodes[at].called(tongue))
    }

    /// The edges of a node, as they stand in the file.
    pub fn edges_from(&self, node: usize) -> impl Iterator<Item = &ChartEdge> {
        self.edges.iter().filter(move |edge| edge.from == node)
    }

    /// A tree from the beginnings, drawn from the left to the right: each node stands one column behind the one that it
    /// is soonest reached from, on its row or below. Nodes that nothing reaches stand below all others.
    pub fn layout(&self) -> Layout {
        let mut drawing = Drawing::new(self);
        let begins: Vec<usize> = self.begins.iter().map(|begin| begin.to).collect();
        // One after the other: what the first one reaches is its own.
        for root in begins.into_iter().chain(0..self.nodes.len()) {
            drawing.tree(root);
        }
        drawing.done()
    }
}

struct Drawing<'c> {
    chart: &'c FlowChart,
    out: BTreeMap<usize, Vec<usize>>,
    spots: Vec<Option<Spot>>,
    leads: Vec<bool>,
    rows: usize,
}

impl<'c> Drawing<'c> {
    fn new(chart: &'c FlowChart) -> Self {
        let mut out: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, edge) in chart.edges.iter().enumerate() {
            out.entry(edge.from).or_default().push(at);
        }
        Self { chart, out, spots: vec![None; chart.nodes.len()], leads: vec![false; chart.edges.len()], rows: 0 }
    }

    fn tree(&mut self, root: usize) {
        if self.spots.get(root).is_none_or(Option::is_some) {
            return;
        }
        // Breadth first: who stands behind whom, and in which column.
        let mut children: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut waiting = VecDeque::from([root]);
        self.spots[root] = Some(Spot { column: 0, row: 0 });
        while let Some(node) = waiting.pop_front() {
            let column = self.spots[node].map_or(0, |spot| spot.column) + 1;
            for edge in self.out.get(&node).into_iter().flatten() {
                let to = self.chart.edges[*edge].to;
                if self.spots.get(to).is_some_and(Option::is_none) {
                    self.spots[to] = Some(Spot { column, row: 0 });
                    self.leads[*edge] = true;
                    children.entry(node).or_default().push(to);
                    waiting.push_back(to);
                }
            }
        }
        // Depth first: the first child stands on its parent's row, each other one below all that stands before it.
        let mut stack = vec![(root, self.rows)];
        let mut next_row = self.rows;
        while let Some((node, wanted)) = stack.pop() {
            let row = wanted.max(next_row);
            if let Some(spot) = &mut self.spots[node] {
                spot.row = row;
            }
            match children.get(&node) {
                None => next_row = row + 1,
                Some(children) => stack.extend(children.iter().rev().map(|child| (*child, row))),
            }
        }
        self.rows = next_row.max(self.rows + 1);
    }

    fn done(self) -> Layout {
        let spots: Vec<Spot> = self.spots.into_iter().map(|spot| spot.unwrap_or(Spot { column: 0, row: 0 })).collect();
        let columns = spots.iter().map(|spot| spot.column + 1).max().unwrap_or(0);
        Layout { leads: self.leads, columns, rows: if spots.is_empty() { 0 } else { self.rows }, spots }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn chart(nodes: usize, edges: &[(usize, usize)], begins: &[usize]) -> FlowChart {
        let node =
            |n: usize| ChartNode { name: n.to_string(), step: "play".to_owned(), look: NodeLook::Passage, title: None };
        let edge = |&(from, to): &(usize, usize)| ChartEdge { from, to, label: "next".to_owned(), by_key: false };
        FlowChart {
            nodes: (0..nodes).map(node).collect(),
            edges: edges.iter().map(edge).collect(),
            begins: begins.iter().map(|to| ChartBegin { to: *to, label: None }).collect(),
        }
    }

    fn spots(chart: &FlowChart) -> Vec<(usize, usize)> {
        chart.layout().spots.iter().map(|spot| (spot.column, spot.row)).collect()
    }

    #[test]
    fn a_node_stands_behind_the_one_that_leads_to_it_and_its_brothers_below_each_other() {
        // 0 leads to 1, 2 and 3; 1 to 4 and 5; 3 to 6; 6 back to 0.
        let flow = chart(8, &[(0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (3, 6), (6, 0)], &[0]);
        assert_eq!(spots(&flow), [(0, 0), (1, 0), (1, 2), (1, 3), (2, 0), (2, 1), (2, 3), (0, 4)]);
        let layout = flow.layout();
        assert_eq!((layout.columns, layout.rows), (3, 5));
        assert_eq!(layout.leads, [true, true, true, true, true, true, false], "the way back leads to no new place");
    }

    #[test]
    fn other_beginnings_stand_below() {
        let flow = chart(4, &[(0, 1), (2, 3), (2, 1)], &[0, 2, 0]);
        assert_eq!(spots(&flow), [(0, 0), (1, 0), (0, 1), (1, 1)]);
        let nothing = FlowChart::default().layout();
        assert_eq!((nothing.columns, nothing.rows), (0, 0));
    }

    /// Whatever the ways, even to nodes that are not there: no two nodes at one place, none beyond the paper.
    #[test]
    fn no_two_nodes_stand_at_one_place() {
        let mut random = crate::types::Random::for_testing(27);
        for _ in 0..300 {
            let nodes = 1 + random.u32() as usize % 40;
            let any = |random: &mut crate::types::Random| random.u32() as usize % (nodes + 1);
            let edges: Vec<_> = (0..random.u32() % 120).map(|_| (any(&mut random), any(&mut random))).collect();
            let flow = chart(nodes, &edges, &[any(&mut random), any(&mut random)]);
            let layout = flow.layout();
            let places: BTreeSet<_> = layout.spots.iter().map(|spot| (spot.column, spot.row)).collect();
            assert_eq!(places.len(), nodes, "{edges:?}: {:?}", layout.spots);
            assert!(layout.spots.iter().all(|spot| spot.column < layout.columns && spot.row < layout.rows));
        }
    }
}
