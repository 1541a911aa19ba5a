//! `make bench`: the budgets of pikaci. Each is measured in the same run as a command that anybody can repeat.
//!
//! Machines differ and are seldom idle, so only ratios have bounds. A row above its bound is a result; a row that can't
//! be measured is a failure.
//!
//! `cargo bench --bench budgets -- plan` measures the rows of one name. `BENCH_RUNS` is the number of boots of a guest.
//! `BENCH_DIR` names a new folder that keeps the measured projects, so that the printed commands can be repeated.

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

/// Rows of features that pikaci doesn't have yet.
const NOT_BUILT: [&str; 1] = ["warm VM, `true`"];

/// All measurements by name, in the order of the table.
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
    // Cargo passes --bench.
    let selected: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    if let Some(unknown) = selected.iter().find(|name| NAMES.iter().all(|(valid, _)| valid != name)) {
        let valid = NAMES.map(|(name, _)| name).join(", ");
        bail!("there is no measurement {unknown:?}\nhint: one of {valid}");
    }
    let bench = Bench::start()?;
    println!("{}", bench.circumstances()?);
    let mut rows = Vec::new();
    for (name, measure) in NAMES {
        if selected.is_empty() || selected.iter().any(|selected| selected == name) {
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
