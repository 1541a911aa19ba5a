//! Goldens and properties of graphs.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::layout::Layout;
use super::{PlanGraph, dot, mermaid, svg, text};
use crate::config::AllowFailure;
use crate::guest::When;
use crate::id::JobId;
use crate::plan::fixture::{job, node, plan};
use crate::plan::record::{LeftOutJob, PlanNodeRecord, PlannedGroup, PlannedJob, PlannedStep, RunPlanRecord, Work};

fn execute(job: PlannedJob, needs: &[&str]) -> PlanNodeRecord {
    let needs: Vec<String> = needs.iter().map(|need| format!("execute:{need}")).collect();
    let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
    node(&format!("execute:{}", job.job), &needs, Work::Execute { execute: Box::new(job) })
}

fn left_out(id: &str, reason: &str) -> LeftOutJob {
    LeftOutJob { id: JobId::new(id), reason: reason.to_owned(), skipped: false }
}

/// Returns a plan with a matrix, conditions, a job that nothing needs, and jobs that are left out.
fn example() -> RunPlanRecord {
    let mut report = job("report");
    report.when = When::Always;
    report.allow_failure = AllowFailure::Always;
    report.group = Some(PlannedGroup { name: "database".to_owned(), limit: 1 });
    let mut build = job("build");
    let step =
        |name: &str| PlannedStep { name: name.to_owned(), command: Vec::new(), timeout_secs: None, when: When::Passed };
    build.steps = vec![step("configure"), step("make")];
    let legs = ["test[cc=clang,libc=musl]", "test[cc=gcc,libc=glibc]", "test[cc=gcc,libc=musl]"];
    let mut nodes = vec![execute(build, &[]), execute(job("lint"), &[])];
    nodes.extend(legs.map(|leg| execute(job(leg), &["build"])));
    nodes.push(execute(job("package"), &[&["lint"], &legs[..]].concat()));
    nodes.push(execute(report, &["build", "package"]));
    let mut plan = plan(nodes);
    plan.left_out = vec![
        left_out("docs", "no file of its `paths` changed"),
        left_out("test[cc=clang,libc=glibc]", "there is no clang for glibc"),
    ];
    plan
}

/// Returns a plan of which each name tries to leave its place.
fn hostile() -> RunPlanRecord {
    let names = [
        "</text><script>alert(1)</script>",
        "\"]; a -> b; \\\" \\n",
        "a\u{1b}[2Jb\u{202e}c\td\ne",
        "'&amp; #quot; `x` %% end",
        &"long ".repeat(30),
    ];
    let mut plan = plan(names.iter().map(|name| execute(job(name), &[])).collect());
    plan.left_out = names.map(|name| left_out(&format!("out {name}"), name)).into();
    plan
}

#[test]
fn a_plan_is_a_graph_in_each_language() {
    let graph = PlanGraph::new(&example());
    assert_snapshot!("example_dot", dot(&graph));
    assert_snapshot!("example_mermaid", mermaid(&graph));
    assert_snapshot!("example_svg", svg(&graph));
    assert_snapshot!("example_text", text(&graph).render(false));
}

#[test]
fn a_name_stays_in_its_place_in_each_language() {
    let graph = PlanGraph::new(&hostile());
    assert_snapshot!("hostile_dot", dot(&graph));
    assert_snapshot!("hostile_mermaid", mermaid(&graph));
    assert_snapshot!("hostile_svg", svg(&graph));
    assert_snapshot!("hostile_text", text(&graph).render(false));
}

#[test]
fn legs_of_a_matrix_are_one_box_unless_they_differ() {
    let legs: Vec<String> = (0..40).map(|number| format!("test[n={number}]")).collect();
    let mut nodes: Vec<PlanNodeRecord> = legs.iter().map(|leg| execute(job(leg), &[])).collect();
    nodes.push(execute(job("one"), &["test[n=7]"]));
    let graph = PlanGraph::new(&plan(nodes));
    let boxes: Vec<(&str, &[String])> = graph.boxes.iter().map(|each| (each.title.as_str(), &each.legs[..])).collect();
    let many = ["39 legs".to_owned()];
    assert_eq!(boxes, [("test", &many[..]), ("test[n=7]", &[]), ("one", &[])]);
    assert_eq!(graph.edges.iter().copied().collect::<Vec<_>>(), [(1, 2)]);
}

#[test]
fn an_empty_plan_is_an_empty_graph() {
    let graph = PlanGraph::new(&plan(Vec::new()));
    assert_eq!(text(&graph).render(false), "all\n");
    assert!(svg(&graph).ends_with("</defs>\n</svg>\n"));
}

proptest! {
    #[test]
    fn boxes_follow_their_needs_and_never_overlap(needs in prop::collection::vec(any::<u32>(), 0..24)) {
        let names: Vec<String> = (0..needs.len()).map(|index| format!("job {index}")).collect();
        let nodes = needs.iter().enumerate().map(|(index, bits)| {
            let needs: Vec<&str> = (0..index).filter(|bit| bits >> bit & 1 == 1).map(|bit| &*names[bit]).collect();
            execute(job(&names[index]), &needs)
        });
        let graph = PlanGraph::new(&plan(nodes.collect()));
        let layout = Layout::new(&graph);
        for (from, to) in &graph.edges {
            prop_assert!(layout.boxes[*from].end() < layout.boxes[*to].x);
        }
        for (index, one) in layout.boxes.iter().enumerate() {
            prop_assert!(one.end() < layout.size.0 && one.y + one.height < layout.size.1);
            for other in &layout.boxes[..index] {
                let apart = one.x >= other.end() || other.x >= one.end();
                prop_assert!(apart || one.y >= other.y + other.height || other.y >= one.y + one.height);
            }
        }
    }
}
