//! QEMU's monitor: its events, and the one command that ends it.

#![expect(clippy::disallowed_types, reason = "talks over a socket")]

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::execute::channel;

/// A connection to QEMU's monitor.
#[derive(Debug)]
pub struct Monitor {
    stream: UnixStream,
}

#[derive(Deserialize)]
struct Message {
    event: Option<String>,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
struct Data {
    reason: Option<String>,
}

/// Returns the reason in a line of the monitor, if the line is a SHUTDOWN event.
#[must_use]
pub fn shutdown_reason(line: &str) -> Option<String> {
    match serde_json::from_str(line) {
        Ok(Message { event: Some(event), data: Data { reason } }) if event == "SHUTDOWN" => reason,
        _ => None,
    }
}

impl Monitor {
    /// Takes the host's end of the socket that QEMU got, and leaves the negotiation mode.
    ///
    /// # Errors
    /// When the socket can't be written.
    pub fn new(stream: UnixStream) -> Result<Self> {
        let mut monitor = Self { stream };
        monitor.execute("qmp_capabilities")?;
        Ok(monitor)
    }

    /// Calls `each` with the reason of every SHUTDOWN event, until QEMU ends.
    ///
    /// # Errors
    /// When the socket can't be shared with a thread.
    pub fn on_shutdown(&self, mut each: impl FnMut(String) + Send + 'static) -> Result<JoinHandle<()>> {
        let stream = self.stream.try_clone().context("sharing the socket of QEMU's monitor")?;
        Ok(channel::lines(stream, move |line| {
            shutdown_reason(&line).into_iter().for_each(&mut each);
        }))
    }

    /// Asks QEMU to end.
    ///
    /// # Errors
    /// When QEMU no longer listens.
    pub fn quit(&mut self) -> Result<()> {
        self.execute("quit")
    }

    fn execute(&mut self, command: &str) -> Result<()> {
        writeln!(self.stream, r#"{{"execute":"{command}"}}"#).with_context(|| format!("telling QEMU to {command}"))
    }
}
