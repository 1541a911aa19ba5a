//! vfkit-on-qemu: a stand-in for vfkit, so that what pikaci does with vfkit can be tested on machines that aren't Macs.
//!
//! It takes vfkit's command line as strictly as vfkit 0.6.4 does, refuses what Virtualization.framework is known to
//! refuse, boots the same guest in QEMU, and answers vfkit's REST calls. It shares no code with pikaci, so that one can
//! be wrong without the other.
//!
//! What it has and vfkit hasn't:
//! - `--parse-only` as the first argument prints what was understood, as JSON, and boots nothing.
//! - `VFKIT_ON_QEMU_HANG` in the environment makes it a vfkit that hangs: `stop` once it was asked to stop, `poweroff`
//!   once the guest has powered off. The guest ends then; the stand-in goes on until SIGKILL.

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

/// The version that this stands in for, as the build of a release names itself (`git describe`).
const VERSION: &str = "v0.6.4 (vfkit-on-qemu: a stand-in for tests, not vfkit)";
/// Says what was understood instead of booting it.
const PARSE_ONLY: &str = "--parse-only";

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(parent) = child::parent(args.first()) {
        // It returns only when it can't.
        child::become_program(parent, &args[1..]).unwrap_or_else(|error| eprintln!("vfkit-on-qemu: {error:#}"));
        return ExitCode::FAILURE;
    }
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // As cobra and vfkit do between them: the message, how to call it, the message.
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
            println!("{}", serde_json::to_string_pretty(&start).context("writing what was understood")?);
        }
    }
    Ok(())
}

/// Mac's file systems know only names in UTF-8, and so nothing else reaches vfkit.
fn utf8(args: Vec<OsString>) -> Result<Vec<String>> {
    let text = |arg: OsString| arg.into_string().map_err(|arg| anyhow::anyhow!("not in UTF-8: {}", arg.display()));
    args.into_iter().map(text).collect()
}
