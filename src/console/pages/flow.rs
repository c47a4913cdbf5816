//! The flow, drawn, with what callers did in it of late: how many came to each node, which way they went on, and where they
//! gave up. The same in a table.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chrono::TimeDelta;

use super::frame::Frame;
use super::list::{Asked, encoded};
use super::{Paged, page, words};
use crate::console::gate::Visitor;
use crate::console::shared::Shared;
use crate::desk::flow_chart::{FlowChart, Layout, NodeLook};
use crate::desk::report::share;
use crate::desk::report::table::{Cell, Tongue};
use crate::desk::report::ways::{NodeWays, WaysReport};
use crate::store::ReportPeriod;

const PATH: &str = "/setup/flow";
/// Calls whose ways are followed, the newest of the period: each costs the reading of its row.
const CALLS_MAX: u32 = 10_000;
const DAYS: u32 = 7;
const DAYS_MAX: u32 = 366;

/// In units of the drawing.
const COLUMN: usize = 236;
const ROW: usize = 60;
const BOX: (usize, usize) = (172, 46);
const EDGE: usize = 12;
/// Letters of a name that fit into a box.
const LETTERS: usize = 21;

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route(PATH, get(flow))
}

/// A node of the drawing.
struct DrawnNode {
    name: String,
    short: String,
    step: String,
    x: usize,
    y: usize,
    look: &'static str,
    calls: u64,
    gave_up: u64,
    /// All of it in words.
    words: String,
}

/// A way of the drawing.
struct DrawnEdge {
    path: String,
    label: String,
    label_x: usize,
    label_y: usize,
    /// `key` or `itself`; `far` where it leads to a node that stands elsewhere.
    class: &'static str,
    far: bool,
    width: String,
    words: String,
}

/// A row of the table.
struct NodeRow {
    name: String,
    /// What screens call it.
    called: String,
    step: String,
    /// The flow has it no more.
    gone: bool,
    calls: u64,
    gave_up: u64,
    gave_up_share: Option<f64>,
    ended: u64,
    stay: String,
    ways: Vec<(String, String, u64, Option<f64>)>,
}

#[derive(Template)]
#[template(path = "flow.html")]
struct FlowPage {
    frame: Frame,
    days: u32,
    calls: u64,
    cut: bool,
    width: usize,
    height: usize,
    nodes: Vec<DrawnNode>,
    edges: Vec<DrawnEdge>,
    rows: Vec<NodeRow>,
}

impl FlowPage {
    fn share(&self, share: &Option<f64>) -> String {
        share.map(|share| format!("{:.0}%", share * 100.0)).unwrap_or_default()
    }

    fn encoded(&self, name: &str) -> String {
        encoded(name)
    }

    fn looks(&self) -> [(&'static str, &'static str); 4] {
        [
            ("choice", self.frame.say("等待按键", "asks for keys")),
            ("passage", self.frame.say("经过", "passed through")),
            ("refuge", self.frame.say("人工或留言", "a person or a message")),
            ("end", self.frame.say("结束", "the end")),
        ]
    }
}

async fn flow(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let days = asked.word::<u32>("days").filter(|days| (1..=DAYS_MAX).contains(days)).unwrap_or(DAYS);
    let since = visitor.now - TimeDelta::days(days.into());
    let period = ReportPeriod { since: Some(since), until: None };
    let ways = shared.pool.read(move |reader| Ok(reader.ways_report(period, CALLS_MAX)?)).await?;
    let chart = &visitor.settings.flow;
    let layout = chart.layout();
    let tongue = visitor.tongue;
    page(&FlowPage {
        frame: Frame::of(&visitor, PATH),
        days,
        calls: ways.calls,
        cut: ways.cut,
        width: layout.columns * COLUMN,
        height: layout.rows * ROW + EDGE,
        nodes: nodes(chart, &layout, &ways, tongue),
        edges: edges(chart, &layout, &ways, tongue),
        rows: rows(chart, &ways, tongue),
    })
}

fn look(look: NodeLook) -> &'static str {
    match look {
        NodeLook::Passage => "passage",
        NodeLook::Choice => "choice",
        NodeLook::Refuge => "refuge",
        NodeLook::End => "end",
    }
}

/// What a box has room for: a Chinese letter is as wide as two others.
fn cut(text: &str) -> String {
    let width = |c: char| if c.is_ascii() { 1 } else { 2 };
    if text.chars().map(width).sum::<usize>() <= LETTERS {
        return text.to_owned();
    }
    let mut room = LETTERS - 1;
    let fits = text.chars().take_while(|c| {
        let taken = width(*c) <= room;
        room = room.saturating_sub(width(*c));
        taken
    });
    fits.chain(['…']).collect()
}

