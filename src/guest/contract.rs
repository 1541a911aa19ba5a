//! Constants of the guest contract: values that the host and the agent's scripts (`nix/guest/*.sh`) share.
//!
//! The tests read the scripts and compare the values.

use std::time::Duration;

/// Mount point of the workspace, and working folder of a command.
pub const WORKSPACE_PATH: &str = "/workspace";
/// Home of the job, in a guest.
pub const HOME_PATH: &str = "/var/job";
/// Tag of the share that holds the workspace.
pub const WORKSPACE_TAG: &str = "workspace";
/// Tag of the share that holds the repository of a job.
pub const REPOSITORY_TAG: &str = "git";
/// Mount point of that share.
pub const REPOSITORY_PATH: &str = "/pikaci/git";
/// Tag of the share that holds the objects of the repository.
pub const OBJECTS_TAG: &str = "git-objects";
/// Mount point of that share.
pub const OBJECTS_PATH: &str = "/pikaci/git-objects";
/// Tag of the share that holds the host's `/usr` and a part of its `/etc`.
pub const USERLAND_TAG: &str = "usr";
/// Tag of the share, or of the disk, that holds the Nix store.
pub const STORE_TAG: &str = "store";

/// Tag of the share that holds the artifacts of other jobs for the workspace.
pub const INPUTS_TAG: &str = "inputs";
/// Mount point of that share; the workspace has its files too.
pub const INPUTS_PATH: &str = "/pikaci/inputs";

/// Tag of the share of a folder of the host: this, and its number.
pub const FOLDER_TAG: &str = "folder-";

/// Serial of the disk with the request.
pub const REQUEST_DISK: &str = "pikaci-request";
/// Serial of the disk for the artifacts.
pub const ARTIFACTS_DISK: &str = "pikaci-artifacts";
/// Serial of the disk with the Nix store: `pikaci-` and [`STORE_TAG`].
pub const STORE_DISK: &str = "pikaci-store";
/// Serial of the disk for everything that the job writes, an ext4 file system.
pub const SCRATCH_DISK: &str = "pikaci-scratch";
/// Serial of a disk of a cache: this, the number of the cache, `-`, and the number of the layer. The layer 0 is the one
/// that the job writes; the others are those of a generation, the newest one first.
pub const CACHE_DISK: &str = "pikaci-cache-";
/// Serials of the disks without caches, in the order in which a hypervisor without serials has to attach them. Such a hypervisor has
/// no store to share, so that the store is always a disk there.
pub const DISKS: [&str; 4] = [REQUEST_DISK, ARTIFACTS_DISK, STORE_DISK, SCRATCH_DISK];

/// Name of the virtio port for the job's output.
pub const OUTPUT_PORT: &str = "out";
/// Name of the virtio port for the control lines.
pub const CONTROL_PORT: &str = "control";
/// Terminal of the kernel's console on a hypervisor without named ports.
pub const CONSOLE_TTY: &str = "hvc0";
/// Terminal of the job's output on a hypervisor without named ports.
pub const OUTPUT_TTY: &str = "hvc1";
/// Terminal of the control lines on a hypervisor without named ports.
pub const CONTROL_TTY: &str = "hvc2";

/// Word of the kernel's command line that makes a ready guest wait for a line of the host.
pub const WAIT_WORD: &str = "pikaci.wait";
/// Line of the host that lets a waiting guest go on; the agent accepts any line.
pub const GO_LINE: &[u8] = b"go\n";
/// Line of the host that makes the agent end the job.
pub const CANCEL_LINE: &[u8] = b"cancel\n";

/// Files of every request, in the order of their use; each command has a file of its own besides.
pub const REQUEST_FILES: [&str; 8] = ["settings", "shares", "caches", "job", "services", "steps", "patterns", "roots"];
/// Folder of a request with a file for each secret that is one.
pub const SECRETS_FOLDER: &str = "secrets";
/// The same folder in a guest.
pub const SECRETS_PATH: &str = "/pikaci/run/request/secrets";
/// Prefix of the agent's own shell variables in start.sh; a request can't set a variable with it.
pub const RESERVED_PREFIX: &str = "pikaci_";

/// Limit on the control lines of a guest; an agent sends fewer than 240.
pub const MAX_CONTROL_LINES: usize = 256;
/// Limit on a control line, in bytes; the agent's lines are far shorter.
pub const MAX_LINE_BYTES: usize = 4096;
/// Limit on the name of a phase, in bytes: each name is recorded in an event.
pub const MAX_PHASE_BYTES: usize = 32;
/// Phases of a guest, in order.
pub const PHASES: [&str; 7] = ["init", "drivers", "request", "shares", "job", "collect", "end"];

