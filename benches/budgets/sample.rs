//! Commands that are measured in turn: a pause of the machine slows all of them.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::bench::{Bench, path};

/// A command or a step to measure.
pub struct Contender<'a> {
    /// The command, or a description of the step, for the table.
    pub command: String,
    /// Runs it once and returns the measured time; preparation and clean-up are outside of that time.
    pub once: Box<dyn FnMut() -> Result<Duration> + 'a>,
}

/// The measured times of one contender.
pub struct Figure {
    /// The command.
    pub command: String,
    /// All times, shortest first.
    times: Vec<Duration>,
}

impl<'a> Contender<'a> {
    /// Creates a contender from a command line that a shell runs in the repository; `$B` is the folder of the bench.
    pub fn shell(bench: &'a Bench, command: impl Into<String>) -> Self {
        let command = command.into();
        let line = command.clone();
        Self { command, once: Box::new(move || timed(|| shell(bench, &line))) }
    }

    /// Creates a contender from a step of this process.
    pub fn call<T>(command: impl Into<String>, mut step: impl FnMut() -> Result<T> + 'a) -> Self {
        Self { command: command.into(), once: Box::new(move || timed(&mut step)) }
    }
}

impl Figure {
    /// Returns the median.
    pub fn median(&self) -> Duration {
        let middle = self.times.len() / 2;
        if self.times.len().is_multiple_of(2) {
            (self.times[middle - 1] + self.times[middle]) / 2
        } else {
            self.times[middle]
        }
    }

    /// Returns the shortest time, the longest time and their number.
    pub fn range(&self) -> (Duration, Duration, usize) {
        (self.times[0], self.times[self.times.len() - 1], self.times.len())
    }
}

/// Returns the time that a step took, if the step succeeded.
pub fn timed<T>(step: impl FnOnce() -> Result<T>) -> Result<Duration> {
    let start = Instant::now();
    step()?;
    Ok(start.elapsed())
}

/// Runs a command line to its end; its output is shown if it fails.
pub fn shell(bench: &Bench, line: &str) -> Result<()> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", line]).current_dir(env!("CARGO_MANIFEST_DIR")).env("B", bench.folder()).env("PATH", path());
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("starting {line}"))?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        bail!("{line}: {}\n{}", output.status, String::from_utf8_lossy(&text));
    }
    Ok(())
}

/// Measures contenders in the order A B A B …, after one round that isn't counted.
pub fn interleave(bench: &Bench, rounds: usize, mut contenders: Vec<Contender<'_>>) -> Result<Vec<Figure>> {
    let mut times = vec![Vec::new(); contenders.len()];
    let warm_up = usize::from(rounds > 5);
    for round in 0..rounds + warm_up {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            bench.go_on()?;
            let time = (contender.once)().with_context(|| format!("measuring {}", contender.command))?;
            if round >= warm_up {
                times.push(time);
            }
        }
    }
    let figure = |(contender, mut times): (Contender<'_>, Vec<Duration>)| {
        times.sort();
        Figure { command: contender.command, times }
    };
    Ok(contenders.into_iter().zip(times).map(figure).collect())
}