/// Upper left corner of a node's box.
fn corner(layout: &Layout, node: usize) -> (usize, usize) {
    let spot = layout.spots[node];
    (EDGE + spot.column * COLUMN, EDGE + spot.row * ROW)
}

fn nodes(chart: &FlowChart, layout: &Layout, ways: &WaysReport, tongue: Tongue) -> Vec<DrawnNode> {
    let drawn = |(at, node): (usize, &crate::desk::flow_chart::ChartNode)| {
        let found = ways.node(&node.name);
        let (calls, gave_up) = found.map_or((0, 0), |found| (found.calls, found.gave_up));
        let (x, y) = corner(layout, at);
        let step = words::flow_step(&node.step, tongue);
        let called = node.called(tongue);
        let told = match tongue {
            Tongue::Zh => format!("{called}（{step}）：{calls} 通来电，{gave_up} 通在此挂断"),
            Tongue::En => format!("{called} ({step}): {calls} calls, {gave_up} gave up here"),
        };
        let name = node.name.clone();
        DrawnNode { name, short: cut(called), step, x, y, look: look(node.look), calls, gave_up, words: told }
    };
    chart.nodes.iter().enumerate().map(drawn).collect()
}

/// Ways that lead to the same node are one line with all their labels.
fn edges(chart: &FlowChart, layout: &Layout, ways: &WaysReport, tongue: Tongue) -> Vec<DrawnEdge> {
    let most = ways.nodes.iter().map(|node| node.entered).max().unwrap_or(0);
    let mut edges = Vec::new();
    for from in 0..chart.nodes.len() {
        let name = &chart.nodes[from].name;
        for to in targets(chart, from) {
            let led = chart.edges.iter().zip(&layout.leads).any(|(e, leads)| *leads && (e.from, e.to) == (from, to));
            let label = labels(chart, from, to, tongue);
            let taken = ways.node(name).map_or(0, |node| node.taken(&chart.nodes[to].name));
            let by_key = chart.edges_from(from).any(|edge| edge.to == to && edge.by_key);
            let (start, end) = (corner(layout, from), corner(layout, to));
            let (path, label_x, label_y) = if led { straight(start, end) } else { curved(start, end) };
            // Thin for a few, thick for the most.
            let width = 1.0 + 5.0 * share(taken, most).unwrap_or(0.0);
            edges.push(DrawnEdge {
                path,
                label: label.chars().take(9).collect(),
                label_x,
                label_y,
                class: if by_key { "key" } else { "itself" },
                far: !led,
                width: format!("{width:.1}"),
                words: format!(
                    "{} → {} ({label}): {taken}",
                    chart.called(name, tongue),
                    chart.nodes[to].called(tongue)
                ),
            });
        }
    }
    edges
}

/// Where the ways of a node lead, each once.
fn targets(chart: &FlowChart, from: usize) -> Vec<usize> {
    let mut targets = Vec::new();
    for edge in chart.edges_from(from) {
        if !targets.contains(&edge.to) {
            targets.push(edge.to);
        }
    }
    targets
}

/// The labels of all ways from one node to another.
fn labels(chart: &FlowChart, from: usize, to: usize, tongue: Tongue) -> String {
    let of_both = chart.edges_from(from).filter(|edge| edge.to == to);
    of_both.map(|edge| words::flow_case(&edge.label, tongue)).collect::<Vec<_>>().join(", ")
}

/// From the right of one box to the left of the other, by right angles; and where its label stands.
fn straight(from: (usize, usize), to: (usize, usize)) -> (String, usize, usize) {
    let (x1, y1) = (from.0 + BOX.0, from.1 + BOX.1 / 2);
    let (x2, y2) = (to.0, to.1 + BOX.1 / 2);
    (format!("M{x1} {y1}h14V{y2}H{x2}"), x2.saturating_sub(6), y2 - 5)
}

/// To a node that stands elsewhere, in a bow.
fn curved(from: (usize, usize), to: (usize, usize)) -> (String, usize, usize) {
    let (x1, y1) = (from.0 + BOX.0, from.1 + BOX.1 / 2 + 8);
    let (x2, y2) = (to.0 + BOX.0 / 2, to.1 + BOX.1);
    let bow = x1.max(x2) + 40;
    (format!("M{x1} {y1}C{bow} {y1} {bow} {} {x2} {y2}", y2 + 30), x1 + 10, y1 + 12)
}

