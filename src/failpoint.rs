//! The steps at which tests kill pikaci, make it fail or have it wait. Without the feature `failpoints` nothing is left
//! of them.
//!
//! A [`Point`] names a step, and this list is the only one: what writes, renames, locks or starts something asks for a
//! point, and `tests/suite/killed.rs` dies at each moment of each of them. A moment is called `<step>.<moment>`, a turn
//! by its name alone. The `fail` crate's FAILPOINTS tells what to do there; besides it
//!
//! - `PIKACI_TEST_TRACE=<file>` has every moment appended to a file, and
//! - `PIKACI_TEST_KILL=<moment>:<n>` kills pikaci when it comes there for the nth time.

use std::io;

/// A moment of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nothing is done.
    Before,
    /// What is written is on the disk, but has no name.
    Synced,
    /// It has its name, which isn't on the disk yet.
    Renamed,
    /// All is done.
    After,
}

/// What kind of step it is, which tells its moments.
#[cfg(feature = "failpoints")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Something durable is written, and renamed into its place.
    Write,
    /// Something else is done that is seen from outside.
    Step,
    /// A turn of the engine, with no moments.
    Turn,
}

macro_rules! points {
    ($($(#[doc = $doc:literal])+ $point:ident = $name:literal $kind:ident;)+) => {
        /// A step.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point { $($(#[doc = $doc])+ $point,)+ }

        #[cfg(feature = "failpoints")]
        const NAMED: &[(Point, &str, Kind)] = &[$((Point::$point, $name, Kind::$kind),)+];
    };
}

points! {
    /// What makes a folder a state folder, but for its version.
    StateFile = "state.file" Write;
    /// The version of the state folder.
    StateVersion = "state.version" Write;
    /// The hashes of the host's files.
    HostCache = "host.cache" Write;
    /// Whether KVM works.
    KvmMemory = "kvm.memory" Write;
    /// A copy of the source tree.
    Snapshot = "snapshot" Write;
    /// What shows that nobody wrote into a snapshot.
    Seal = "snapshot.seal" Write;
    /// What a source tree held.
    Index = "snapshot.index" Write;
    /// A rendered flake.
    Flake = "flake" Write;
    /// A run's folder, with its plan and its first records.
    Run = "run" Write;
    /// A run's plan.
    Plan = "run.plan" Write;
    /// A run's record, when it begins and when it has ended.
    RunRecord = "run.record" Write;
    /// A job's record, when it has ended.
    JobRecord = "job.record" Write;
    /// The list of a job's artifacts.
    Manifest = "job.manifest" Write;
    /// The request that a run is to end.
    CancelRequest = "run.cancel" Write;
    /// What `pikaci exec` leaves.
    ExecRecord = "exec.record" Write;

    /// An event is appended.
    Event = "run.event" Step;
    /// The events of the last moments are synced.
    EventSync = "run.event_sync" Step;
    /// The record of a run that goes on is replaced.
    RunView = "run.view" Step;
    /// The record of a job that goes on is replaced, or that of one of many.
    JobView = "job.view" Step;
    /// The names of a run's jobs are synced; where it has many, all of it.
    RunSync = "run.sync" Step;
    /// The lock of a run that has ended goes.
    Unlock = "run.unlock" Step;
    /// A snapshot that was written into goes.
    SnapshotDiscard = "snapshot.discard" Step;
    /// A flake that isn't what its name says goes.
    FlakeDiscard = "flake.discard" Step;
    /// A job's own copy of the snapshot is made.
    PrivateCopy = "local.copy" Step;
    /// The artifacts of a job without a guest are copied.
    Gather = "local.artifacts" Step;
    /// A guest's disks are made.
    Disks = "guest.disks" Step;
    /// The artifacts of a guest are unpacked.
    Unpack = "guest.artifacts" Step;
    /// A folder that a job could write is moved up, to be emptied there.
    Lift = "remove.lift" Step;
    /// What nobody needs is moved away.
    Trash = "gc.move" Step;
    /// What was moved away is removed.
    Empty = "gc.remove" Step;

    /// The lock of a run that begins.
    RunLock = "lock.run" Step;
    /// The lock of a run whose process is gone.
    RecoverLock = "lock.recover" Step;
    /// The lock of who copies a source tree.
    SnapshotLock = "lock.snapshot" Step;
    /// The lock of who builds a flake.
    FlakeLock = "lock.flake" Step;
    /// A share of what is there for a run that begins.
    Claim = "lock.claim" Step;
    /// What is there is chosen from, and nobody has a claim.
    Choice = "lock.choice" Step;
    /// The turn to collect.
    Turn = "lock.turn" Step;
    /// What holds something that is to go.
    Hold = "lock.hold" Step;
    /// A folder for sockets whose pikaci may be gone.
    Sweep = "lock.sockets" Step;
    /// The number of a guest with a network in vfkit.
    Slot = "lock.slot" Step;

    /// A program starts that only tells something.
    Capture = "spawn.capture" Step;
    /// The guard of a process group starts.
    Guard = "spawn.guard" Step;
    /// The command of a job without a guest starts.
    Command = "spawn.command" Step;
    /// `nix build` starts.
    NixBuild = "spawn.nix" Step;
    /// A daemon of a guest starts: that of a share or of its network.
    Daemon = "spawn.daemon" Step;
    /// QEMU or vfkit starts.
    Hypervisor = "spawn.hypervisor" Step;

    /// A node's thread begins to prepare.
    PrepareBegins = "engine.prepare" Turn;
    /// A node's thread begins to run a job.
    NodeBegins = "engine.node" Turn;
    /// A guest has told a phase.
    Phase = "engine.phase" Turn;
    /// The engine looks at what is next.
    Walk = "engine.walk" Turn;
    /// All nodes have ended.
    Ended = "engine.ended" Turn;
    /// The folder of a job is made.
    JobFolder = "engine.job_folder" Turn;
    /// The folder of an attempt is made.
    AttemptFolder = "engine.attempt_folder" Turn;
    /// An entry of a source tree is copied.
    StoredEntry = "snapshot.stored_entry" Turn;
}

/// Comes to a moment of a step.
///
/// # Errors
/// When a test says so.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn reach(_point: Point, _moment: Moment) -> io::Result<()> {
    Ok(())
}

/// Comes to a turn.
///
/// # Errors
/// When a test says so.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn turn(_point: Point) -> io::Result<()> {
    Ok(())
}

