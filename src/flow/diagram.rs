//! The flow as a picture: Mermaid for a page, indented text for a terminal, a chart that the console draws.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::compile::{Flow, Node};
use super::steps::{By, Nature};
use crate::desk::flow_chart::{ChartBegin, ChartEdge, ChartNode, FlowChart, NodeLook};

/// Nodes, ways and beginnings, for a drawing.
pub fn chart(flow: &Flow) -> FlowChart {
    let nodes = in_order(flow);
    let place = |name: &str| nodes.iter().position(|(known, _)| *known == name);
    let look = |node: &Node| match node.step.nature() {
        Nature::Menu | Nature::Level => NodeLook::Choice,
        Nature::Refuge => NodeLook::Refuge,
        Nature::End => NodeLook::End,
        Nature::Passage | Nature::Landmark | Nature::Errand => NodeLook::Passage,
    };
    let mut chart = FlowChart::default();
    for (from, (name, node)) in nodes.iter().enumerate() {
        chart.nodes.push(ChartNode {
            name: (*name).clone(),
            step: node.kind.to_owned(),
            look: look(node),
            title: node.title.clone(),
        });
        for link in node.step.links() {
            let Some(to) = place(link.to.get_ref()) else { continue };
            chart.edges.push(ChartEdge { from, to, label: link.label, by_key: link.by == By::Key });
        }
    }
    let mut begin = |label: Option<String>, name: &str| {
        chart.begins.extend(place(name).map(|to| ChartBegin { to, label }));
    };
    begin(None, flow.start());
    for (callee, to) in flow.entries().iter() {
        begin(Some(callee.to_string()), to.get_ref());
    }
    for (kind, to) in flow.errands().iter() {
        begin(Some(kind.to_string()), to.get_ref());
    }
    chart
}

/// A Mermaid flowchart: keys are solid arrows, what happens by itself is dotted.
pub fn mermaid(flow: &Flow) -> String {
    let mut out = String::from("flowchart TD\n");
    for (name, node) in in_order(flow) {
        let label = format!("\"{name}<br/><i>{}</i>\"", node.kind);
        let (open, close) = match node.step.nature() {
            Nature::Menu | Nature::Level => ("{{", "}}"),
            Nature::Refuge => ("([", "])"),
            Nature::End => ("((", "))"),
            Nature::Passage | Nature::Landmark | Nature::Errand => ("[", "]"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "    {}{open}{label}{close}", id(name));
    }
    for (nth, (callee, to)) in flow.entries().iter().enumerate() {
        let _ = writeln!(out, "    e_{nth}[/\"{}\"/] -.-> {}", quoted(callee), id(to.get_ref()));
    }
    for (kind, to) in flow.errands().iter() {
        let _ = writeln!(out, "    errand_{kind}[/\"{kind}\"/] -.-> {}", id(to.get_ref()));
    }
    for (name, node) in in_order(flow) {
        for link in node.step.links() {
            let arrow = if link.by == By::Key { "-->" } else { "-.->" };
            let _ = writeln!(out, "    {} {arrow}|{}| {}", id(name), link.label, id(link.to.get_ref()));
        }
    }
    out
}

/// The nodes from the start, each where it is first reached; `^` marks one that is shown further up.
pub fn text(flow: &Flow) -> String {
    let mut out = String::new();
    let mut shown = BTreeSet::new();
    branch(flow, flow.start(), "", 0, &mut shown, &mut out);
    for (callee, to) in flow.entries().iter() {
        branch(flow, to.get_ref(), &format!("call to {callee}"), 0, &mut shown, &mut out);
    }
    for (kind, to) in flow.errands().iter() {
        branch(flow, to.get_ref(), &format!("the desk calls ({kind})"), 0, &mut shown, &mut out);
    }
    out
}

fn branch<'a>(
    flow: &'a Flow,
    name: &'a str,
    label: &str,
    depth: usize,
    shown: &mut BTreeSet<&'a str>,
    out: &mut String,
) {
    let Some((name, node)) = flow.nodes().get_key_value(name) else { return };
    let seen = !shown.insert(name);
    let lead = if label.is_empty() { String::new() } else { format!("{label} -> ") };
    let mark = if seen { " ^".to_owned() } else { format!(" ({})", node.kind) };
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{:indent$}{lead}{name}{mark}", "", indent = depth * 2);
    if seen {
        return;
    }
    for link in node.step.links() {
        if let Some((to, _)) = flow.nodes().get_key_value(link.to.get_ref()) {
            branch(flow, to, &link.label, depth + 1, shown, out);
        }
    }
}

/// As they stand in the file.
fn in_order(flow: &Flow) -> Vec<(&String, &Node)> {
    let mut nodes: Vec<_> = flow.nodes().iter().collect();
    nodes.sort_by_key(|(_, node)| node.line);
    nodes
}

/// A callee as a Mermaid label: a quote would end it.
fn quoted(callee: &str) -> String {
    callee.replace('"', "#quot;")
}

/// Mermaid takes letters, digits and `_`; words such as `end` have a meaning there, hence the `n_`.
fn id(name: &str) -> String {
    let safe = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    "n_".chars().chain(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::compile::tests::default_flow;

    #[test]
    fn the_text_shows_every_node_once_in_full_from_the_start() {
        let flow = default_flow();
        let text = text(&flow);
        assert!(text.starts_with("welcome (play)\n  next -> main (menu)\n"), "{text}");
        for (name, node) in flow.nodes() {
            let full = format!("{name} ({})", node.kind);
            let shown = text.lines().filter(|l| l.ends_with(&format!(" {full}")) || *l == full).count();
            assert_eq!(shown, 1, "{name}");
        }
    }

    #[test]
    fn the_chart_has_every_node_and_edge_and_room_for_each() {
        let flow = default_flow();
        let chart = chart(&flow);
        assert_eq!((chart.nodes.len(), chart.edges.len()), (flow.nodes().len(), flow.edges().len()));
        let (main, emergency) = (chart.node("main").expect("a node"), chart.node("emergency").expect("a node"));
        assert!(chart.edges_from(main).any(|edge| edge.to == emergency && edge.label == "9" && edge.by_key));
        assert_eq!(chart.begins[0], ChartBegin { to: chart.node("welcome").expect("a node"), label: None });
        assert_eq!(chart.begins.len(), 1 + flow.entries().iter().count() + flow.errands().iter().count());
        let layout = chart.layout();
        assert!(layout.columns < 16 && layout.rows < chart.nodes.len(), "{} x {}", layout.columns, layout.rows);
    }

    #[test]
    fn the_flowchart_has_every_node_and_edge() {
        let flow = default_flow();
        let chart = mermaid(&flow);
        assert!(chart.starts_with("flowchart TD\n    n_welcome["), "{chart}");
        assert!(chart.contains("    n_main -->|9| n_emergency\n"), "{chart}");
        assert!(chart.contains("    n_main -.->|failed| n_by_hand\n"), "{chart}");
        assert!(chart.contains("    errand_dispatch[/\"dispatch\"/] -.-> n_dispatch_call\n"), "{chart}");
        let errands = flow.errands().iter().count();
        assert_eq!(chart.lines().count(), 1 + errands + flow.nodes().len() + flow.edges().len());
    }
}
