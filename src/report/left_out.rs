//! Jobs that a run left out, because no file that they depend on changed.

use crate::plan::record::LeftOutJob;
use crate::record::RunRecord;
use crate::text::{MAX_LINES, count, plain, quote};

/// Returns a line for each job that was left out; of a long list, the first lines and the number of further jobs.
pub fn lines(left_out: &[LeftOutJob], line: impl Fn(&str, &str) -> String) -> Vec<String> {
    let shown = if left_out.len() > MAX_LINES { MAX_LINES - 1 } else { left_out.len() };
    let more = left_out.len() - shown;
    let lines = left_out[..shown].iter().map(|job| line(job.id.as_str(), &plain(&job.reason)));
    lines.chain((more > 0).then(|| line("…", &format!("and {}", count(more, "more job"))))).collect()
}

/// Returns the command that also runs the jobs that were left out.
pub fn hint(run: &RunRecord) -> Option<String> {
    let all = || {
        run.selection.filters.iter().fold("pikaci run --all".to_owned(), |text, name| format!("{text} {}", quote(name)))
    };
    run.left_out.iter().any(|job| !job.skipped).then(all)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::begun;
    use super::{hint, lines};
    use crate::id::JobId;
    use crate::plan::record::LeftOutJob;

    #[test]
    fn a_long_list_ends_with_the_number_of_further_jobs() {
        let jobs = |number: usize| -> Vec<LeftOutJob> {
            let job = |number| LeftOutJob {
                id: JobId::new(format!("job{number}")),
                reason: "why".to_owned(),
                skipped: false,
            };
            (0..number).map(job).collect()
        };
        let line = |job: &str, why: &str| format!("{job}: {why}");
        assert_eq!(lines(&jobs(8), line).last().unwrap(), "job7: why");
        let many = lines(&jobs(1000), line);
        assert_eq!((many.len(), many[7].as_str()), (8, "…: and 993 more jobs"));
    }

    #[test]
    fn the_hint_repeats_the_names_on_the_command_line() {
        let mut run = begun("1", &["build"]).run;
        assert_eq!(hint(&run), None);
        let left_out = |skipped| vec![LeftOutJob { id: JobId::new("docs"), reason: String::new(), skipped }];
        run.left_out = left_out(true);
        assert_eq!(hint(&run), None);
        run.left_out = left_out(false);
        run.selection.filters = vec!["pre merge".to_owned(), "x".to_owned()];
        assert_eq!(hint(&run).unwrap(), "pikaci run --all 'pre merge' x");
    }
}
