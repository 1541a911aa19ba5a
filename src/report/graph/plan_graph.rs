//! Jobs of a plan as boxes in layers.

use std::collections::{BTreeMap, BTreeSet};

use super::graph_box::{GraphBox, notes};
use crate::config::JobSelector;
use crate::id::{JobId, NodeId};
use crate::plan::RunPlanRecord;
use crate::plan::record::PlanNodeRecord;

/// The jobs of a plan: boxes, and edges from each box to the boxes that need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanGraph {
    /// The target, or the jobs as the command line named them.
    pub title: String,
    /// The boxes, each after the boxes that it needs; the last ones are left out of the run.
    pub boxes: Vec<GraphBox>,
    /// Indices of two boxes, of which the second one needs the first one.
    pub edges: BTreeSet<(usize, usize)>,
    /// Indices of the boxes: a box needs only boxes of layers before its own.
    pub layers: Vec<Vec<usize>>,
}

/// The properties that the legs of a box have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Likeness<'a> {
    name: &'a str,
    needs: BTreeSet<&'a NodeId>,
    needed_by: BTreeSet<&'a NodeId>,
    notes: Vec<String>,
    is_left_out: bool,
}

impl PlanGraph {
    /// Returns the graph of a plan.
    #[must_use]
    pub fn new(plan: &RunPlanRecord) -> Self {
        let jobs: Vec<&PlanNodeRecord> = plan.nodes.iter().filter(|node| node.job().is_some()).collect();
        let mut needed_by: BTreeMap<&NodeId, BTreeSet<&NodeId>> = BTreeMap::new();
        for job in &jobs {
            for need in &job.depends_on {
                needed_by.entry(need).or_default().insert(&job.id);
            }
        }
        let mut graph =
            Self { title: plan.target_id.to_string(), boxes: Vec::new(), edges: BTreeSet::new(), layers: Vec::new() };
        let planned = jobs.iter().filter_map(|node| {
            let job = node.job()?;
            let likeness = Likeness {
                name: box_name(&job.job),
                needs: node.depends_on.iter().collect(),
                needed_by: needed_by.get(&node.id).cloned().unwrap_or_default(),
                notes: notes(job),
                is_left_out: false,
            };
            Some((likeness, &job.job))
        });
        let left_out = plan.left_out.iter().map(|job| {
            let (needs, needed_by) = (BTreeSet::new(), BTreeSet::new());
            let (name, notes) = (box_name(&job.id), vec![job.reason.clone()]);
            (Likeness { name, needs, needed_by, notes, is_left_out: true }, &job.id)
        });
        let boxes = graph.add_boxes(planned.chain(left_out));
        let places: BTreeMap<&NodeId, usize> =
            jobs.iter().filter_map(|node| Some((&node.id, *boxes.get(&node.job()?.job)?))).collect();
        for job in &jobs {
            let needs = job.depends_on.iter().filter_map(|need| places.get(need));
            graph.edges.extend(needs.map(|need| (*need, places[&job.id])));
        }
        graph.layers = graph.longest_paths();
        graph
    }

    /// Adds a box for each likeness, and returns the box of each job.
    fn add_boxes<'a>(&mut self, jobs: impl Iterator<Item = (Likeness<'a>, &'a JobId)>) -> BTreeMap<&'a JobId, usize> {
        let mut alike: BTreeMap<Likeness, usize> = BTreeMap::new();
        let mut members: Vec<Vec<&JobId>> = Vec::new();
        for (likeness, job) in jobs {
            let index = *alike.entry(likeness).or_insert(members.len());
            if index == members.len() {
                members.push(Vec::new());
            }
            members[index].push(job);
        }
        let mut likenesses: Vec<(&Likeness, usize)> =
            alike.iter().map(|(likeness, index)| (likeness, *index)).collect();
        likenesses.sort_unstable_by_key(|(_, index)| *index);
        for (likeness, index) in likenesses {
            let (title, legs) = match members[index].as_slice() {
                [job] => (job.as_str(), Vec::new()),
                legs => (likeness.name, legs.iter().map(|leg| axes(leg)).collect()),
            };
            self.boxes.push(GraphBox::new(title, &legs, &likeness.notes, likeness.is_left_out));
        }
        let all = members.iter().enumerate().flat_map(|(index, jobs)| jobs.iter().map(move |job| (*job, index)));
        all.collect()
    }

    /// Returns the layers: a box is one layer after the last layer of the boxes that it needs.
    fn longest_paths(&self) -> Vec<Vec<usize>> {
        let mut layers = vec![0; self.boxes.len()];
        // Boxes have the order of the plan, so the edges to a box come before the edges from it.
        for (from, to) in &self.edges {
            layers[*to] = layers[*to].max(layers[*from] + 1);
        }
        let count = layers.iter().max().map_or(0, |last| last + 1);
        (0..count).map(|layer| (0..layers.len()).filter(|index| layers[*index] == layer).collect()).collect()
    }
}

/// Returns the name that the legs of a matrix have in common.
fn box_name(job: &JobId) -> &str {
    JobSelector::of_id(job).name
}

fn axes(leg: &JobId) -> String {
    let pairs = JobSelector::of_id(leg).axes;
    pairs.iter().map(|(axis, value)| format!("{axis}={value}")).collect::<Vec<_>>().join(", ")
}
