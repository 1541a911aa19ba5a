//! QEMU's monitor (QMP): the SHUTDOWN event and the command to quit.

#![expect(clippy::disallowed_types, reason = "connects to a socket")]

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::execute::stream_readers::spawn_line_reader;

/// A connection to QEMU's monitor.
#[derive(Debug)]
pub struct QmpMonitor {
    stream: UnixStream,
}

/// A line of the monitor.
#[derive(Deserialize)]
struct QmpMessage {
    event: Option<String>,
    #[serde(default)]
    data: EventData,
}

#[derive(Default, Deserialize)]
struct EventData {
    reason: Option<String>,
}

/// Returns the reason in a line of the monitor, if the line is a SHUTDOWN event.
#[must_use]
pub fn shutdown_reason(line: &str) -> Option<String> {
    match serde_json::from_str(line) {
        Ok(QmpMessage { event: Some(event), data: EventData { reason } }) if event == "SHUTDOWN" => reason,
        _ => None,
    }
}

impl QmpMonitor {
    /// Creates the connection from the host's end of QEMU's socket, and ends the negotiation of capabilities.
    ///
    /// # Errors
    /// When the socket can't be written.
    pub fn new(stream: UnixStream) -> Result<Self> {
        let mut monitor = Self { stream };
        monitor.execute("qmp_capabilities")?;
        Ok(monitor)
    }

    /// Calls `on_reason` with the reason of every SHUTDOWN event, until QEMU exits.
    ///
    /// # Errors
    /// When the socket can't be shared with a thread.
    pub fn on_shutdown(&self, mut on_reason: impl FnMut(String) + Send + 'static) -> Result<JoinHandle<()>> {
        let stream = self.stream.try_clone().context("sharing the socket of QEMU's monitor")?;
        Ok(spawn_line_reader(stream, move |line| {
            shutdown_reason(&line).into_iter().for_each(&mut on_reason);
        }))
    }

    /// Requests QEMU to exit.
    ///
    /// # Errors
    /// When the socket is closed.
    pub fn quit(&mut self) -> Result<()> {
        self.execute("quit")
    }

    fn execute(&mut self, command: &str) -> Result<()> {
        writeln!(self.stream, r#"{{"execute":"{command}"}}"#).with_context(|| format!("sending {command} to QEMU"))
    }
}
