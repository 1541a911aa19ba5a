//! Lists of runs.

use serde::Serialize;

use super::duration::duration;
use super::paint::paint_to;
use super::schema_version::SCHEMA_VERSION;
use super::tally::tally;
use super::{Clock, Page};
use crate::record::{BrokenRun, RunRecord};

/// Largest number of shown characters of a target.
const TARGET_WIDTH: usize = 32;

/// List of runs, newest first.
#[derive(Clone, Debug, Serialize)]
pub struct Listing {
    schema_version: u32,
    /// Runs whose records can be read.
    pub runs: Vec<RunRecord>,
    /// Runs whose records can't be read.
    pub broken: Vec<BrokenRun>,
    /// Number of older runs that aren't in the list.
    pub older: usize,
}

impl Listing {
    /// Creates a list without runs.
    #[must_use]
    pub fn new(older: usize) -> Self {
        Self { schema_version: SCHEMA_VERSION, runs: Vec::new(), broken: Vec::new(), older }
    }
}

/// Titles of the columns; the second column is painted.
const TITLES: [&str; 6] = ["RUN", "STATUS", "WHEN", "TOOK", "TARGET", "JOBS"];

/// Renders the runs as a table.
#[must_use]
pub fn list(listing: &Listing, clock: &Clock) -> Page {
    let rows: Vec<[String; 6]> = listing.runs.iter().map(|run| row(run, clock)).collect();
    let title = TITLES.map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().chain([&title]).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let broken = listing.broken.iter().map(|broken| broken.run_id.as_str().len());
    let id_width = broken.chain([width(0)]).max().unwrap_or(0);
    let status_width = "cancelled".len();
    let columns = |[id, _, when, took, target, jobs]: &[String; 6]| {
        let (when_width, took_width, target_width) = (width(2), width(3), width(4));
        let after = format!("  {when:when_width$}  {took:>took_width$}  {target:target_width$}  {jobs}");
        (format!("{id:id_width$}  "), after)
    };
    let of_run = |(run, row): (&RunRecord, &[String; 6])| {
        let (before, after) = columns(row);
        let mut line = Page::default();
        line.painted_line(before, paint_to(run.status, status_width), after);
        (run.run_id.clone(), line)
    };
    let of_broken = |broken: &BrokenRun| {
        let BrokenRun { run_id, error } = broken;
        (run_id.clone(), Page::from(format!("{run_id:id_width$}  {:status_width$}  {error}", "broken")))
    };
    let mut lines: Vec<_> =
        listing.runs.iter().zip(&rows).map(of_run).chain(listing.broken.iter().map(of_broken)).collect();
    lines.sort_by(|a, b| b.0.cmp(&a.0));
    let all = listing.older + lines.len();
    let (before, after) = columns(&title);
    let mut page = Page::from(format!("{before}{:status_width$}{after}", title[1]));
    for (_, line) in lines {
        page.append(line);
    }
    if listing.older > 0 {
        page.line(format!("{} older; all: pikaci list --limit {all}", listing.older));
    }
    page
}

fn row(run: &RunRecord, clock: &Clock) -> [String; 6] {
    let end = run.finished_at.or_else(|| run.status.outcome().is_none().then_some(clock.now));
    [
        run.run_id.to_string(),
        run.status.word().to_owned(),
        clock.when(run.created_at),
        end.map(|end| duration(run.created_at, end)).unwrap_or_default(),
        shortened(run.source.target_id.as_str()),
        tally(&run.jobs),
    ]
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= TARGET_WIDTH {
        return text.to_owned();
    }
    text.chars().take(TARGET_WIDTH - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{clock, finished, running};
    use super::{Listing, list};
    use crate::id::{RunId, TargetId};
    use crate::record::BrokenRun;

    fn listing() -> Listing {
        let mut failed = finished().run;
        failed.source.target_id = TargetId::new("a target whose name is longer than a column");
        let broken = BrokenRun {
            run_id: RunId::new("20261121-101500-00aa11"),
            error: "decoding run.json: expected value at line 1 column 1".to_owned(),
        };
        Listing { runs: vec![running().run, failed], broken: vec![broken], ..Listing::new(7) }
    }

    #[test]
    fn runs_are_sorted_from_new_to_old_with_broken_ones_among_them() {
        insta::assert_snapshot!(list(&listing(), &clock()).render(false), @r#"
        RUN                     STATUS     WHEN        TOOK  TARGET                            JOBS
        20261122-101500-9c0d1e  running    3 min ago  3m20s  pre-merge                         1 passed, 1 running, 1 queued
        20261122-101500-4f2a31  errored    3 min ago  1m05s  a target whose name is longer t…  1 passed, 1 failed, 1 errored, 1 skipped
        20261121-101500-00aa11  broken     decoding run.json: expected value at line 1 column 1
        7 older; all: pikaci list --limit 10
        "#);
    }

    #[test]
    fn colors_change_no_column() {
        let colored = list(&listing(), &clock()).render(true);
        assert!(colored.contains("\u{1b}[31merrored\u{1b}[0m  "), "{colored}");
        let lines = colored.lines().map(crate::text::plain).collect::<Vec<_>>().join("\n") + "\n";
        assert_eq!(lines, list(&listing(), &clock()).render(false));
    }

    #[test]
    fn json_has_every_field() {
        let value = serde_json::to_value(listing()).unwrap();
        assert_eq!(value["runs"][0]["run_id"], running().run.run_id.as_str());
        assert_eq!(value["broken"][0]["run_id"], "20261121-101500-00aa11");
        assert_eq!((&value["schema_version"], &value["older"]), (&1.into(), &7.into()));
    }
}