/// Takes a step, and comes to the moments before and after it.
///
/// # Errors
/// As the step, and when a test says so.
pub fn around<T, E: From<io::Error>>(point: Point, step: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    reach(point, Moment::Before)?;
    let done = step()?;
    reach(point, Moment::After)?;
    Ok(done)
}

#[cfg(feature = "failpoints")]
pub use armed::{moments, reach, turn};

#[cfg(feature = "failpoints")]
mod armed {
    #![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests ask for it in the environment")]

    use std::collections::BTreeMap;
    use std::env;
    use std::fs::OpenOptions;
    use std::io::{self, Write as _};
    use std::sync::{Mutex, PoisonError};

    use rustix::process::{Signal, getpid, kill_process};

    use super::{Kind, Moment, NAMED, Point};

    /// Comes to a moment of a step.
    ///
    /// # Errors
    /// When a test says so.
    pub fn reach(point: Point, moment: Moment) -> io::Result<()> {
        come(&called(name(point), moment))
    }

    /// Comes to a turn.
    ///
    /// # Errors
    /// When a test says so.
    pub fn turn(point: Point) -> io::Result<()> {
        come(name(point))
    }

    /// Returns the names of all moments of all steps; turns stand apart.
    #[must_use]
    pub fn moments() -> (Vec<String>, Vec<String>) {
        let (mut moments, mut turns) = (Vec::new(), Vec::new());
        for (_, name, kind) in NAMED {
            let of: &[Moment] = match kind {
                Kind::Write => &[Moment::Before, Moment::Synced, Moment::Renamed, Moment::After],
                Kind::Step => &[Moment::Before, Moment::After],
                Kind::Turn => &[],
            };
            moments.extend(of.iter().map(|moment| called(name, *moment)));
            turns.extend((*kind == Kind::Turn).then(|| (*name).to_owned()));
        }
        (moments, turns)
    }

    fn name(point: Point) -> &'static str {
        NAMED[point as usize].1
    }

    fn called(name: &str, moment: Moment) -> String {
        let moment = match moment {
            Moment::Before => "before",
            Moment::Synced => "synced",
            Moment::Renamed => "renamed",
            Moment::After => "after",
        };
        format!("{name}.{moment}")
    }

    fn come(moment: &str) -> io::Result<()> {
        static COUNTS: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());
        let count = {
            let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(moment.to_owned()).or_default();
            *count += 1;
            *count
        };
        if let Some(file) = env::var_os("PIKACI_TEST_TRACE") {
            OpenOptions::new().create(true).append(true).open(file)?.write_all(format!("{moment}\n").as_bytes())?;
        }
        if env::var("PIKACI_TEST_KILL").is_ok_and(|wanted| wanted == format!("{moment}:{count}")) {
            kill_process(getpid(), Signal::KILL)?;
        }
        fail::fail_point!(moment, |text| Err(io::Error::other(text.unwrap_or_else(|| "injected".to_owned()))));
        Ok(())
    }
}
