//! A run while it runs: one live line per running job on a terminal, plain lines elsewhere. All on standard error.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::event::{Event, What};
use crate::record::History;
use crate::report;

/// What is shown of a run.
pub struct Progress {
    live: Option<Live>,
}

struct Live {
    bars: MultiProgress,
    jobs: BTreeMap<String, ProgressBar>,
}

impl Progress {
    /// Begins to show.
    pub fn start() -> Self {
        let live = std::io::stderr().is_terminal();
        Self { live: live.then(|| Live { bars: MultiProgress::new(), jobs: BTreeMap::new() }) }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &Event, history: &History) {
        let line = report::line(event, history);
        match &mut self.live {
            None => {
                if let Some(line) = line {
                    eprintln!("{line}");
                }
            }
            Some(screen) => screen.show(event, line),
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
    fn show(&mut self, event: &Event, line: Option<String>) {
        let (name, phase) = match &event.what {
            What::JobStarted { job, .. } => (job.as_str().to_owned(), Some("starting".to_owned())),
            What::JobPhase { job, phase, .. } => (job.as_str().to_owned(), Some(phase.clone())),
            What::JobFinished(finished) => (finished.job.as_str().to_owned(), None),
            What::PrepareStarted { node, .. } => (node.as_str().to_owned(), Some("building".to_owned())),
            What::PrepareFinished { node, .. } => (node.as_str().to_owned(), None),
            _ => (String::new(), None),
        };
        if let Some(phase) = phase {
            self.bar(&name).set_message(phase);
            return;
        }
        if let Some(bar) = self.jobs.remove(&name) {
            bar.finish_and_clear();
        }
        if let Some(line) = line {
            self.bars.println(line).ok();
        }
    }

    fn bar(&mut self, name: &str) -> &ProgressBar {
        let bars = &self.bars;
        self.jobs.entry(name.to_owned()).or_insert_with(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix}: {msg} ({elapsed})");
            let bar = bars.add(ProgressBar::new_spinner());
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(name.to_owned());
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        })
    }
}
