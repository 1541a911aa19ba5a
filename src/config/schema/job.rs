//! Jobs, and the defaults for keys that they leave out.

use std::collections::{BTreeMap, BTreeSet};

use super::guest::DEFAULT_GUEST;
use super::reader::{Field, Fields, Reader, attr_path, type_name};
use super::{keys, references, timeout};
use crate::config::eval::{Attr, Attrs, ValueKind};
use crate::config::job::{Command, Job};
use crate::config::network::Network;
use crate::config::problem::{ByteRange, quoted};
use crate::glob;
use crate::guest::contract::RESERVED_PREFIX;
use crate::guest::is_variable_name;
use crate::id::JobId;

const DEFAULT_TIMEOUT_SECS: u64 = 30 * 60;
/// Maximum number of retries: a job that fails more often needs a repair.
const MAX_RETRIES: u32 = 10;
/// Maximum length of an argument or variable that Linux passes to a program, without the NUL at its end
/// (`MAX_ARG_STRLEN`).
const MAX_ARGUMENT: usize = 128 * 1024 - 1;
/// Maximum size of all arguments and variables that Linux passes to a program, in bytes: a quarter of the usual stack
/// (`execve(2)`), minus a reserve for the variables that a guest adds.
const MAX_ALL_ARGUMENTS: usize = (2 << 20) - (64 << 10);
/// Maximum size of the default environment times the number of jobs, in bytes: each job has a copy.
const MAX_ENV_COPIES: usize = 64 << 20;

/// Settings of jobs that leave the keys out.
pub(super) struct Defaults {
    timeout_secs: u64,
    guest: String,
    env: BTreeMap<String, String>,
    run_as_root: bool,
    network: Network,
    retries: u32,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            timeout_secs: DEFAULT_TIMEOUT_SECS,
            guest: DEFAULT_GUEST.to_owned(),
            env: BTreeMap::new(),
            run_as_root: false,
            network: Network::None,
            retries: 0,
        }
    }
}

/// Reads the section `defaults` of a job file with a number of jobs.
pub(super) fn read_defaults(reader: &mut Reader, fields: &Fields, jobs: usize) -> Defaults {
    let built_in = Defaults::default();
    let defaults = overlay(reader, fields, &built_in);
    let size: usize = defaults.env.iter().map(|(name, value)| name.len() + value.len()).sum();
    if let Some(field) = fields.get("env").filter(|_| size.saturating_mul(jobs) > MAX_ENV_COPIES) {
        let message = format!("`{}` is too large for {jobs} jobs", field.path);
        reader.refuse(&field.value.at, message, "keep data in files of its own");
        return built_in;
    }
    defaults
}

/// Reads the keys that jobs and `defaults` have in common; takes the other values from `defaults`.
fn overlay(reader: &mut Reader, fields: &Fields, defaults: &Defaults) -> Defaults {
    let boolean = |reader: &mut Reader, name| fields.get(name).and_then(|field| reader.boolean(&field));
    let mut env = defaults.env.clone();
    env.extend(read_env(reader, fields));
    Defaults {
        timeout_secs: timeout::read(reader, fields, "timeout").unwrap_or(defaults.timeout_secs),
        guest: read_guest(reader, fields).unwrap_or_else(|| defaults.guest.clone()),
        env,
        run_as_root: boolean(reader, "runAsRoot").unwrap_or(defaults.run_as_root),
        network: read_network(reader, fields).unwrap_or(defaults.network),
        retries: read_retries(reader, fields).unwrap_or(defaults.retries),
    }
}

/// Reads all jobs of a job file.
pub(super) fn read_all(reader: &mut Reader, attrs: &Attrs, defaults: &Defaults) -> BTreeMap<JobId, Job> {
    let mut jobs = BTreeMap::new();
    for (name, attr) in attrs {
        let path = attr_path("jobs", name);
        let Some(set) = reader.set(&path, &attr.value) else { continue };
        let fields = reader.fields(&path, set, keys::JOB);
        if let Some(job) = read(reader, name, attr, &fields, defaults) {
            jobs.insert(JobId::new(&**name), job);
        }
    }
    jobs
}

fn read(
    reader: &mut Reader,
    name: &std::rc::Rc<str>,
    attr: &Attr,
    fields: &Fields,
    defaults: &Defaults,
) -> Option<Job> {
    let settings = overlay(reader, fields, defaults);
    let needs = fields.get("needs").and_then(|field| reader.strings(&field)).unwrap_or_default();
    let needs = references::job_ids(reader, &needs, Some(name));
    let paths = read_globs(reader, fields, "paths");
    let artifacts = read_globs(reader, fields, "artifacts");
    let description = fields.get("description").and_then(|field| reader.line(&field));
    let Some(field) = fields.get("command") else {
        if fields.is_missing("command") {
            let message = format!("the job {} has no command", quoted(name));
            reader.refuse(&attr.name_at, message, "write `command = \"make test\";`");
        }
        return None;
    };
    let command = read_command(reader, &field)?;
    check_total(reader, name, attr, &command, &settings.env);
    Some(Job {
        description,
        command,
        needs,
        paths,
        env: settings.env,
        timeout_secs: settings.timeout_secs,
        guest: settings.guest,
        run_as_root: settings.run_as_root,
        network: settings.network,
        retries: settings.retries,
        artifacts,
    })
}

