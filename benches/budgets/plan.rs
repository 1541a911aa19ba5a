//! `pikaci plan` with 1,000 jobs, each with globs to match against a changed file, and with 1,000 legs of a matrix.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};

use crate::bench::{Bench, settle};
use crate::sample::{Contender, interleave, shell};
use crate::table::{Check, Row};

const JOBS: usize = 1000;
/// The command that evaluates a job file with Nix.
const EVALUATE: &str = "nix --extra-experimental-features nix-command eval --json --file";

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
        Contender::shell(bench, format!("{EVALUATE} $B/jobs/pikaci.nix")),
    ];
    let jobs = Row {
        name: "pikaci plan, 1,000 jobs",
        figures: interleave(bench, 15, contenders)?,
        checks: vec![Check::at_most(0, 2.0, 2), Check::only(0, 1), Check::only(0, 3)],
    };
    Ok(vec![jobs, measure_matrix(bench)?])
}

/// Measures a plan of a job with 1,000 legs.
fn measure_matrix(bench: &Bench) -> Result<Row> {
    let parts: Vec<String> = (0..JOBS / 10).map(|value| format!("\"{value}\"")).collect();
    let parts = parts.join(" ");
    let text = format!(
        "{{ jobs.test = {{ matrix = {{ part = [ {parts} ]; cc = [ \"a\" \"b\" \"c\" \"d\" \"e\" \"f\" \"g\" \"h\" \"i\" \"j\" ]; \
         }}; command = \"make PART=$part CC=$cc\"; }}; }}\n"
    );
    bench.project("legs", &text)?;
    bench.commit("legs")?;
    settle();
    shell(bench, "git -C $B/legs status")?;
    // Only a run writes the cache of the host's files.
    shell(bench, "mkdir $B/legs/.pikaci && cp $B/jobs/.pikaci/host.json $B/legs/.pikaci")?;
    let contenders = vec![
        Contender::shell(bench, "pikaci -C $B/legs plan"),
        Contender::shell(bench, "git -C $B/legs status"),
        Contender::shell(bench, format!("{EVALUATE} $B/legs/pikaci.nix")),
    ];
    Ok(Row {
        name: "pikaci plan, a matrix of 1,000 legs",
        figures: interleave(bench, 15, contenders)?,
        checks: vec![Check::at_most(0, 2.0, 1), Check::only(0, 2)],
    })
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
