//! `make bench`: the budgets of pikaci, each measured in the same run as a command that anyone can repeat.
//!
//! Only ratios are held against bounds that are ratios, since machines differ and are seldom idle. A row that is over
//! its bound is a result; a row that can't be measured is a failure.
//!
//! `cargo bench --bench budgets -- plan` measures the rows of one name. `BENCH_RUNS` is how often a guest boots,
//! `BENCH_DIR` a new folder in which the measured projects are kept, so that the printed commands can be repeated.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "measures the world")]

mod bench;
mod checks;
mod list;
mod local;
mod machine;
mod plan;
mod prepare;
mod sample;
mod snapshot;
mod table;

use std::process::ExitCode;

use anyhow::{Result, bail};

use bench::Bench;
use table::Row;

type Measure = fn(&Bench) -> Result<Vec<Row>>;

/// What pikaci can't do yet.
const NOT_BUILT: [&str; 1] = ["warm VM, `true`"];

/// What can be measured, by name, in the order of the table.
const NAMES: [(&str, Measure); 7] = [
    ("plan", plan::measure),
    ("list", list::measure),
    ("checks", checks::measure),
    ("prepare", prepare::measure),
    ("snapshot", snapshot::measure),
    ("local", local::measure),
    ("vm", machine::measure),
];

fn main() -> ExitCode {
    match measure_all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure_all() -> Result<()> {
    // Cargo says --bench.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    if let Some(unknown) = wanted.iter().find(|name| NAMES.iter().all(|(known, _)| known != name)) {
        let known = NAMES.map(|(name, _)| name).join(", ");
        bail!("nothing to measure is named {unknown:?}\nhint: one of {known}");
    }
    let bench = Bench::start()?;
    println!("{}", bench.circumstances()?);
    let mut rows = Vec::new();
    for (name, measure) in NAMES {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            for row in measure(&bench)? {
                println!("{}", table::details(&row));
                rows.push(row);
            }
        }
    }
    rows.extend(NOT_BUILT.map(Row::not_built));
    println!("{}", table::table(&rows));
    println!("{}", bench.circumstances()?);
    bench.end()
}
