//! Standard output and standard error: everything that pikaci prints passes through this file, which cleans it.
//!
//! Guests, projects and state folders choose names, paths, messages and logs. Text for people has no control characters
//! except newlines, tabs and the colors of [`Page`]. JSON and logs keep their bytes, unless they go to a terminal.

#![expect(clippy::disallowed_methods, reason = "reads NO_COLOR and TERM in the environment")]

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};

use anyhow::anyhow;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::nix_lines::NixLines;
use crate::report::Page;
use crate::text::{TerminalFilter, escape, escape_json};

/// Prints lines for people on standard output. A reader that closed it is no error.
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
    let json = if io::stdout().is_terminal() { escape_json(json) } else { json.to_owned() };
    print_bytes(format!("{json}\n").as_bytes())
}

/// Prints bytes on standard output unfiltered. They must come from pikaci itself.
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

/// Prints lines on standard error. Ignores failures.
pub fn eprint_line(text: &dyn Display) {
    writeln!(io::stderr(), "{}", escape(&text.to_string())).ok();
}

/// Prints lines with colored words on standard error. Ignores failures.
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
            eprint_line(&failure.hint("this is a bug of pikaci: report it with the output of RUST_BACKTRACE=1"));
        }
    }));
}

/// Renders lines for a progress bar, which prints on standard error itself.
pub fn render_for_stderr(page: &Page) -> String {
    page.render(has_color(&io::stderr())).trim_end_matches('\n').to_owned()
}

/// Prints help on standard output, or an error in the command line on standard error. Ignores failures: the exit code
/// reports the error too.
pub fn print_usage(error: &clap::Error) {
    if error.use_stderr() {
        let text = escape(&error.render().to_string());
        io::stderr().write_all(text.as_bytes()).ok();
    } else {
        error.print().ok();
    }
}

/// The output of a log on standard output: unchanged bytes, or only text and colors at a terminal.
#[derive(Debug)]
pub struct LogOutput {
    filter: Option<TerminalFilter>,
    nix_lines: Option<NixLines>,
}

impl LogOutput {
    /// Returns the output of a log; with `raw` it is unchanged at a terminal too.
    pub fn new(raw: bool) -> Self {
        let stdout = io::stdout();
        let filtered = !raw && stdout.is_terminal();
        Self { filter: filtered.then(|| TerminalFilter::new(has_color(&stdout))), nix_lines: None }
    }

    /// Returns the output of a log in a build of Nix.
    pub fn in_build() -> Self {
        Self { nix_lines: Some(NixLines::new()), ..Self::new(false) }
    }

    /// Prints the rest of the log.
    pub fn end(&mut self) -> io::Result<()> {
        let rest = self.nix_lines.as_mut().map(NixLines::end).unwrap_or_default();
        io::stdout().write_all(&rest)?;
        self.flush()
    }
}

impl Write for LogOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = self.filter.as_mut().map(|filter| filter.push(bytes).into_bytes());
        let text = text.as_deref().unwrap_or(bytes);
        match &mut self.nix_lines {
            Some(lines) => io::stdout().write_all(&lines.push(text))?,
            None => io::stdout().write_all(text)?,
        }
        Ok(bytes.len())
    }

    /// Ends a piece of the log, and resets its colors.
    fn flush(&mut self) -> io::Result<()> {
        let mut stdout = io::stdout();
        if let Some(filter) = &mut self.filter {
            stdout.write_all(filter.reset().as_bytes())?;
        }
        stdout.flush()
    }
}

/// Returns true if a stream is a terminal with colors and `NO_COLOR` is not set (<https://no-color.org>).
fn has_color(stream: &impl IsTerminal) -> bool {
    let is_dumb = || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !is_dumb() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
