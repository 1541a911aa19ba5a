//! The two exits: standard output and standard error. All that is printed goes through here, and is clean.
//!
//! Names, paths, messages and logs are chosen by guests, projects and state folders. What is for people has no control
//! character but newlines, tabs and the colors of [`Page`]; JSON and logs keep their bytes, but at a terminal.

#![expect(clippy::disallowed_methods, reason = "reads NO_COLOR and TERM in the environment")]

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};

use anyhow::anyhow;

use crate::report::{Page, TerminalFilter, escaped, escaped_json};

use crate::cli::failure::{Exit, Failure};
use crate::cli::nix_lines::NixLines;

/// Prints lines for people on standard output; a reader that went away is no error.
pub fn print(page: &Page) -> Result<(), Failure> {
    print_bytes(page.render(has_color(&io::stdout())).as_bytes())
}

/// Prints a value as JSON on standard output.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(anyhow::Error::from)?;
    print_json_line(&text)
}

/// Prints a line of JSON on standard output.
pub fn print_json_line(json: &str) -> Result<(), Failure> {
    let json = if io::stdout().is_terminal() { escaped_json(json) } else { json.to_owned() };
    print_bytes(format!("{json}\n").as_bytes())
}

/// Prints bytes of pikaci's own on standard output, unfiltered.
pub fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let error = anyhow::Error::from(error).context("writing to standard output");
            Err(Failure::new(Exit::Internal, error))
        }
        _ => Ok(()),
    }
}

/// Prints lines on standard error, and goes on if that fails.
pub fn eprint_line(text: &dyn Display) {
    writeln!(io::stderr(), "{}", escaped(&text.to_string())).ok();
}

/// Prints lines with colored words on standard error, and goes on if that fails.
pub fn eprint_page(page: &Page) {
    io::stderr().write_all(page.render(has_color(&io::stderr())).as_bytes()).ok();
}

/// Prints each panic of this process as a failure, in place of Rust's raw text.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let failure = Failure::new(Exit::Internal, anyhow!("pikaci itself {panic}"));
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            eprint_line(&format_args!("{failure}\n{backtrace}"));
        } else {
            eprint_line(&failure.hint("this is a bug of pikaci: report it with what RUST_BACKTRACE=1 adds"));
        }
    }));
}

/// Renders lines for a progress bar, which prints on standard error itself.
pub fn drawn(page: &Page) -> String {
    page.render(has_color(&io::stderr())).trim_end_matches('\n').to_owned()
}

/// Prints help on standard output, or an error in the command line on standard error, and goes on if that fails: the exit
/// code says the same.
pub fn print_usage(error: &clap::Error) {
    if error.use_stderr() {
        let text = escaped(&error.render().to_string());
        io::stderr().write_all(text.as_bytes()).ok();
    } else {
        error.print().ok();
    }
}

/// Logs on standard output: bytes as they are, but at a terminal only text and colors.
#[derive(Debug)]
pub struct LogOutput {
    filter: Option<TerminalFilter>,
    nix_lines: Option<NixLines>,
}

impl LogOutput {
    /// Returns the output of one log.
    pub fn new(raw: bool) -> Self {
        let stdout = io::stdout();
        let filtered = !raw && stdout.is_terminal();
        Self { filter: filtered.then(|| TerminalFilter::new(has_color(&stdout))), nix_lines: None }
    }

    /// Returns the output of one log in a build of Nix.
    pub fn in_build() -> Self {
        Self { nix_lines: Some(NixLines::new()), ..Self::new(false) }
    }

    /// Ends the log.
    pub fn end(&mut self) -> io::Result<()> {
        let held = self.nix_lines.as_mut().map(NixLines::end).unwrap_or_default();
        io::stdout().write_all(&held)?;
        self.flush()
    }
}

impl Write for LogOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let shown = self.filter.as_mut().map(|filter| filter.push(bytes).into_bytes());
        let shown = shown.as_deref().unwrap_or(bytes);
        match &mut self.nix_lines {
            Some(lines) => io::stdout().write_all(&lines.push(shown))?,
            None => io::stdout().write_all(shown)?,
        }
        Ok(bytes.len())
    }

    /// Ends a part of the log: no color stays on.
    fn flush(&mut self) -> io::Result<()> {
        let mut stdout = io::stdout();
        if let Some(filter) = &mut self.filter {
            stdout.write_all(filter.reset().as_bytes())?;
        }
        stdout.flush()
    }
}

/// Returns whether a stream gets colors: it is a terminal that has them, and nobody declined (<https://no-color.org>).
fn has_color(stream: &impl IsTerminal) -> bool {
    let is_dumb = || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !is_dumb() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
