//! Graphs as pictures.

use std::fmt::Write as _;

use super::PlanGraph;
use super::graph_box::GraphBox;
use super::layout::{LINE, Layout, PADDING, Rectangle};

/// Colors for light and dark pages. The picture has no background, and only fonts of the system.
const STYLE: &str = "
  text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328 }
  .title { font-weight: 600 }
  .note { fill: #59636e }
  rect { fill: #f6f8fa; stroke: #8c959f; stroke-width: 1.2 }
  .edge { fill: none; stroke: #8c959f; stroke-width: 1.5 }
  .arrow { fill: #8c959f }
  .out rect { fill: none; stroke-dasharray: 5 4 }
  .out text { fill: #59636e }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .note, .out text { fill: #9198a1 }
    rect { fill: #151b23; stroke: #656c76 }
    .edge { stroke: #656c76 }
    .arrow { fill: #656c76 }
  }
";

/// Renders a graph as an SVG.
#[must_use]
pub fn svg(graph: &PlanGraph) -> String {
    let layout = Layout::new(graph);
    let (width, height) = layout.size;
    let title = escaped(&crate::text::one_line(&graph.title));
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} \
         {height}\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n<defs><marker id=\"arrow\" \
         viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path \
         class=\"arrow\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n"
    );
    for places in &layout.edges {
        text += &edge(places);
    }
    for (each, place) in graph.boxes.iter().zip(&layout.boxes) {
        text += &group(each, *place);
    }
    text + "</svg>\n"
}

/// Returns a curve that passes places from left to right.
fn edge(places: &[Rectangle]) -> String {
    let Some(first) = places.first() else { return String::new() };
    let mut path = format!("M{} {}", first.end(), first.middle());
    for pair in places.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let half = usize::midpoint(from.end(), to.x);
        write!(path, "C{half} {} {half} {} {} {}", from.middle(), to.middle(), to.x, to.middle()).unwrap_or_default();
        // The line through a bend.
        if to.height == 0 {
            write!(path, "H{}", to.end()).unwrap_or_default();
        }
    }
    format!("<path class=\"edge\" marker-end=\"url(#arrow)\" d=\"{path}\"/>\n")
}

fn group(each: &GraphBox, place: Rectangle) -> String {
    let Rectangle { x, y, width, height } = place;
    let class = if each.is_left_out { " class=\"out\"" } else { "" };
    let mut text = format!("<g{class}>");
    write!(text, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>").unwrap_or_default();
    for (index, line) in each.lines().iter().enumerate() {
        let class = match index {
            0 => "title",
            index if index > each.legs.len() => "note",
            _ => "leg",
        };
        let (x, y) = (x + PADDING, y + PADDING + LINE * index + LINE - 7);
        let line = escaped(line);
        write!(text, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{line}</text>").unwrap_or_default();
    }
    text + "</g>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
