//! QEMU's monitor: commands with their replies, and the reason for the end of QEMU.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

/// The time that QEMU has for a reply.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to QEMU's monitor.
#[derive(Debug)]
pub struct Monitor(Mutex<Line>);

#[derive(Debug)]
struct Line {
    stream: UnixStream,
    answers: Receiver<Value>,
    count: u64,
}

impl Monitor {
    /// Takes the other end of the socket; the thread returns the reason of the last SHUTDOWN event after the end of
    /// QEMU.
    pub fn new(stream: UnixStream) -> Result<(Self, JoinHandle<Option<String>>)> {
        let reader = BufReader::new(stream.try_clone().context("sharing the socket of QEMU's monitor")?);
        let (sender, answers) = channel();
        let read = move || {
            let mut reason = None;
            // A broken connection means the end of QEMU, too.
            for line in reader.lines().map_while(Result::ok) {
                let message: Value = serde_json::from_str(&line).unwrap_or_default();
                if message["event"] == "SHUTDOWN" {
                    reason = message["data"]["reason"].as_str().map(str::to_owned);
                } else if message.get("id").is_some() {
                    sender.send(message).ok();
                }
            }
            reason
        };
        Ok((Self(Mutex::new(Line { stream, answers, count: 0 })), std::thread::spawn(read)))
    }

    /// Executes a command in QEMU and returns its reply.
    pub fn execute(&self, command: &str) -> Result<Value> {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        line.count += 1;
        let id = line.count;
        let text = json!({ "execute": command, "id": id });
        writeln!(line.stream, "{text}").with_context(|| format!("telling QEMU to {command}"))?;
        loop {
            let answer = line.answers.recv_timeout(PATIENCE).with_context(|| format!("no reply to {command}"))?;
            if answer["id"] != id {
                // A reply to an earlier command that timed out.
                continue;
            }
            if let Some(error) = answer.get("error") {
                bail!("QEMU refuses to {command}: {}", error["desc"].as_str().unwrap_or_default());
            }
            return Ok(answer["return"].clone());
        }
    }
}
