//! Graph of the jobs of a plan, in several languages. The nodes that build runners are left out.

mod dot;
mod graph_box;
mod layout;
mod mermaid;
mod plan_graph;
mod svg;
#[cfg(test)]
mod tests;
mod text;

pub use dot::dot;
pub use mermaid::mermaid;
pub use plan_graph::PlanGraph;
pub use svg::svg;
pub use text::text;
