//! Graphs in the language of Graphviz.

use std::fmt::Write as _;

use super::PlanGraph;

/// Renders a graph for `dot`.
#[must_use]
pub fn dot(graph: &PlanGraph) -> String {
    let mut text = format!("digraph {} {{\n", quoted(&graph.title));
    text += "  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"monospace\"];\n";
    for (index, each) in graph.boxes.iter().enumerate() {
        let label = quoted(&each.lines().join("\n"));
        let style = if each.is_left_out { ", style=\"rounded,dashed\"" } else { "" };
        writeln!(text, "  n{index} [label={label}{style}];").unwrap_or_default();
    }
    for (from, to) in &graph.edges {
        writeln!(text, "  n{from} -> n{to};").unwrap_or_default();
    }
    text + "}\n"
}

/// Returns a string of Graphviz, in which backslashes and ampersands begin escape sequences.
fn quoted(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}
