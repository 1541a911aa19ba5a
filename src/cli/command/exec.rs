//! `pikaci exec`: runs one job in a guest whose runner is built already, for builds of Nix.

#![expect(clippy::disallowed_methods, reason = "reads the job file and copies a log")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde_json::Value;

use crate::cli::disk_quota::disk_quota;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::machine_args::MachineArgs;
use crate::cli::output::{LogOutput, eprint_line, eprint_page};
use crate::cli::programs::hypervisor_programs;
use crate::cli::project::JOB_FILE_LIMIT;
use crate::cli::run_exit::job_exit;
use crate::cli::watch_signals::watch_signals;
use crate::config::{self, Config};
use crate::engine::{ExecNode, exec};
use crate::execute::launcher::capabilities;
use crate::execute::qemu::Accelerator;
use crate::execute::qemu::kvm_probe::{AcceleratorChoice, ResolvedAccelerator};
use crate::execute::vfkit::TailFile;
use crate::foreign::Beneath;
use crate::host::{self, FactsRequest, HashCache};
use crate::id::{Digest, JobId};
use crate::plan::hypervisor::Hypervisor;
use crate::plan::{CallerEnv, guest_shares, planned_job, vm_executor};
use crate::prepare::Runner;
use crate::process::own_path;
use crate::report;
use crate::state::AttemptLayout;

/// Maximum size of the log that is printed: no limit.
const NO_LIMIT: u64 = u64::MAX;

#[derive(Debug, Args)]
pub struct Options {
    /// The job file, or its value as JSON
    #[arg(long, value_name = "FILE")]
    job_file: PathBuf,
    /// The attribute with the job file, if the JSON is that of a derivation
    #[arg(long, value_name = "NAME")]
    attribute: Option<String>,
    /// The name of the job
    #[arg(long, value_name = "NAME")]
    job: String,
    /// The runner that Nix built: a folder with boot.json
    #[arg(long, value_name = "DIR")]
    runner: PathBuf,
    /// The source tree; a writable workspace is a copy, in which the job may write to files that this user may write to
    #[arg(long, value_name = "DIR")]
    workspace: PathBuf,
    /// The folder for the log, the artifacts and the record of the job; if the job passes, they are the same every time
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    machine: MachineArgs,
    /// Don't confine QEMU and the daemons of shares, because this process is confined itself, by Nix for instance
    #[arg(long)]
    unconfined: bool,
}

pub fn main(options: &Options) -> Result<Exit, Failure> {
    let config = read_job_file(&options.job_file, options.attribute.as_deref())?;
    let id = JobId::new(options.job.as_str());
    let Some(job) = config.jobs.get(&id) else {
        let jobs: Vec<&str> = config.jobs.keys().map(JobId::as_str).collect();
        let error = anyhow!("{} has no job {:?}", options.job_file.display(), options.job);
        return Err(Failure::new(Exit::NothingSelected, error).hint(format!("it has {}", jobs.join(", "))));
    };
    if let Some(input) = job.inputs.keys().next() {
        let error = anyhow!("job {id} has the input {input}, and `pikaci exec` runs a job without others");
        return Err(Failure::new(Exit::Usage, error).hint("copy the artifacts to the workspace and remove `inputs`"));
    }
    if job.git {
        let error = anyhow!("job {id} has `git = true`, and `pikaci exec` has no repository");
        return Err(Failure::new(Exit::Usage, error).hint("run it with pikaci run"));
    }
    if !job.secrets.is_empty() {
        let error = anyhow!("job {id} has secrets, and a build of Nix has none");
        return Err(Failure::new(Exit::Usage, error).hint(format!("pikaci run {id}")));
    }
    let runner = Runner::load(&options.runner).with_context(|| {
        format!("{} isn't a runner: boot.json or another file is missing", options.runner.display())
    })?;
    let facts = host::gather_facts(&FactsRequest::new(own_path(), BTreeSet::new()), &HashCache::default());
    let hypervisor = capabilities(Hypervisor::of_system(&facts.system));
    let programs = hypervisor_programs(&facts, hypervisor, options.machine, !options.unconfined)?;
    // The runner and the workspace are options, not parts of a plan.
    let (guest, no_digest) = (&config.guests[&job.guest], Digest::of(b""));
    let executor =
        vm_executor(job, guest, &no_digest, hypervisor, guest_shares(guest, &facts, hypervisor, &no_digest), None);
    // A build of Nix inherits nothing.
    let env = CallerEnv::default().job_env(&id, job).map_err(|error| Failure::new(Exit::Usage, error))?;
    let planned = planned_job(&id, job, guest, env, executor);
    let out = std::path::absolute(&options.out).with_context(|| format!("resolving {}", options.out.display()))?;
    fs::create_dir_all(&out).with_context(|| format!("making {}", out.display()))?;
    let cancel = watch_signals()?;
    let node = ExecNode {
        programs: &programs,
        arch: facts.arch(),
        uid: rustix::process::getuid().as_raw(),
        job: &planned,
        description: job.description.as_deref().unwrap_or_default(),
        runner: &runner,
        workspace: &options.workspace,
        out: &out,
        accelerator: options.machine.accel,
        on_accelerator: &|resolved| report_emulation(options, resolved),
        quota: &disk_quota(None, &out)?,
        cancel: &cancel,
    };
    let record = with_log_on_stdout(&AttemptLayout::new(Beneath::new(&out)).guest_log(), || exec(node))?;
    eprint_page(&report::exec(&record));
    let exit = if record.allowed { Exit::Passed } else { job_exit(record.status.outcome()) };
    Ok(exit.max(cancel.signal().and_then(Exit::of_signal).unwrap_or(Exit::Passed)))
}

/// Prints a note if the guest is emulated although the operator didn't choose that.
fn report_emulation(options: &Options, resolved: &ResolvedAccelerator) {
    if options.machine.accel == AcceleratorChoice::Auto && resolved.accelerator == Accelerator::Tcg {
        eprint_line(&format_args!("pikaci: {} is emulated, which is slower: {}", options.job, resolved.reason));
    }
}

fn read_job_file(file: &Path, attribute: Option<&str>) -> Result<Config, Failure> {
    let context = || format!("reading {}", file.display());
    let text = Beneath::in_its_folder(file).read(JOB_FILE_LIMIT).with_context(context)?;
    let text = String::from_utf8(text).with_context(context)?;
    let text = if file.extension().is_some_and(|extension| extension == "json") {
        let value = serde_json::from_str(&text).with_context(|| format!("decoding {}", file.display()));
        let value: Value = value.map_err(|error| Failure::new(Exit::Usage, error))?;
        config::from_json(attribute.map_or(&value, |name| &value[name]))
    } else {
        text
    };
    config::read(&file.to_string_lossy(), &text).map_err(|diagnostics| Failure::new(Exit::Usage, diagnostics))
}

/// Copies a growing log to standard output while `work` writes it.
fn with_log_on_stdout<T>(log: &Path, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let is_over = Arc::new(AtomicBool::new(false));
    let mut tail = TailFile::new(log.to_owned(), NO_LIMIT, is_over.clone());
    let copy = std::thread::spawn(move || {
        let mut stdout = LogOutput::in_build();
        let mut buffer = vec![0; 64 * 1024];
        // A reader that closed standard output doesn't end the job.
        while let Ok(count @ 1..) = tail.read(&mut buffer) {
            stdout.write_all(&buffer[..count]).and_then(|()| stdout.flush()).ok();
        }
        stdout.end().ok();
    });
    let result = work();
    is_over.store(true, Ordering::Release);
    copy.join().ok();
    result
}
