//! Control lines of a job as events.

use std::cell::RefCell;

use crate::cancel::{Cancel, Urgency};
use crate::event::{EventKind, LogRange, Outcome};
use crate::failpoint::{self, Point};
use crate::guest::{CommandEnd, ControlLine};
use crate::plan::record::PlannedJob;

/// The events of an attempt at a job, from its control lines.
pub struct StepEvents<'a> {
    job: &'a PlannedJob,
    cancel: &'a Cancel,
    emit: &'a dyn Fn(EventKind),
    state: RefCell<State>,
}

/// The lines so far, as far as later events depend on them.
#[derive(Default)]
struct State {
    /// True if the job exceeded its timeout or printed nothing for too long.
    is_late: bool,
    late_step: Option<u8>,
    /// Bytes of output up to the last line with their number.
    output: u64,
}

impl<'a> StepEvents<'a> {
    /// Returns the events of an attempt, before its first line.
    pub fn new(job: &'a PlannedJob, cancel: &'a Cancel, emit: &'a dyn Fn(EventKind)) -> Self {
        Self { job, cancel, emit, state: RefCell::default() }
    }

    /// Emits the event of a line, if it has one. The guest is hostile: a step or a service that the plan doesn't have
    /// gives no event.
    pub fn emit(&self, line: &ControlLine) {
        failpoint::checkpoint(Point::Phase).unwrap_or_default();
        if let Some(event) = self.event(line) {
            (self.emit)(event);
        }
    }

    fn event(&self, line: &ControlLine) -> Option<EventKind> {
        let job = self.job.job.clone();
        let step_name = |step: u8| Some(self.job.steps.get(usize::from(step))?.name.clone());
        let service_name = |service: u8| Some(self.job.services.get(usize::from(service))?.name.clone());
        let mut state = self.state.borrow_mut();
        let mut range = |end: u64| {
            let start = std::mem::replace(&mut state.output, end);
            LogRange { start: start.min(end), end }
        };
        match *line {
            ControlLine::Phase { ref name, uptime_centis } => Some(EventKind::JobPhase {
                job,
                phase: name.clone(),
                uptime_ms: Some(uptime_centis.saturating_mul(10)),
            }),
            ControlLine::Ready => Some(EventKind::JobPhase { job, phase: "ready".to_owned(), uptime_ms: None }),
            ControlLine::Deadline | ControlLine::Stalled => {
                state.is_late = true;
                None
            }
            ControlLine::Step(step) => Some(EventKind::StepStarted { job, step: step_name(step)? }),
            ControlLine::StepDeadline(step) => {
                state.late_step = Some(step);
                None
            }
            ControlLine::StepEnd { step, end, output } => {
                let log = range(output);
                let outcome = match end {
                    CommandEnd::Exit(0) if state.late_step != Some(step) => Outcome::Passed,
                    _ if self.cancel.urgency() > Urgency::None => Outcome::Cancelled,
                    _ if state.is_late || state.late_step == Some(step) => Outcome::TimedOut,
                    _ => Outcome::Failed,
                };
                Some(EventKind::StepFinished { job, step: step_name(step)?, outcome, exit_code: Some(end.code()), log })
            }
            ControlLine::ServiceReady(service) => {
                Some(EventKind::ServiceReady { job, service: service_name(service)? })
            }
            ControlLine::ServiceEnd { service, end } => {
                Some(EventKind::ServiceEnded { job, service: service_name(service)?, exit_code: end.code() })
            }
            ControlLine::ServiceLog { service, output } => {
                let log = range(output);
                Some(EventKind::ServiceLog { job, service: service_name(service)?, log })
            }
            _ => None,
        }
    }
}
