//! `pikaci man`: prints a manual page.

use anyhow::{Error, anyhow};
use clap::{Args, Command};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::print_bytes;

#[derive(Debug, Args)]
pub struct Options {
    /// Print the page of this subcommand, instead of the one of pikaci
    command: Option<String>,
}

/// Prints the page of a command of this grammar.
pub fn main(options: &Options, mut grammar: Command) -> Result<Exit, Failure> {
    if let Some(name) = &options.command {
        // Only a built subcommand has the options of pikaci itself, and its own full name.
        grammar.build();
        let unknown = || Failure::new(Exit::Usage, anyhow!("no subcommand is named {name:?}")).hint("pikaci --help");
        grammar = grammar.find_subcommand(name).cloned().ok_or_else(unknown)?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(grammar).render(&mut page).map_err(Error::from)?;
    print_bytes(&page)?;
    Ok(Exit::Passed)
}
