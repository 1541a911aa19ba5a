//! Graphs for a terminal.

use std::collections::BTreeMap;

use super::PlanGraph;
use crate::report::Page;

/// Renders a graph as lines: each layer, whose jobs can run at the same time, then the jobs that are left out.
#[must_use]
pub fn text(graph: &PlanGraph) -> Page {
    let mut needs: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (from, to) in &graph.edges {
        needs.entry(*to).or_default().push(&graph.boxes[*from].title);
    }
    let mut page = Page::from(graph.title.clone());
    for (layer, indices) in graph.layers.iter().enumerate() {
        for index in indices.iter().filter(|index| !graph.boxes[**index].is_left_out) {
            let after = needs.get(index).map(|needs| format!("after {}", needs.join(", ")));
            page.line(format!("{:width$}{}", "", line(graph, *index, after), width = 2 + 4 * layer));
        }
    }
    for index in (0..graph.boxes.len()).filter(|index| graph.boxes[*index].is_left_out) {
        page.line(format!("  left out  {}", line(graph, index, None)));
    }
    page
}

fn line(graph: &PlanGraph, index: usize, after: Option<String>) -> String {
    let each = &graph.boxes[index];
    let legs = if each.legs.is_empty() { String::new() } else { format!(" [{}]", each.legs.join("; ")) };
    let details: Vec<String> = after.into_iter().chain(each.notes.iter().cloned()).collect();
    let details = if details.is_empty() { String::new() } else { format!(": {}", details.join("; ")) };
    format!("{}{legs}{details}", each.title)
}
