//! Failpoints: named steps at which a test kills pikaci, makes it fail or makes it wait. A build without the feature
//! `failpoints` has none of them.
//!
//! [`Point`] lists every step. Code that writes, renames, locks or starts something passes the [`Point`] of that step
//! to [`reach`], [`run_step`] or [`checkpoint`], and `tests/suite/killed.rs` kills pikaci at every moment of every
//! step. The name of a moment is `<step>.<moment>`; the name of a checkpoint is the name of its step. The variable
//! FAILPOINTS of the `fail` crate maps names to actions. Two more variables serve the tests:
//!
//! - `PIKACI_TEST_TRACE=<file>` appends the name of each reached moment to a file.
//! - `PIKACI_TEST_KILL=<moment>:<n>` kills pikaci when it reaches a moment for the nth time.

use std::io;

/// A moment of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before anything is done.
    Before,
    /// After the data is synced to disk, before it gets its final name.
    Synced,
    /// After the rename to the final name, before the folder is synced.
    Renamed,
    /// After everything is done.
    After,
}

/// Kind of a step; determines its moments.
#[cfg(feature = "failpoints")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepKind {
    /// A durable write that ends with a rename; has all four moments.
    Write,
    /// Any other step with an effect outside of the process; has the moments before and after it.
    Step,
    /// A checkpoint of the engine; has no moments.
    Checkpoint,
}

macro_rules! points {
    ($($(#[doc = $doc:literal])+ $point:ident = $name:literal $kind:ident;)+) => {
        /// A step, each with the name that tests use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point { $($(#[doc = $doc])+ $point,)+ }

        #[cfg(feature = "failpoints")]
        const NAMED: &[(Point, &str, StepKind)] = &[$((Point::$point, $name, StepKind::$kind),)+];
    };
}

points! {
    /// Write of a file that marks a state folder, other than its version.
    StateFile = "state.file" Write;
    /// Write of the state folder's version.
    StateVersion = "state.version" Write;
    /// Write of the cached hashes of host files, or of the cached value of a job file.
    HostCache = "host.cache" Write;
    /// Write of the cached result of the KVM probe.
    KvmRecord = "kvm.memory" Write;
    /// Copy of a source tree into a snapshot.
    Snapshot = "snapshot" Write;
    /// Write of a snapshot's seal, which shows later changes to the snapshot.
    Seal = "snapshot.seal" Write;
    /// Write of the index of a source tree.
    Index = "snapshot.index" Write;
    /// Write of a rendered runner flake.
    Flake = "flake" Write;
    /// Creation of a run's folder with its plan and first records.
    Run = "run" Write;
    /// Write of a run's plan.
    Plan = "run.plan" Write;
    /// Write of a run's record, at its start and at its end.
    RunRecord = "run.record" Write;
    /// Write of the record of a finished job.
    JobRecord = "job.record" Write;
    /// Write of a job's artifact manifest.
    Manifest = "job.manifest" Write;
    /// Write of the file that names the run of a kept result.
    KeptResult = "job.result" Write;
    /// Creation of a generation of a cache.
    Generation = "cache.generation" Write;
    /// Write of the list of removed generations of a cache.
    Evictions = "cache.evicted" Write;
    /// Write of the cancel request of a run.
    CancelRequest = "run.cancel" Write;
    /// Write of a first job file.
    JobFile = "job_file" Write;
    /// Write of the record of `pikaci exec`.
    ExecRecord = "exec.record" Write;

    /// Append of an event.
    Event = "run.event" Step;
    /// Sync of the events that were appended last.
    EventSync = "run.event_sync" Step;
    /// Replacement of the record of a live run.
    RunView = "run.view" Step;
    /// Replacement of the record of a live job, or of any job of a run with many jobs.
    JobView = "job.view" Step;
    /// Sync of the job folders at the end of a run; of the whole run folder when the run has many jobs.
    RunSync = "run.sync" Step;
    /// Removal of the lock of an ended run.
    Unlock = "run.unlock" Step;
    /// Removal of a snapshot that was modified.
    SnapshotDiscard = "snapshot.discard" Step;
    /// Removal of a flake folder whose content doesn't match its digest.
    FlakeDiscard = "flake.discard" Step;
    /// Copy of the snapshot for a single job without a guest.
    PrivateCopy = "local.copy" Step;
    /// Copy of a cache to a job without a guest, or from it.
    CacheCopy = "cache.copy" Step;
    /// Copy of the artifacts of a job without a guest.
    LocalArtifacts = "local.artifacts" Step;
    /// Creation of a guest's disks.
    Disks = "guest.disks" Step;
    /// Extraction of a guest's artifacts.
    GuestArtifacts = "guest.artifacts" Step;
    /// Move of a nested folder to the top of the folder that is being removed.
    MoveUp = "remove.lift" Step;
    /// Move of an unneeded entry into the trash folder.
    MoveToTrash = "gc.move" Step;
    /// Removal of an entry from the trash folder.
    EmptyTrash = "gc.remove" Step;

    /// Lock of a run that starts.
    RunLock = "lock.run" Step;
    /// Lock of a run whose process is gone.
    RecoverLock = "lock.recover" Step;
    /// Lock of a snapshot while a process copies the source tree.
    SnapshotLock = "lock.snapshot" Step;
    /// Lock of a runner flake while a process builds it.
    FlakeLock = "lock.flake" Step;
    /// Shared lock of a run that starts, so that garbage collection removes nothing that the run uses.
    Claim = "lock.claim" Step;
    /// Exclusive counterpart of [`Point::Claim`], while garbage collection selects entries.
    GcPlan = "lock.choice" Step;
    /// Lock of a place in a group of jobs.
    GroupLock = "lock.group" Step;
    /// Lock of a cache while a process adds or removes a generation.
    CacheLock = "lock.cache" Step;
    /// Lock that only one garbage collection holds.
    GcLock = "lock.turn" Step;
    /// Lock of an entry that garbage collection is about to remove.
    RemovalGuard = "lock.hold" Step;
    /// Lock of a folder for sockets whose pikaci process may be gone.
    SocketFolder = "lock.sockets" Step;
    /// Lock of the number of a vfkit guest with a network.
    Slot = "lock.slot" Step;

    /// Start of a short program whose output is read.
    Capture = "spawn.capture" Step;
    /// Start of the guard of a process group.
    Guard = "spawn.guard" Step;
    /// Start of the command of a job without a guest.
    Command = "spawn.command" Step;
    /// Start of `nix build`.
    NixBuild = "spawn.nix" Step;
    /// Start of a guest's daemon, for a share or for the network.
    Daemon = "spawn.daemon" Step;
    /// Start of QEMU or vfkit.
    Hypervisor = "spawn.hypervisor" Step;

    /// Start of a Prepare node's thread.
    PrepareBegins = "engine.prepare" Checkpoint;
    /// Start of an Execute node's thread.
    NodeBegins = "engine.node" Checkpoint;
    /// Report of a phase by a guest.
    Phase = "engine.phase" Checkpoint;
    /// Search of the engine for the next node.
    Walk = "engine.walk" Checkpoint;
    /// End of the last node.
    Ended = "engine.ended" Checkpoint;
    /// Creation of a job's folder.
    JobFolder = "engine.job_folder" Checkpoint;
    /// Creation of an attempt's folder.
    AttemptFolder = "engine.attempt_folder" Checkpoint;
    /// Copy of a single entry of a source tree.
    StoredEntry = "snapshot.stored_entry" Checkpoint;
}

/// Marks a moment of a step as reached.
///
/// # Errors
/// When a test injects an error.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn reach(_point: Point, _moment: Moment) -> io::Result<()> {
    Ok(())
}

/// Marks a checkpoint as reached.
///
/// # Errors
/// When a test injects an error.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn checkpoint(_point: Point) -> io::Result<()> {
    Ok(())
}

