//! A thousand jobs without a machine, compared with the same copies of the workspace and the same commands.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};

use crate::bench::Bench;
use crate::sample::{Contender, interleave, shell, timed};
use crate::table::{Check, Row};

const JOBS: usize = 1000;
/// Number of files in the workspace.
const FILES: usize = 20;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut job_file =
        String::from("{ defaults = { guest = \"here\"; network = true; }; guests.here.base = \"none\"; jobs = {\n");
    for job in 0..JOBS {
        writeln!(job_file, "  job{job:03}.command = \"true\";")?;
    }
    let project = bench.project("local", &(job_file + "}; }\n"))?;
    for file in 0..FILES {
        fs::write(project.join(format!("file{file}")), [b'x'; 1000]).context("writing a file of the workspace")?;
    }
    // A job sees the tree without `.git`, so the command for comparison copies it without `.git` too.
    shell(bench, "cp -a $B/local $B/workspace && rm -r $B/workspace/.git")?;
    let cpus = std::thread::available_parallelism().context("counting CPUs")?;
    let run = "pikaci -C $B/local run --allow-unisolated".to_owned();
    let copies = format!(
        "mkdir $B/copies && seq {JOBS} | xargs -P {cpus} -I@ \
         sh -c 'cp -a $B/workspace $B/copies/@ && cd $B/copies/@ && exec sh -euc true'"
    );
    // The files of a round are removed before the next one, outside of the measured time.
    let clean = |left: &'static str, command: String| Contender {
        command: command.clone(),
        once: Box::new(move || {
            let time = timed(|| shell(bench, &command))?;
            shell(bench, &format!("rm -rf {left} && sync"))?;
            Ok(time)
        }),
    };
    let contenders = vec![clean("$B/local/.pikaci", run), clean("$B/copies", copies)];
    Ok(vec![Row {
        name: "1,000 `true` jobs, executor local",
        figures: interleave(bench, 5, contenders)?,
        checks: vec![Check::at_most(0, 1.2, 1)],
    }])
}
