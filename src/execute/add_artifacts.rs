//! The artifacts of a job at its end.

use crate::event::{ArtifactSummary, JobEnd, Outcome, Reason};
use crate::plan::record::PlannedJob;
use crate::record::Manifest;
use crate::state::{AttemptLayout, recorded_path};

/// Adds the artifacts to the end of a job. What is missing is a warning, or the failure of a job that passed if its
/// artifacts are required.
pub(super) fn add_artifacts(end: &mut JobEnd, job: &PlannedJob, manifest: &Manifest, attempt: &AttemptLayout) {
    let count = manifest.files.len() as u64;
    let artifacts_dir = (count > 0).then(|| recorded_path(&attempt.artifacts()));
    end.artifacts = ArtifactSummary { artifacts: count, artifacts_dir };
    let messages = manifest.messages(&job.artifacts);
    if job.artifacts_required && end.outcome == Outcome::Passed && !messages.is_empty() {
        end.outcome = Outcome::Failed;
        let hint = "make the command write these files, or remove `required` of `artifacts` in pikaci.nix";
        end.exit.reason = Reason::new(messages.join(", and "), hint);
    } else {
        end.warnings = messages;
    }
}

#[cfg(test)]
mod tests {
    use super::add_artifacts;
    use crate::event::{JobEnd, Outcome, Reason};
    use crate::foreign::Beneath;
    use crate::plan::fixture::job;
    use crate::plan::record::PlannedJob;
    use crate::record::{Artifact, Manifest};
    use crate::state::AttemptLayout;

    #[test]
    fn a_missing_artifact_is_a_failure_if_it_is_required() {
        let attempt = AttemptLayout::new(Beneath::new("/state"));
        let manifest = Manifest::new(vec![Artifact { path: "a".to_owned(), ..Artifact::default() }]);
        for (globs, required, before, after) in [
            (&["a"][..], true, Outcome::Passed, Outcome::Passed),
            (&["a", "b"], false, Outcome::Passed, Outcome::Passed),
            (&["a", "b"], true, Outcome::Passed, Outcome::Failed),
            (&["a", "b"], true, Outcome::TimedOut, Outcome::TimedOut),
        ] {
            let artifacts = globs.iter().map(|glob| (*glob).to_owned()).collect();
            let job = PlannedJob { artifacts, artifacts_required: required, ..job("j") };
            let mut end = JobEnd::without_output(before, Reason::default());
            add_artifacts(&mut end, &job, &manifest, &attempt);
            assert_eq!((end.outcome, end.artifacts.artifacts), (after, 1), "{globs:?} {required}");
            let message = "no file matches the artifacts `b`";
            let is_failure = after == Outcome::Failed;
            assert_eq!(end.exit.reason.message.as_deref(), is_failure.then_some(message));
            let warning = globs.len() > 1 && !is_failure;
            assert_eq!(end.warnings, if warning { vec![message] } else { vec![] });
        }
    }
}