/// Runs a step and marks the moments before and after it as reached.
///
/// # Errors
/// When the step fails or a test injects an error.
pub fn run_step<T, E: From<io::Error>>(point: Point, step: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    reach(point, Moment::Before)?;
    let done = step()?;
    reach(point, Moment::After)?;
    Ok(done)
}

#[cfg(feature = "failpoints")]
pub use armed::{checkpoint, moments, reach};

#[cfg(feature = "failpoints")]
mod armed {
    #![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests configure it in the environment")]

    use std::collections::BTreeMap;
    use std::env;
    use std::fs::OpenOptions;
    use std::io::{self, Write as _};
    use std::sync::{Mutex, PoisonError};

    use rustix::process::{Signal, getpid, kill_process};

    use super::{Moment, NAMED, Point, StepKind};

    /// Marks a moment of a step as reached.
    ///
    /// # Errors
    /// When a test injects an error.
    pub fn reach(point: Point, moment: Moment) -> io::Result<()> {
        trigger(&moment_name(step_name(point), moment))
    }

    /// Marks a checkpoint as reached.
    ///
    /// # Errors
    /// When a test injects an error.
    pub fn checkpoint(point: Point) -> io::Result<()> {
        trigger(step_name(point))
    }

    /// Returns the names of all moments of all steps, and the names of all checkpoints.
    #[must_use]
    pub fn moments() -> (Vec<String>, Vec<String>) {
        let (mut names, mut checkpoints) = (Vec::new(), Vec::new());
        for (_, step, kind) in NAMED {
            let moments: &[Moment] = match kind {
                StepKind::Write => &[Moment::Before, Moment::Synced, Moment::Renamed, Moment::After],
                StepKind::Step => &[Moment::Before, Moment::After],
                StepKind::Checkpoint => &[],
            };
            names.extend(moments.iter().map(|moment| moment_name(step, *moment)));
            checkpoints.extend((*kind == StepKind::Checkpoint).then(|| (*step).to_owned()));
        }
        (names, checkpoints)
    }

    fn step_name(point: Point) -> &'static str {
        NAMED[point as usize].1
    }

    fn moment_name(step: &str, moment: Moment) -> String {
        let moment = match moment {
            Moment::Before => "before",
            Moment::Synced => "synced",
            Moment::Renamed => "renamed",
            Moment::After => "after",
        };
        format!("{step}.{moment}")
    }

    /// Traces, kills or fails as the environment configures for a name.
    fn trigger(name: &str) -> io::Result<()> {
        static COUNTS: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());
        let count = {
            let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(name.to_owned()).or_default();
            *count += 1;
            *count
        };
        if let Some(file) = env::var_os("PIKACI_TEST_TRACE") {
            OpenOptions::new().create(true).append(true).open(file)?.write_all(format!("{name}\n").as_bytes())?;
        }
        if env::var("PIKACI_TEST_KILL").is_ok_and(|kill| kill == format!("{name}:{count}")) {
            kill_process(getpid(), Signal::KILL)?;
        }
        fail::fail_point!(name, |text| Err(io::Error::other(text.unwrap_or_else(|| "injected".to_owned()))));
        Ok(())
    }
}
