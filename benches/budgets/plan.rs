//! `pikaci plan` with 1,000 jobs, each with globs to match against a changed file.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::bench::{Bench, settle};
use crate::sample::{Contender, interleave, shell};
use crate::table::{Check, Row};

const JOBS: usize = 1000;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let project = bench.project("jobs", &job_file()?)?;
    for job in 0..JOBS {
        let part = project.join(format!("part-{job}"));
        fs::create_dir(&part).with_context(|| format!("making {}", part.display()))?;
        fs::write(part.join("main.c"), format!("int part = {job};\n")).context("writing a source file")?;
    }
    let makefile = project.join("Makefile");
    fs::write(&makefile, "all:\n").context("writing the Makefile")?;
    bench.commit("jobs")?;
    settle();
    fs::write(&makefile, "all: part-1/main.o\n").context("changing the Makefile")?;
    // Git updates its index first, so that it doesn't write the index again during the measurement.
    shell(bench, "git -C $B/jobs status")?;
    settle();
    shell(bench, "pikaci -C $B/jobs run job-0")?;
    let contenders = vec![
        Contender::shell(bench, "pikaci -C $B/jobs plan"),
        Contender::shell(bench, "pikaci -C $B/jobs check"),
        Contender::shell(bench, "git -C $B/jobs status"),
    ];
    Ok(vec![Row {
        name: "pikaci plan, 1,000 jobs",
        figures: interleave(bench, 15, contenders)?,
        checks: vec![Check::within(0, Duration::from_millis(50)), Check::only(0, 1), Check::only(0, 2)],
    }])
}

/// Returns a job file with jobs in chains of ten.
fn job_file() -> Result<String> {
    let mut text = "{\n  guests.default = { vcpu = 1; memory = \"1G\"; };\n".to_owned();
    for job in 0..JOBS {
        let needs = if job % 10 == 0 { String::new() } else { format!("\"job-{}\"", job - 1) };
        let (description, command) = (format!("Part {job} of the project"), format!("make -C part-{job} test"));
        let command = if job == 0 { "true" } else { &command };
        write!(
            text,
            "  jobs.job-{job} = {{\n    description = \"{description}\";\n    command = \"{command}\";\n    \
             needs = [ {needs} ];\n    paths = [ \"part-{job}/**\" \"Makefile\" ];\n    env.PART = \"{job}\";\n    \
             timeout = \"10m\";\n  }};\n"
        )?;
    }
    Ok(text + "}\n")
}
