//! Graphs in the language of Mermaid.

use std::fmt::Write as _;

use super::PlanGraph;

/// Renders a graph for Mermaid, which GitHub and other hosts of code draw in Markdown.
#[must_use]
pub fn mermaid(graph: &PlanGraph) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for (index, each) in graph.boxes.iter().enumerate() {
        let lines: Vec<String> = each.lines().iter().map(|line| escaped(line)).collect();
        let class = if each.is_left_out { ":::leftOut" } else { "" };
        writeln!(text, "  n{index}[\"{}\"]{class}", lines.join("<br>")).unwrap_or_default();
    }
    for (from, to) in &graph.edges {
        writeln!(text, "  n{from} --> n{to}").unwrap_or_default();
    }
    text + "  classDef leftOut stroke-dasharray: 5 4\n"
}

/// Returns a text with Mermaid's entities for all characters that could mean something.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || " -_=.,:/".contains(c) {
            escaped.push(c);
        } else {
            write!(escaped, "#{};", u32::from(c)).unwrap_or_default();
        }
    }
    escaped
}
