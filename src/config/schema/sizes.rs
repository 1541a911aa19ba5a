//! Limits of Linux on the arguments and variables of a program.

use super::reader::{Field, Reader};
use crate::config::command::Command;
use crate::config::eval::Attr;
use crate::config::job::Job;
use crate::config::problem::{ByteRange, quoted};
use crate::config::variable::Variable;

/// Maximum length of an argument or variable that Linux passes to a program, without the NUL at its end
/// (`MAX_ARG_STRLEN`).
const MAX_ARGUMENT: usize = 128 * 1024 - 1;
/// Maximum size of all arguments and variables that Linux passes to a program, in bytes: a quarter of the usual stack
/// (`execve(2)`), minus a reserve for the variables that a guest adds.
const MAX_ALL_ARGUMENTS: usize = (2 << 20) - (64 << 10);

/// Returns the length of the value of a variable in the job file, in bytes.
pub(super) fn value_length(variable: &Variable) -> usize {
    match variable {
        Variable::Value(value) => value.len(),
        Variable::Inherit { default } => default.as_ref().map_or(0, String::len),
    }
}

/// Refuses a job with a command that, together with the environment, exceeds the limit of Linux.
pub(super) fn check_sizes(reader: &mut Reader, name: &str, attr: &Attr, job: &Job) {
    let env: usize = job.env.iter().map(|(name, value)| kernel_size(name.len() + 1 + value_length(value))).sum();
    let words = |command: &Command| match command {
        Command::Script(script) => script.len(),
        Command::Argv(words) => words.iter().map(|word| kernel_size(word.len())).sum(),
    };
    let total = env + job.steps.iter().map(|step| words(&step.command)).max().unwrap_or_default();
    if total > MAX_ALL_ARGUMENTS {
        let message = format!(
            "the command and the environment of the job {} are {total} bytes long, and Linux \
            passes at most {MAX_ALL_ARGUMENTS} to a program",
            quoted(name)
        );
        reader.refuse(&attr.name_at, message, "keep data in files of its own");
    }
}

/// Returns the size that the kernel counts for a string of `length` bytes: with its NUL, and a pointer to it.
fn kernel_size(length: usize) -> usize {
    length + 1 + size_of::<u64>()
}

/// Refuses an argument or a variable that exceeds the limit of Linux.
pub(super) fn check_length(reader: &mut Reader, field: &Field, length: usize, at: &ByteRange) {
    if length > MAX_ARGUMENT {
        let message =
            format!("`{}` is longer than 128 KiB, the limit of Linux for one argument or variable", field.path);
        reader.refuse(at, message, "keep it in a file of its own");
    }
}
