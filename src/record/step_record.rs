//! The records of a job's steps and services.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{LogRange, Status};

/// A step of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepRecord {
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: Status,
    /// The exit code of its command.
    pub exit_code: Option<i32>,
    /// Time of its start.
    pub started_at: Option<Timestamp>,
    /// Time of its end.
    pub finished_at: Option<Timestamp>,
    /// Its part of the job's log.
    pub log: Option<LogRange>,
}

/// A service of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceRecord {
    /// Its name.
    pub name: String,
    /// Time at which it was ready.
    pub ready_at: Option<Timestamp>,
    /// Time of its end, if it ended before the job.
    pub ended_at: Option<Timestamp>,
    /// The exit code of its command, if it ended before the job.
    pub exit_code: Option<i32>,
    /// Its part of the job's log, which arrives at the end of the job.
    pub log: Option<LogRange>,
}

impl StepRecord {
    /// Returns the record before its start.
    pub(super) fn queued(name: &str) -> Self {
        let status = Status::QUEUED;
        Self { name: name.to_owned(), status, exit_code: None, started_at: None, finished_at: None, log: None }
    }
}

impl ServiceRecord {
    /// Returns the record before its start.
    pub(super) fn queued(name: &str) -> Self {
        Self { name: name.to_owned(), ready_at: None, ended_at: None, exit_code: None, log: None }
    }
}
