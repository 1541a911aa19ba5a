//! Jobs, and the defaults for keys that they leave out.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::matrix::{self, Leg};
use super::reader::{Fields, JobReference, Reader, attr_path};
use super::sizes::{check_sizes, value_length};
use super::{artifacts, cache, command, env, globs, input, keys, secret, service, timeout};
use crate::config::allow_failure::AllowFailure;
use crate::config::eval::{Attr, Attrs, ValueKind};
use crate::config::guest::DEFAULT_GUEST;
use crate::config::job::Job;
use crate::config::network::Network;
use crate::config::problem::quoted;
use crate::config::result_cache::ResultCache;
use crate::config::shell::Shell;
use crate::config::variable::Variable;
use crate::guest::When;
use crate::guest::contract::DEFAULT_ARTIFACTS_MIB;
use crate::id::JobId;

const DEFAULT_TIMEOUT_SECS: u64 = 30 * 60;
/// Maximum number of retries: a job that fails more often needs a repair.
const MAX_RETRIES: u32 = 10;
/// Maximum size of the default environment times the number of jobs, in bytes: each job has a copy.
const MAX_ENV_COPIES: usize = 64 << 20;

/// Returns the settings of a job whose file sets none.
fn built_in() -> Job {
    Job {
        description: None,
        matrix: BTreeMap::new(),
        skip: None,
        steps: Vec::new(),
        services: BTreeMap::new(),
        needs: Vec::new(),
        inputs: BTreeMap::new(),
        when: When::default(),
        paths: Vec::new(),
        env: BTreeMap::new(),
        secrets: BTreeSet::new(),
        timeout_secs: DEFAULT_TIMEOUT_SECS,
        stall_secs: None,
        shell: Shell::default(),
        workdir: String::new(),
        guest: DEFAULT_GUEST.to_owned(),
        run_as_root: false,
        network: Network::None,
        retries: 0,
        allow_failure: AllowFailure::default(),
        cache: ResultCache::default(),
        caches: Vec::new(),
        group: None,
        git: false,
        artifacts: Vec::new(),
        artifacts_required: false,
        artifacts_mib: DEFAULT_ARTIFACTS_MIB,
    }
}

/// Reads the section `defaults` of a job file with a number of jobs: a job without steps.
pub(super) fn read_defaults(reader: &mut Reader, attrs: Option<&Attrs>, jobs: usize) -> Job {
    let built_in = built_in();
    let Some(attrs) = attrs else { return built_in };
    let fields = reader.fields("defaults", attrs, keys::DEFAULTS);
    let defaults = read_settings(reader, &fields, &built_in);
    let size: usize = defaults.env.iter().map(|(name, value)| name.len() + value_length(value)).sum();
    if let Some(field) = fields.get("env").filter(|_| size.saturating_mul(jobs) > MAX_ENV_COPIES) {
        let message = format!("`{}` is too large for {jobs} jobs", field.path);
        reader.refuse(&field.value.at, message, "keep data in files of its own");
        return built_in;
    }
    defaults
}

/// Reads the keys that jobs and `defaults` have in common; takes the other values from `defaults`.
fn read_settings(reader: &mut Reader, fields: &Fields, defaults: &Job) -> Job {
    let mut job = defaults.clone();
    job.env.extend(env::read(reader, fields));
    job.secrets = secret::read_names(reader, fields).unwrap_or(job.secrets);
    job.services = service::read_all(reader, fields, &defaults.services);
    job.paths = fields.get("paths").map(|field| globs::read(reader, &field)).unwrap_or(job.paths);
    artifacts::read(reader, fields, &mut job);
    job.timeout_secs = timeout::read(reader, fields, "timeout").unwrap_or(job.timeout_secs);
    job.stall_secs = timeout::read(reader, fields, "stall").or(job.stall_secs);
    job.shell = command::read_shell(reader, fields).unwrap_or(job.shell);
    job.workdir = read_workdir(reader, fields).unwrap_or(job.workdir);
    job.guest = read_guest(reader, fields).unwrap_or(job.guest);
    job.run_as_root = fields.get("runAsRoot").and_then(|field| reader.boolean(&field)).unwrap_or(job.run_as_root);
    job.git = fields.get("git").and_then(|field| reader.boolean(&field)).unwrap_or(job.git);
    job.network = read_network(reader, fields).unwrap_or(job.network);
    job.retries = read_retries(reader, fields).unwrap_or(job.retries);
    job.when = command::read_when(reader, fields).unwrap_or(job.when);
    job.allow_failure = read_allow_failure(reader, fields).unwrap_or(job.allow_failure);
    job.cache = read_cache(reader, fields).unwrap_or(job.cache);
    job.caches = cache::read_names(reader, fields).unwrap_or(job.caches);
    job.group = read_group(reader, fields).or(job.group);
    job
}

