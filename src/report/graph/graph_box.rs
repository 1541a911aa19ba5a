//! Boxes of a graph.

use crate::plan::record::{JobExecutor, PlannedJob};
use crate::text::{count, one_line};

/// Maximum number of legs of a matrix that a box lists.
const MAX_LEGS: usize = 12;
/// Maximum number of characters of a line.
const MAX_LINE: usize = 48;

/// A job, or several legs of a matrix that have everything in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphBox {
    /// Name of the job, or id of the only leg.
    pub title: String,
    /// Axes of the legs, or their number if there are many.
    pub legs: Vec<String>,
    /// Conditions and parts of the job, or the reason for which it is left out.
    pub notes: Vec<String>,
    /// True if the job doesn't run.
    pub is_left_out: bool,
}

impl GraphBox {
    /// Returns the box of jobs with one name; `axes` are those of several legs. Hidden characters are spelled out, and
    /// long lines are cut.
    pub fn new(title: &str, axes: &[String], notes: &[String], is_left_out: bool) -> Self {
        let legs = match axes.len() {
            0..=MAX_LEGS => axes.iter().map(|leg| line(leg)).collect(),
            number => vec![count(number, "leg")],
        };
        let notes = notes.iter().map(|note| line(note)).collect();
        Self { title: line(title), legs, notes, is_left_out }
    }

    /// Returns all lines of the box.
    pub fn lines(&self) -> Vec<&str> {
        [&self.title].into_iter().chain(&self.legs).chain(&self.notes).map(String::as_str).collect()
    }
}

/// Returns the conditions and parts of a job, for people.
pub fn notes(job: &PlannedJob) -> Vec<String> {
    let services: Vec<&str> = job.services.iter().map(|service| service.name.as_str()).collect();
    let notes = [
        (!job.when.is_default()).then(|| format!("when {}", job.when.name())),
        (!job.steps.is_empty()).then(|| count(job.steps.len(), "step")),
        (!services.is_empty()).then(|| format!("with {}", services.join(", "))),
        job.group.as_ref().map(|group| format!("group {}", group.name)),
        (!job.allow_failure.is_default()).then(|| "may fail".to_owned()),
        matches!(job.executor, JobExecutor::LocalCommand { .. }).then(|| "not isolated".to_owned()),
    ];
    notes.into_iter().flatten().collect()
}

fn line(text: &str) -> String {
    let mut text = one_line(text).replace('\t', " ");
    if let Some((end, _)) = text.char_indices().nth(MAX_LINE) {
        text.truncate(end);
        text.push('…');
    }
    text
}
