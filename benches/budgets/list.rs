//! `pikaci list` among 10,000 old runs.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::bench::Bench;
use crate::sample::{Contender, interleave};
use crate::table::{Check, Row};

const RUNS: usize = 10_000;
/// A record of a run and the events that give this record.
const RECORD: &str = include_str!("../../tests/fixtures/records/1/run.json");
const EVENTS: &str = include_str!("../../tests/fixtures/records/1/events.jsonl");

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let project = bench.project("runs", "{ }\n")?;
    let state = pikaci::state::open(&project.join(".pikaci"))?;
    for run in 0..RUNS {
        let folder = state.runs().join(format!("20261101-{run:09}-0000"));
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        fs::write(folder.join("run.json"), RECORD).context("writing a record")?;
        fs::write(folder.join("events.jsonl"), EVENTS).context("writing events")?;
    }
    let contenders = vec![
        Contender::shell(bench, "pikaci -C $B/runs list"),
        Contender::shell(bench, "pikaci -C $B/runs status"),
        Contender::shell(bench, "ls -l $B/runs/.pikaci/runs"),
    ];
    // The process has one thread, so it uses at least as much wall time as processor time.
    Ok(vec![Row {
        name: "pikaci list, 10,000 runs",
        figures: interleave(bench, 15, contenders)?,
        checks: vec![Check::within(0, Duration::from_millis(200)), Check::only(0, 2)],
    }])
}