fn rows(chart: &FlowChart, ways: &WaysReport, tongue: Tongue) -> Vec<NodeRow> {
    let known = chart.nodes.iter().enumerate().map(|(at, node)| {
        let found = ways.node(&node.name);
        let entered = found.map_or(0, |found| found.entered);
        let way = |to: usize| {
            let name = chart.nodes[to].name.clone();
            let taken = found.map_or(0, |found| found.taken(&name));
            (labels(chart, at, to, tongue), name, taken, share(taken, entered))
        };
        let mut ways: Vec<_> = targets(chart, at).into_iter().map(way).collect();
        // `#` leads back without a way of its own.
        let others = found.into_iter().flat_map(|found| &found.ways);
        for other in others.filter(|other| ways.iter().all(|(_, name, _, _)| *name != other.to)).collect::<Vec<_>>() {
            ways.push((String::new(), other.to.clone(), other.taken, share(other.taken, entered)));
        }
        for (_, to, _, _) in &mut ways {
            *to = chart.called(to, tongue).to_owned();
        }
        row((&node.name, node.called(tongue)), &words::flow_step(&node.step, tongue), found, ways, false)
    });
    let gone = ways.nodes.iter().filter(|found| chart.node(&found.node).is_none()).map(|found| {
        let ways =
            found.ways.iter().map(|way| (String::new(), way.to.clone(), way.taken, share(way.taken, found.entered)));
        row((&found.node, &found.node), "", Some(found), ways.collect(), true)
    });
    known.chain(gone).collect()
}

fn row(
    (name, called): (&str, &str),
    step: &str,
    found: Option<&NodeWays>,
    ways: Vec<(String, String, u64, Option<f64>)>,
    gone: bool,
) -> NodeRow {
    let figures = found.map_or((0, 0, 0), |found| (found.calls, found.gave_up, found.ended));
    NodeRow {
        name: name.to_owned(),
        called: called.to_owned(),
        step: step.to_owned(),
        gone,
        calls: figures.0,
        gave_up: figures.1,
        gave_up_share: share(figures.1, figures.0).filter(|share| *share > 0.0),
        ended: figures.2,
        stay: found.and_then(|found| found.mean_stay_ms).map(|ms| Cell::Ms(ms).shown()).unwrap_or_default(),
        ways,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::call_record::{Outcome, PathStep};
    use crate::desk::flow_chart::{ChartEdge, ChartNode};
    use crate::desk::report::ways::{WayFact, WaysTally};

    #[test]
    fn a_name_fits_into_its_box_in_either_script() {
        assert_eq!((cut("repair-urgent"), cut("急修类别")), ("repair-urgent".to_owned(), "急修类别".to_owned()));
        assert_eq!(cut("一般维修登记（未分类的也在此）"), "一般维修登记（未分类…");
        assert_eq!(cut("follow-up-not-satisfied-at-all"), "follow-up-not-satisf…");
    }

    fn chart() -> FlowChart {
        let node = |name: &str| ChartNode {
            name: name.to_owned(),
            step: "menu".to_owned(),
            look: NodeLook::Choice,
            title: None,
        };
        let edge = |from, to, label: &str| ChartEdge { from, to, label: label.to_owned(), by_key: true };
        FlowChart {
            nodes: ["main", "repair", "bye"].map(node).to_vec(),
            edges: vec![edge(0, 1, "1"), edge(0, 1, "2"), edge(0, 2, "0"), edge(1, 0, "*")],
            begins: Vec::new(),
        }
    }

    fn walked() -> WaysReport {
        let step = |node: &str| PathStep { at_ms: 0, node: node.to_owned(), input: None };
        let mut tally = WaysTally::default();
        for path in [vec![step("main"), step("repair")], vec![step("main"), step("old"), step("main")]] {
            tally.add(&WayFact { path: &path, outcome: Some(Outcome::Abandoned) });
        }
        tally.report()
    }

    #[test]
    fn each_way_is_drawn_once_with_all_its_labels() {
        let (chart, ways) = (chart(), walked());
        let drawn = edges(&chart, &chart.layout(), &ways, Tongue::En);
        let words: Vec<_> = drawn.iter().map(|edge| (edge.words.as_str(), edge.far)).collect();
        let expected =
            [("main → repair (1, 2): 1", false), ("main → bye (0): 0", false), ("repair → main (*): 0", true)];
        assert_eq!(words, expected);
        assert!(drawn[0].width > drawn[1].width, "the one that is taken is thicker");
    }

    #[test]
    fn the_table_tells_nodes_and_ways_that_the_flow_has_no_more() {
        let rows = rows(&chart(), &walked(), Tongue::En);
        let main = &rows[0];
        assert_eq!((main.name.as_str(), main.calls, main.gave_up, main.gave_up_share), ("main", 2, 1, Some(0.5)));
        let ways: Vec<_> =
            main.ways.iter().map(|(label, to, taken, _)| (label.as_str(), to.as_str(), *taken)).collect();
        assert_eq!(ways, [("1, 2", "repair", 1), ("0", "bye", 0), ("", "old", 1)]);
        let old = rows.last().expect("a row");
        assert!(old.gone && old.name == "old" && rows.len() == 4);
    }
}
