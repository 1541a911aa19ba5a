//! A running guest, and its control by REST or by a signal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use crate::monitor::Monitor;

/// The environment variable that makes the stand-in hang.
const HANG: &str = "VFKIT_ON_QEMU_HANG";

/// The moment at which the stand-in hangs, as observed with vfkit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hang {
    /// Never.
    Never,
    /// After a request to stop: it accepts, ends the guest, and continues to run.
    Stop,
    /// After the guest has powered off by itself.
    Poweroff,
}

impl Hang {
    /// Reads the environment variable.
    pub fn read() -> Result<Self> {
        match std::env::var(HANG).unwrap_or_default().as_str() {
            "" => Ok(Self::Never),
            "stop" => Ok(Self::Stop),
            "poweroff" => Ok(Self::Poweroff),
            other => bail!("{HANG} of the stand-in is stop or poweroff, not {other:?}"),
        }
    }
}

/// A running guest.
#[derive(Debug)]
pub struct Running {
    monitor: Monitor,
    hang: Hang,
    /// The machine, as vfkit reports it.
    pub machine: Value,
    is_ending: AtomicBool,
    answering: Mutex<()>,
}

impl Running {
    /// Creates a running guest.
    pub fn new(monitor: Monitor, hang: Hang, machine: Value) -> Self {
        Self { monitor, hang, machine, is_ending: AtomicBool::new(false), answering: Mutex::new(()) }
    }

    /// Leaves the monitor's negotiation mode.
    pub fn greet(&self) -> Result<()> {
        self.monitor.execute("qmp_capabilities").map(drop)
    }

    /// Keeps the stand-in alive until a response is sent.
    pub fn answering(&self) -> MutexGuard<'_, ()> {
        self.answering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns true if the stand-in has to hang after the end of the guest.
    pub fn hangs(&self) -> bool {
        self.hang == if self.is_ending.load(Ordering::SeqCst) { Hang::Stop } else { Hang::Poweroff }
    }

    /// Returns the state, and the possible changes of it.
    pub fn state(&self) -> Value {
        let state = self.word();
        let (runs, paused) = (state == "Running", state == "Paused");
        json!({
            "state": format!("VirtualMachineState{state}"),
            "canStart": state == "Stopped",
            "canPause": runs,
            "canResume": paused,
            "canStop": runs,
            "canHardStop": runs || paused,
        })
    }

    fn word(&self) -> &'static str {
        let Ok(answer) = self.monitor.execute("query-status") else { return "Stopped" };
        match answer["status"].as_str() {
            Some("running") => "Running",
            Some("paused") => "Paused",
            Some("shutdown") => "Stopped",
            _ => "Starting",
        }
    }

    /// Changes the state.
    pub fn change(&self, state: &str) -> Result<()> {
        match state {
            "Pause" => self.execute_in("Running", "stop"),
            "Resume" => self.execute_in("Paused", "cont"),
            "Stop" => self.stop(),
            "HardStop" => self.hard_stop(),
            other => bail!("invalid new VMState: {other}"),
        }
    }

    /// Presses the guest's power button, which the guest may ignore.
    pub fn stop(&self) -> Result<()> {
        self.is_ending.store(true, Ordering::SeqCst);
        self.execute_in("Running", if self.hang == Hang::Stop { "quit" } else { "system_powerdown" })
    }

    /// Ends the guest.
    pub fn hard_stop(&self) -> Result<()> {
        self.is_ending.store(true, Ordering::SeqCst);
        self.monitor.execute("quit").map(drop)
    }

    fn execute_in(&self, state: &str, command: &str) -> Result<()> {
        let now = self.word();
        ensure!(now == state, "invalid virtual machine state transition: it is {now}, not {state}");
        self.monitor.execute(command).map(drop)
    }
}