/// Reads all jobs of a job file, each leg of a matrix as a job of its own.
pub(super) fn read_all(reader: &mut Reader, attrs: &Attrs, defaults: &Job) -> BTreeMap<JobId, Job> {
    let mut jobs = BTreeMap::new();
    for (name, attr) in attrs {
        let path = attr_path("jobs", name);
        let Some(set) = reader.set(&path, &attr.value) else { continue };
        for leg in matrix::legs(reader, name, &path, set) {
            let fields = reader.fields(&path, &leg.attrs, keys::JOB);
            if let Some(job) = read(reader, name, attr, &fields, &leg, defaults) {
                jobs.insert(leg.id.clone(), job);
            }
        }
    }
    jobs
}

fn read(reader: &mut Reader, name: &Rc<str>, attr: &Attr, fields: &Fields, leg: &Leg, defaults: &Job) -> Option<Job> {
    let mut job = read_settings(reader, fields, defaults);
    for (name, at) in fields.get("needs").and_then(|field| reader.strings(&field)).unwrap_or_default() {
        let reference = JobReference { needed_by: leg.id.clone(), name: Rc::clone(name), at: at.clone() };
        reader.job_references.push(reference);
    }
    job.inputs = input::read_all(reader, fields, &leg.id);
    job.description = fields.get("description").and_then(|field| reader.line(&field));
    job.matrix.clone_from(&leg.axes);
    job.skip.clone_from(&leg.skip);
    let axes = leg.axes.iter().map(|(axis, value)| (axis.clone(), Variable::Value(value.clone())));
    job.env.extend(axes);
    job.steps = command::read_steps(reader, name, attr, fields)?;
    secret::check_variables(reader, attr, &job);
    check_sizes(reader, name, attr, &job);
    Some(job)
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

fn read_allow_failure(reader: &mut Reader, fields: &Fields) -> Option<AllowFailure> {
    let field = fields.get("allowFailure")?;
    let ValueKind::List(items) = &field.value.kind else {
        let allowed = reader.boolean(&field)?;
        return Some(if allowed { AllowFailure::Always } else { AllowFailure::Never });
    };
    let mut codes = Vec::new();
    for item in items {
        if let ValueKind::Int(code @ 1..=255) = item.kind {
            codes.extend(u8::try_from(code));
        } else {
            let message = format!("an element of `{}` isn't the exit code of a failure", field.path);
            reader.refuse(&item.at, message, "write numbers from 1 to 255: `allowFailure = [ 77 ];`");
        }
    }
    Some(AllowFailure::Codes(codes))
}

fn read_cache(reader: &mut Reader, fields: &Fields) -> Option<ResultCache> {
    let field = fields.get("cache")?;
    let ValueKind::Str(name) = &field.value.kind else {
        return reader.boolean(&field).map(|enabled| if enabled { ResultCache::On } else { ResultCache::Off });
    };
    if &**name != "trust" {
        let hint = "write `cache = true;`, or `cache = \"trust\";` for a job that reaches the network or the host";
        reader.refuse(&field.value.at, format!("`{}` can't be {}", field.path, quoted(name)), hint);
        return None;
    }
    Some(ResultCache::Trust)
}

fn read_guest(reader: &mut Reader, fields: &Fields) -> Option<String> {
    let field = fields.get("guest")?;
    let guest = reader.string(&field)?;
    reader.guest_references.push((guest.clone(), field.value.at.clone()));
    Some(guest.to_string())
}

fn read_group(reader: &mut Reader, fields: &Fields) -> Option<String> {
    let field = fields.get("group")?;
    let group = reader.string(&field)?;
    reader.group_references.push((group.clone(), field.value.at.clone()));
    Some(group.to_string())
}

fn read_workdir(reader: &mut Reader, fields: &Fields) -> Option<String> {
    let field = fields.get("workdir")?;
    let folder = reader.string(&field)?;
    let folder = folder.trim_end_matches('/');
    let is_relative = !folder.is_empty() && folder.split('/').all(|part| !["", "..", "."].contains(&part));
    if folder == "." {
        return Some(String::new());
    }
    if !is_relative || folder.contains(char::is_control) {
        let message = format!("`{}` can't be {}", field.path, quoted(folder));
        reader.refuse(&field.value.at, message, "write a folder of the project: `workdir = \"sub/folder\";`");
    }
    Some(folder.to_owned())
}
