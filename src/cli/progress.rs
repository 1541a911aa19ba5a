//! The progress of a run on standard error: a live line for each running job on a terminal, plain lines elsewhere.

#![expect(clippy::disallowed_methods, reason = "reads TERM in the environment")]

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::output::{eprint_page, render_for_stderr};
use crate::event::{Event, EventKind};
use crate::record::History;
use crate::report::{self, Page};
use crate::text::one_line;

/// The progress of a run.
pub struct Progress {
    live: Option<Live>,
}

struct Live {
    bars: MultiProgress,
    lines: BTreeMap<String, ProgressBar>,
}

impl Progress {
    /// Starts the display of the progress, which is live on a terminal.
    pub fn start() -> Self {
        let stderr = std::io::stderr();
        let live = stderr.is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        let live = live.then(|| Live { bars: MultiProgress::new(), lines: BTreeMap::new() });
        Self { live }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &Event, history: &History) {
        let line = report::event_line(event, history);
        match (&mut self.live, line) {
            (Some(screen), text) => screen.show(event, history, text),
            (None, Some(line)) => eprint_page(&line),
            (None, None) => {}
        }
    }

    /// Removes the live lines.
    pub fn end(self) {
        if let Some(live) = self.live {
            // A terminal that is closed shows no lines.
            live.bars.clear().ok();
        }
    }
}

impl Live {
    fn show(&mut self, event: &Event, history: &History, line: Option<Page>) {
        match &event.kind {
            // The live line shows the start.
            EventKind::JobStarted { job, attempt, .. } => {
                return self.set(job.as_str(), &with_attempt("starting", *attempt));
            }
            EventKind::JobPhase { job, phase, .. } => {
                let attempt = history.job(job).map_or(1, |job| job.attempt);
                self.set(job.as_str(), &with_attempt(report::phase_activity(phase), attempt));
            }
            EventKind::PrepareStarted { node, .. } => self.set(node.as_str(), "building the guest"),
            EventKind::JobFinished(finished) => self.remove(finished.job.as_str()),
            EventKind::PrepareFinished { node, .. } => self.remove(node.as_str()),
            _ => {}
        }
        if let Some(line) = line {
            self.bars.println(render_for_stderr(&line)).ok();
        }
    }

    fn set(&mut self, name: &str, activity: &str) {
        let bars = &self.bars;
        let line = self.lines.entry(name.to_owned()).or_insert_with(|| {
            // Cut off the text that doesn't fit: a line that wraps can't be drawn over.
            let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed:>4}  {wide_msg}");
            let line = bars.add(ProgressBar::new_spinner());
            line.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            line.set_prefix(one_line(name));
            line.enable_steady_tick(Duration::from_millis(250));
            line
        });
        line.set_message(one_line(activity));
    }

    fn remove(&mut self, name: &str) {
        if let Some(line) = self.lines.remove(name) {
            line.finish_and_clear();
            self.bars.remove(&line);
        }
    }
}

/// Returns a step of a job, with the number of the attempt if it isn't the first.
fn with_attempt(step: &str, attempt: u32) -> String {
    if attempt > 1 { format!("attempt {attempt}: {step}") } else { step.to_owned() }
}
