//! The reasons for which jobs run or take earlier results.

use std::path::PathBuf;

use super::Page;
use crate::id::{JobId, RunId};
use crate::plan::KeyDifference;
use crate::text::{MESSAGE, count, cut};

/// Largest number of files that are listed for a job.
const MAX_FILES: usize = 10;
/// Number of shown digits of a digest.
const DIGITS: usize = 12;

/// The reason for which a job runs or takes an earlier result.
#[derive(Clone, Debug)]
pub enum RunReason {
    /// It takes no earlier results, for this reason.
    EachTime(String),
    /// It takes the result of a run.
    Taken(RunId),
    /// No run has a result of it.
    NoResult,
    /// Its result key equals that of a run, whose result isn't kept.
    NotKept(RunId),
    /// Its result key differs from that of the newest run in which it passed.
    Differs {
        /// That run.
        from: RunId,
        /// The differences.
        differences: Vec<KeyDifference>,
        /// The files that differ; `None` if the snapshot of that run is gone.
        files: Option<Vec<PathBuf>>,
    },
}

/// Renders the reasons of jobs.
#[must_use]
pub fn why(reasons: &[(JobId, RunReason)]) -> Page {
    let mut page = Page::default();
    for (job, reason) in reasons {
        match reason {
            RunReason::EachTime(reason) => page.line(format!("{job} runs each time: {reason}")),
            RunReason::Taken(run) => page.line(format!("{job} takes the result of run {run}: its input is the same")),
            RunReason::NoResult => page.line(format!("{job} runs: it has passed in no earlier run")),
            RunReason::NotKept(run) => {
                page.line(format!("{job} runs: its input is that of run {run}, whose result isn't kept"));
            }
            RunReason::Differs { from, differences, files } => {
                page.line(format!("{job} runs: since run {from}, in which it passed, changed"));
                for difference in differences {
                    add_difference(&mut page, difference, files.as_deref());
                }
            }
        }
    }
    page
}

fn add_difference(page: &mut Page, difference: &KeyDifference, files: Option<&[PathBuf]>) {
    match (difference, files) {
        (KeyDifference::Need(need), _) => page.line(format!("  job {need}, which it needs")),
        (KeyDifference::Part { name, before, after }, _) => {
            let text = |value: &Option<String>| value.as_deref().map_or_else(|| "(none)".to_owned(), shown);
            page.line(format!("  {}: {} -> {}", cut(name, MESSAGE), text(before), text(after)));
        }
        (KeyDifference::Files, None) => page.line("  its files; the snapshot of that run is gone"),
        (KeyDifference::Files, Some(files)) => {
            page.line(format!("  {}:", count(files.len(), "file")));
            for file in files.iter().take(MAX_FILES) {
                page.line(format!("    {}", cut(&file.to_string_lossy(), MESSAGE)));
            }
            if files.len() > MAX_FILES {
                page.line(format!("    and {} more", files.len() - MAX_FILES));
            }
        }
    }
}

fn shown(value: &str) -> String {
    let is_digest = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest { value[..DIGITS].to_owned() } else { cut(value, MESSAGE) }
}

#[cfg(test)]
mod tests {
    use super::{RunReason, why};
    use crate::id::{Digest, JobId, RunId};
    use crate::plan::KeyDifference;

    #[test]
    fn each_reason_names_its_run_and_its_differences() {
        let run = || RunId::new("20261122-101500-4f2a");
        let part = |name: &str, before: Option<&str>, after: Option<&str>| KeyDifference::Part {
            name: name.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let differences = vec![
            KeyDifference::Files,
            KeyDifference::Need(JobId::new("build")),
            part("guest", Some(Digest::of(b"1").as_str()), Some("none")),
            part("variable CC", None, Some("clang\u{1b}")),
        ];
        let files = (0..12).map(|number| format!("src/{number:02}.c").into()).collect();
        let differs = |files| RunReason::Differs { from: run(), differences: differences.clone(), files };
        let reasons = [
            ("lint", RunReason::EachTime("`cache` is off".to_owned())),
            ("build", RunReason::Taken(run())),
            ("docs", RunReason::NoResult),
            ("bench", RunReason::NotKept(run())),
            ("test", differs(Some(files))),
            ("fuzz", differs(None)),
        ];
        let reasons = reasons.map(|(job, reason)| (JobId::new(job), reason));
        insta::assert_snapshot!(why(&reasons).render(false));
    }
}