/// Limit on the steps of a job: each sends up to three control lines.
pub const MAX_STEPS: usize = 40;
/// Limit on the services of a job: each sends up to three control lines.
pub const MAX_SERVICES: usize = 20;
/// Bytes of the output of a service that the agent keeps.
pub const SERVICE_LOG_BYTES: u64 = 8 << 20;

/// Limit on the caches of a job: each sends up to two control lines.
pub const MAX_CACHES: usize = 4;
/// Limit on the layers of a generation of a cache.
pub const MAX_CACHE_LAYERS: usize = 7;

/// Limit on the artifact files of a job.
pub const MAX_ARTIFACTS: u64 = 100_000;
/// Limit on the names in the path of an artifact, its own among them.
pub const MAX_ARTIFACT_DEPTH: usize = 100;
/// Number of left-out files that the agent names; it counts the rest.
pub const NAMED_LEFT_OUT: usize = 20;
/// Size of the artifacts disk unless the job chooses another one, in MiB; the file is sparse on the host.
pub const DEFAULT_ARTIFACTS_MIB: u64 = 10 << 10;

/// Time that the agent waits for a line of the host.
pub const WAIT_LIMIT: Duration = Duration::from_hours(1);
/// Time that the agent takes at most to set up the guest before the command.
pub const SETUP_LIMIT: Duration = Duration::from_mins(2);
/// Time that the agent takes at most to mount the caches of the job, and to merge their layers.
pub const MOUNT_LIMIT: Duration = Duration::from_mins(10);
/// Time between TERM and KILL when the agent ends the job.
pub const TERM_GRACE: Duration = Duration::from_secs(5);
/// Time after KILL before the agent reports that the command is still alive.
pub const KILL_GRACE: Duration = Duration::from_secs(30);
/// Time that the agent takes at most to end the command's remaining processes.
pub const CLEANUP_LIMIT: Duration = Duration::from_mins(1);
/// Time that the agent takes at most to pack the artifacts.
pub const PACK_LIMIT: Duration = Duration::from_mins(5);
/// Time that the agent takes at most to send its last lines before it powers off by force.
pub const FINISH_LIMIT: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::guest::{Access, ControlLine, LeftOutReason};

    const AGENT: &str = include_str!("../../nix/guest/agent.sh");
    const ARTIFACTS: &str = include_str!("../../nix/guest/artifacts.sh");
    const CACHES: &str = include_str!("../../nix/guest/caches.sh");
    const PACK: &str = include_str!("../../nix/guest/pack.sh");
    const START: &str = include_str!("../../nix/guest/start.sh");
    const STEPS: &str = include_str!("../../nix/guest/steps.sh");

    #[track_caller]
    fn assert_has(script: &str, code: &str) {
        assert!(script.contains(code), "no script has: {code}");
    }

    /// Returns the body of a shell function.
    #[track_caller]
    fn function<'a>(script: &'a str, name: &str) -> &'a str {
        let (_, rest) = script.split_once(&format!("\n{name}() {{\n")).unwrap();
        rest.split("\n}").next().unwrap()
    }

    /// Returns the first words after each call of a shell command.
    fn arguments<'a>(script: &'a str, command: &str) -> impl Iterator<Item = &'a str> {
        let calls = script.lines().filter_map(move |line| line.trim_start().strip_prefix(command)?.strip_prefix(' '));
        calls.map(|rest| rest.split(' ').next().unwrap())
    }

    #[test]
    fn the_agent_opens_the_disks_and_ports_of_the_host() {
        for (script, serial, node) in [
            (AGENT, REQUEST_DISK, "/dev/vda"),
            (ARTIFACTS, ARTIFACTS_DISK, "/dev/vdb"),
            (AGENT, SCRATCH_DISK, "/dev/vdd"),
        ] {
            assert_has(script, &format!("device /sys/block serial {serial} || echo {node}"));
        }
        assert_has(AGENT, r#"device /sys/block serial "pikaci-$1" || echo /dev/vdc"#);
        assert_eq!(STORE_DISK, format!("pikaci-{STORE_TAG}"));
        assert_has(CACHES, &format!(r#"device /sys/block serial "{CACHE_DISK}$1-$2""#));
        assert_has(START, &format!("HOME={HOME_PATH} "));
        for port in [CONTROL_PORT, OUTPUT_PORT] {
            assert_has(AGENT, &format!("device $ports name {port})"));
        }
        assert_has(AGENT, &format!("exec 3<>/dev/{CONTROL_TTY} 4<>/dev/{OUTPUT_TTY}"));
    }

    #[test]
    fn the_agent_understands_the_words_of_the_host() {
        assert_has(AGENT, &format!("grep -qw {WAIT_WORD} /proc/cmdline"));
        let cancel = std::str::from_utf8(CANCEL_LINE).unwrap().trim_end();
        assert_has(STEPS, &format!(r#"[ "$word" = {cancel} ]"#));
        assert_has(AGENT, &format!(r#"[ "$1" != {USERLAND_TAG} ]"#));
        for access in [Access::ReadOnly, Access::Layer, Access::Overlay, Access::Disk, Access::Repository] {
            assert_has(AGENT, &format!("share_{}()", access.word()));
        }
        assert_has(function(AGENT, "share_repository"), &format!("cp -a \"$2\" {WORKSPACE_PATH}/.git"));
        let scripts = [AGENT, STEPS, ARTIFACTS, CACHES, PACK, START].concat();
        for file in REQUEST_FILES {
            let places = [format!("request/{file}"), format!("\"$request\"/{file}")];
            assert!(places.iter().any(|place| scripts.contains(place)), "no script reads {file}");
        }
        assert_has(START, &format!("{RESERVED_PREFIX}workdir"));
        assert_has(AGENT, "run=/pikaci/run\n");
        assert_has(AGENT, &format!("$request/{SECRETS_FOLDER}/*"));
        assert_eq!(SECRETS_PATH, format!("/pikaci/run/request/{SECRETS_FOLDER}"));
    }

    #[test]
    fn the_host_understands_the_words_of_the_agent() {
        let scripts = [AGENT, STEPS, ARTIFACTS, CACHES].concat();
        let phases: BTreeSet<&str> = arguments(&scripts, "begin_phase").collect();
        assert_eq!(phases, PHASES.into());
        let longest = PHASES.iter().map(|phase| phase.len()).max().unwrap();
        let job_lines = 3 * (MAX_STEPS + MAX_SERVICES) + 2 * MAX_CACHES;
        assert!(longest <= MAX_PHASE_BYTES && PHASES.len() + NAMED_LEFT_OUT + job_lines + 20 < MAX_CONTROL_LINES);
        assert_has(STEPS, &format!("head -c {SERVICE_LOG_BYTES}"));
        let examples = [
            "ready",
            "phase init 1.00",
            "deadline",
            "stalled",
            "step 0",
            "step-deadline 0",
            "step-end 0 exit 0 0",
            "service-ready 0",
            "service-late 0",
            "service-end 0 exit 0",
            "service-log 0 0",
            "out-of-memory",
            "exit 0",
            "signal 9",
            "output 1",
            "artifacts 1",
            "left-out link a",
            "left-out-more 1",
            "cache-dropped 0",
            "cache-same 0",
            "cache-saved 0",
            "error no disk",
            "end",
        ];
        let invalid: Vec<&str> = examples.into_iter().filter(|line| line.parse::<ControlLine>().is_err()).collect();
        assert_eq!(invalid, [""; 0]);
        let code = scripts.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
        let outcome = function(&code, "outcome");
        let sent = ["send ", "finish "].iter().flat_map(|call| code.split(call).skip(1));
        let texts = sent.chain(outcome.split("echo ").skip(1)).map(|rest| rest.trim_start_matches('"'));
        let words = texts.map(|text| text.split([' ', '\n', ';', '"']).next().unwrap());
        let words: BTreeSet<&str> = words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).collect();
        assert_eq!(words, examples.map(|line| line.split(' ').next().unwrap()).into());
    }

    #[test]
    fn both_sides_name_the_same_reasons_and_limits_of_artifacts() {
        let by_user = PACK.split(" leave_out ").skip(1).map(|rest| rest.split(['\n', ';']).next().unwrap());
        let by_root = ARTIFACTS.split("leave_out(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let words: BTreeSet<&str> = by_user.chain(by_root).collect();
        assert_eq!(words, LeftOutReason::ALL.map(LeftOutReason::word).into());
        assert_has(ARTIFACTS, &format!("max_files={MAX_ARTIFACTS} max_depth={MAX_ARTIFACT_DEPTH}\n"));
        for code in [format!("head -n {NAMED_LEFT_OUT}"), format!("$((count - {NAMED_LEFT_OUT}))")] {
            assert_has(ARTIFACTS, &code);
        }
    }

    #[test]
    fn the_agent_keeps_its_time_limits() {
        let scripts = [AGENT, STEPS, ARTIFACTS, CACHES].concat();
        let guards: BTreeSet<&str> = arguments(&scripts, "guard").collect();
        let limits =
            [WAIT_LIMIT, SETUP_LIMIT, CLEANUP_LIMIT, PACK_LIMIT, MOUNT_LIMIT].map(|limit| limit.as_secs().to_string());
        assert_eq!(guards, limits.iter().map(String::as_str).collect());
        let sleeps = |name| arguments(function(STEPS, name), "sleep").collect::<Vec<_>>().join(" ");
        assert_eq!(sleeps("end_cgroups"), format!("{} {}", TERM_GRACE.as_secs(), KILL_GRACE.as_secs()));
        assert_has(function(AGENT, "finish"), &format!("(sleep {} && poweroff", FINISH_LIMIT.as_secs()));
        assert!(TERM_GRACE > Duration::ZERO);
    }
}
