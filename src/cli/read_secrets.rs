//! The reading of the secrets of a run, after the operator's consent.

#![expect(clippy::disallowed_methods, reason = "reads the environment")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::config::SecretSource;
use crate::foreign::Beneath;
use crate::plan::RunPlanRecord;
use crate::plan::record::PlannedSecret;
use crate::plan::select::JOB_FILE;
use crate::process::{Invocation, capture, describe_exit, hide_variables};
use crate::secret::{MAX_SECRET, MAX_SECRETS, SecretValue, Secrets};
use crate::text::quote;

/// Time limit of a command that prints a secret: a person may have to unlock a store of passwords.
const COMMAND_LIMIT: Duration = Duration::from_mins(2);

/// Reads the values of all secrets of a plan that the operator allowed; commands run in the folder of the project. The
/// processes that pikaci starts after that don't inherit their variables.
pub fn read_secrets(plan: &RunPlanRecord, project: &Path) -> Result<Secrets, Failure> {
    let sources = || plan.secrets().map(|secret| &secret.source);
    hide_variables(sources().filter_map(|source| match source {
        SecretSource::Env(name) => Some(name.as_str()),
        _ => None,
    }));
    let mut values = BTreeMap::new();
    let mut size = 0;
    for secret in plan.secrets() {
        let value = read_value(&secret.source, project)
            .and_then(|bytes| Ok(SecretValue::new(bytes, secret.as_file)?))
            .and_then(|value| {
                size += value.bytes().len();
                let most = MAX_SECRETS >> 10;
                ensure!(size <= MAX_SECRETS, "with it the secrets of this run have more than {most} KiB together");
                Ok(value)
            });
        let value = value.map_err(|error| {
            let context = format!("{}: the secret {} from {}", place(secret), secret.name, secret.source);
            Failure::new(Exit::Usage, error.context(context)).hint(remedy(secret))
        })?;
        values.insert(secret.name.clone(), value);
    }
    Ok(Secrets::new(values))
}

/// Returns the place in the job file that defines a secret.
fn place(secret: &PlannedSecret) -> String {
    secret.line.map_or_else(|| JOB_FILE.to_owned(), |line| format!("{JOB_FILE}:{line}"))
}

fn remedy(secret: &PlannedSecret) -> String {
    match &secret.source {
        SecretSource::Env(name) => {
            format!("set it: {name}=… pikaci run; or name another source in `secrets.{}`", secret.name)
        }
        SecretSource::File(path) => format!("check that you can read it: head -c 64 {}", quote(path)),
        SecretSource::Command(argv) => {
            // Its messages may show the secret, so that pikaci doesn't print them.
            let words: Vec<String> = argv.iter().map(|word| quote(word)).collect();
            format!("check that it works in the folder of the project: {}", words.join(" "))
        }
    }
}

fn read_value(source: &SecretSource, project: &Path) -> Result<Vec<u8>> {
    match source {
        SecretSource::Env(name) => match std::env::var_os(name) {
            Some(value) => Ok(OsString::into_vec(value)),
            None => bail!("there is no such variable"),
        },
        SecretSource::File(path) => read_file(path),
        SecretSource::Command(argv) => run_command(argv, project),
    }
}

fn read_file(path: &str) -> Result<Vec<u8>> {
    let path = match path.strip_prefix("~/") {
        Some(below) => PathBuf::from(std::env::var_os("HOME").context("this user has no HOME")?).join(below),
        None => PathBuf::from(path),
    };
    // The operator allowed this file, wherever its links lead.
    let file = Beneath::resolved(&path)?;
    Ok(file.read(MAX_SECRET as u64)?)
}

fn run_command(argv: &[String], project: &Path) -> Result<Vec<u8>> {
    let (program, arguments) = argv.split_first().ok_or_else(|| anyhow!("it is empty"))?;
    let invocation = Invocation::new(program).args(arguments).dir(project);
    // The error of a command that exceeds the limits names the program alone.
    let end = capture(invocation, COMMAND_LIMIT)?;
    ensure!(end.status.success(), "it {}", describe_exit(end.status));
    Ok(end.stdout)
}
