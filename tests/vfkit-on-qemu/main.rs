//! vfkit-on-qemu: a stand-in for vfkit, so that pikaci's use of vfkit can be tested on machines that aren't Macs.
//!
//! The stand-in accepts the command line of vfkit as strictly as vfkit 0.6.4, refuses the guests that
//! Virtualization.framework refuses, boots the same guest in QEMU, and replies to vfkit's REST calls. It shares no code
//! with pikaci, so that a mistake of one shows in the other.
//!
//! It has two features that vfkit lacks:
//! - `--parse-only` as the first argument prints the parsed command line as JSON, and boots nothing.
//! - `VFKIT_ON_QEMU_HANG` in the environment makes it hang like a faulty vfkit: `stop` after a request to stop,
//!   `poweroff` after the guest has powered off. The guest ends then; the stand-in runs until SIGKILL.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "it reads files and runs a machine")]

mod boot;
mod bootloader;
mod child;
mod device;
mod disk;
mod flags;
mod guest;
mod http;
mod monitor;
mod net;
mod number;
mod options;
mod parts;
mod qemu;
mod rest;
mod restful;
mod running;
mod share;
mod start;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use options::Request;
use start::Start;

/// The imitated version, in the form that a release has (`git describe`).
const VERSION: &str = "v0.6.4 (vfkit-on-qemu: a stand-in for tests, not vfkit)";
/// The argument that prints the parsed command line instead of booting it.
const PARSE_ONLY: &str = "--parse-only";

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(parent) = child::parent(args.first()) {
        // The function returns only an error.
        child::become_program(parent, &args[1..]).unwrap_or_else(|error| eprintln!("vfkit-on-qemu: {error:#}"));
        return ExitCode::FAILURE;
    }
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // cobra and vfkit together print the message, the usage, and the message again.
            eprintln!("Error: {error:#}\n{}\n{error:#}", options::usage());
            ExitCode::FAILURE
        }
    }
}

fn run(mut args: Vec<OsString>) -> Result<()> {
    let parse_only = args.first().is_some_and(|first| first == PARSE_ONLY);
    if parse_only {
        args.remove(0);
    }
    match options::read(&utf8(args)?)? {
        Request::Help => print!("{}", options::usage()),
        Request::Version => println!("vfkit version: {VERSION}"),
        Request::Start(options) => {
            let start = Start::read(&options)?;
            if !parse_only {
                return boot::boot(&start);
            }
            println!("{}", serde_json::to_string_pretty(&start).context("writing the parsed command line")?);
        }
    }
    Ok(())
}

/// File systems of a Mac have only names in UTF-8, so nothing else reaches vfkit.
fn utf8(args: Vec<OsString>) -> Result<Vec<String>> {
    let text = |arg: OsString| arg.into_string().map_err(|arg| anyhow::anyhow!("not in UTF-8: {}", arg.display()));
    args.into_iter().map(text).collect()
}
