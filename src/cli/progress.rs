//! A run while it runs: one live line per running job on a terminal, plain lines elsewhere. All on standard error.

#![expect(clippy::disallowed_methods, reason = "asks the environment for TERM")]

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::output::{drawn, eprint_page};
use crate::event::{Event, EventKind};
use crate::record::History;
use crate::report::{self, Page, one_line};

/// What is shown of a run.
pub struct Progress {
    live: Option<Live>,
}

struct Live {
    bars: MultiProgress,
    lines: BTreeMap<String, ProgressBar>,
}

impl Progress {
    /// Begins to show.
    pub fn start() -> Self {
        let stderr = std::io::stderr();
        let live = stderr.is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        let live = live.then(|| Live { bars: MultiProgress::new(), lines: BTreeMap::new() });
        Self { live }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &Event, history: &History) {
        let line = report::line(event, history);
        match (&mut self.live, line) {
            (Some(screen), text) => screen.show(event, history, text),
            (None, Some(line)) => eprint_page(&line),
            (None, None) => {}
        }
    }

    /// Takes the live lines away.
    pub fn end(self) {
        if let Some(live) = self.live {
            // A terminal that went away shows nothing anyhow.
            live.bars.clear().ok();
        }
    }
}

impl Live {
    fn show(&mut self, event: &Event, history: &History, line: Option<Page>) {
        match &event.kind {
            // The live line says it.
            EventKind::JobStarted { job, attempt, .. } => {
                return self.set(job.as_str(), &with_attempt("starting", *attempt));
            }
            EventKind::JobPhase { job, phase, .. } => {
                let attempt = history.job(job).map_or(1, |job| job.attempt);
                self.set(job.as_str(), &with_attempt(report::phase(phase), attempt));
            }
            EventKind::PrepareStarted { node, .. } => self.set(node.as_str(), "building the guest"),
            EventKind::JobFinished(finished) => self.remove(finished.job.as_str()),
            EventKind::PrepareFinished { node, .. } => self.remove(node.as_str()),
            _ => {}
        }
        if let Some(line) = line {
            self.bars.println(drawn(&line)).ok();
        }
    }

    fn set(&mut self, name: &str, what: &str) {
        let bars = &self.bars;
        let line = self.lines.entry(name.to_owned()).or_insert_with(|| {
            // What doesn't fit is cut off: a line that wraps can't be drawn over.
            let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed:>4}  {wide_msg}");
            let line = bars.add(ProgressBar::new_spinner());
            line.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            line.set_prefix(one_line(name));
            line.enable_steady_tick(Duration::from_millis(250));
            line
        });
        line.set_message(one_line(what));
    }

    fn remove(&mut self, name: &str) {
        if let Some(line) = self.lines.remove(name) {
            line.finish_and_clear();
            self.bars.remove(&line);
        }
    }
}

/// Returns a step of a job, from the second attempt on with the attempt's number.
fn with_attempt(step: &str, attempt: u32) -> String {
    if attempt > 1 { format!("attempt {attempt}: {step}") } else { step.to_owned() }
}
