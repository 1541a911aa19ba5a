//! `pikaci man`: prints a manual page, or writes all of them.

#![expect(clippy::disallowed_methods, reason = "makes the folder of the pages")]

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Error, anyhow};
use clap::{Args, Command};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::print_bytes;

#[derive(Debug, Args)]
pub struct Options {
    /// Print the page of this subcommand, instead of the one of pikaci
    command: Option<String>,
    /// Write the pages of pikaci and of every subcommand to this folder, instead of printing one
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    to: Option<PathBuf>,
}

/// Prints the page of a command of this grammar, or writes the pages of all commands.
pub fn main(options: &Options, mut grammar: Command) -> Result<Exit, Failure> {
    if let Some(folder) = &options.to {
        let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(grammar, folder));
        let written = written.with_context(|| format!("writing manual pages to {}", folder.display()));
        return match written {
            Ok(()) => Ok(Exit::Passed),
            Err(error) => Err(Failure::new(Exit::Internal, error).hint("name a folder that you may write to")),
        };
    }
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
