//! pikaci as a plain user of the host.

use std::fs;
use std::process::Command;

use crate::support::project::{Project, ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::{by_user, write_program};

/// The id of a user without an account on this machine.
pub const PLAIN_USER: u32 = 1234;

/// Gives the project to a plain user, and returns the command `pikaci ARGS` of that user.
pub fn by_plain_user(project: &Project, programs: &StandIns, args: &[&str]) -> Command {
    ran(Command::new("chown").arg("-R").arg(format!("{PLAIN_USER}:{PLAIN_USER}")).arg(project.path(""))).exits(0);
    // The folder of the build and the home of a user need not be open to others.
    let pikaci = programs.path("pikaci");
    if !pikaci.exists() {
        write_program(&pikaci, &fs::read(env!("CARGO_BIN_EXE_pikaci")).unwrap());
    }
    let like = project.command(args);
    let mut command = Command::new(pikaci);
    command.args(like.get_args()).envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("HOME", project.path("")).current_dir(project.path(""));
    by_user(PLAIN_USER, &command)
}