fn read_command(reader: &mut Reader, field: &Field) -> Option<Command> {
    if let ValueKind::Str(script) = &field.value.kind {
        check_length(reader, field, script.len(), &field.value.at);
        if script.contains("\r\n") {
            let message =
                format!("`{}` has Windows line endings, which a shell reads as part of each command", field.path);
            let hint = "save the file with Unix line endings; in git: `pikaci.nix text eol=lf` in .gitattributes";
            reader.refuse(&field.value.at, message, hint);
        }
        if script.trim().is_empty() {
            reader.refuse(&field.value.at, format!("`{}` is empty", field.path), field.hint());
        }
        return Some(Command::Shell(script.to_string()));
    }
    if !matches!(field.value.kind, ValueKind::List(_)) {
        // The value is neither a string nor a list: this call reports the wrong type.
        reader.strings(field);
        return None;
    }
    let arguments = reader.strings(field)?;
    for (argument, at) in &arguments {
        check_length(reader, field, argument.len(), at);
    }
    if arguments.first().is_none_or(|(program, _)| program.is_empty()) {
        let hint = "write the program and its arguments: `command = [ \"make\" \"test\" ];`";
        reader.refuse(&field.value.at, format!("`{}` names no program", field.path), hint);
    }
    Some(Command::Argv(arguments.into_iter().map(|(argument, _)| argument.to_string()).collect()))
}

/// Refuses a job whose command and environment together exceed the limit of Linux.
fn check_total(reader: &mut Reader, name: &str, attr: &Attr, command: &Command, env: &BTreeMap<String, String>) {
    let words = match command {
        Command::Shell(script) => script.len(),
        Command::Argv(words) => words.iter().map(|word| kernel_size(word.len())).sum(),
    };
    let total: usize = words + env.iter().map(|(name, value)| kernel_size(name.len() + 1 + value.len())).sum::<usize>();
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

fn check_length(reader: &mut Reader, field: &Field, length: usize, at: &ByteRange) {
    if length > MAX_ARGUMENT {
        let message =
            format!("`{}` is longer than 128 KiB, the limit of Linux for one argument or variable", field.path);
        reader.refuse(at, message, "keep it in a file of its own");
    }
}

fn read_network(reader: &mut Reader, fields: &Fields) -> Option<Network> {
    let field = fields.get("network")?;
    let ValueKind::Str(name) = &field.value.kind else {
        return reader.boolean(&field).map(|enabled| if enabled { Network::Outside } else { Network::None });
    };
    if &**name != "host" {
        let hint = "write `network = true;` to reach the outside, `network = \"host\";` to reach the host too";
        reader.refuse(&field.value.at, format!("`{}` can't be {}", field.path, quoted(name)), hint);
        return None;
    }
    Some(Network::Host)
}

fn read_retries(reader: &mut Reader, fields: &Fields) -> Option<u32> {
    let field = fields.get("retries")?;
    let number = reader.integer(&field)?;
    let retries = u32::try_from(number).ok().filter(|retries| *retries <= MAX_RETRIES);
    if retries.is_none() {
        let hint = format!("write a number from 0 to {MAX_RETRIES}");
        reader.refuse(&field.value.at, format!("`{}` can't be {number}", field.path), hint);
    }
    retries
}

fn read_guest(reader: &mut Reader, fields: &Fields) -> Option<String> {
    let field = fields.get("guest")?;
    let guest = reader.string(&field)?;
    reader.guest_references.push((guest.clone(), field.value.at.clone()));
    Some(guest.to_string())
}

fn read_env(reader: &mut Reader, fields: &Fields) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    let Some(field) = fields.get("env") else { return env };
    let Some(attrs) = reader.set_field(&field) else { return env };
    for (name, attr) in attrs {
        let path = attr_path(&field.path, name);
        if !is_variable_name(name) {
            let message = format!("{} isn't the name of an environment variable", quoted(name));
            reader.refuse(&attr.name_at, message, "write letters, digits and `_`, and no digit first");
        } else if name.starts_with(RESERVED_PREFIX) {
            let message = format!("the variable {} is reserved for the guest", quoted(name));
            reader.refuse(&attr.name_at, message, "choose a name that doesn't begin with `pikaci_`");
        }
        match &attr.value.kind {
            ValueKind::Str(value) => {
                check_length(reader, &field, name.len() + 1 + value.len(), &attr.value.at);
                env.insert(name.to_string(), value.to_string());
            }
            other => {
                let hint = match other {
                    ValueKind::Int(number) => format!("put it in double quotes: `{name} = \"{number}\";`"),
                    _ => format!("write `{} = \"…\";`", name.escape_debug()),
                };
                let actual = type_name(&attr.value);
                reader.refuse(&attr.value.at, format!("`{path}` is {actual}, expected a string"), hint);
            }
        }
    }
    env
}

fn read_globs(reader: &mut Reader, fields: &Fields, key: &str) -> Vec<String> {
    let Some(field) = fields.get(key) else { return Vec::new() };
    let globs = reader.strings(&field).unwrap_or_default();
    let mut checked = BTreeSet::new();
    for (text, at) in &globs {
        if checked.insert(&***text)
            && let Err(error) = glob::check(text)
        {
            reader.refuse(at, format!("{} in `{}` {error}", quoted(text), field.path), field.hint());
        }
    }
    globs.into_iter().map(|(glob, _)| glob.to_string()).collect()
}
