//! All keys of a job file.

use super::cache_keys::CACHE_KEYS;
use super::file_keys::{FILE, GROUP_KEYS, SNAPSHOT, TARGET};
use super::guest_keys::GUEST_KEYS;
use super::inner_keys::{ARTIFACTS, INHERITED, INPUT, SECRET, SERVICE, STEP};
use super::keys::{ADJUST, DEFAULTS, JOB};
use crate::config::key::Section;

/// The sets of a job file with their keys.
const SECTIONS: &[Section] = &[
    Section {
        name: "file",
        path: "",
        doc: "The file: one attribute set. A key with the value null counts as absent. Names have 1 to 100 bytes and \
              no control character or bracket, don't begin with `-`, and neither begin nor end with `/`.",
        keys: FILE,
    },
    Section {
        name: "jobs",
        path: "jobs.<name>",
        doc: "A job: a command with the machine, the files and the limits that it runs with.",
        keys: JOB,
    },
    Section {
        name: "steps",
        path: "jobs.<name>.steps[]",
        doc: "A step of a job. If a step fails, later ones run only with another `when`, and the job has failed.",
        keys: STEP,
    },
    Section {
        name: "services",
        path: "jobs.<name>.services.<name>",
        doc: "A background process of a job, in the same machine.",
        keys: SERVICE,
    },
    Section {
        name: "inputs",
        path: "jobs.<name>.inputs.<name>",
        doc: "An input: the artifacts of another job. The files are private copies, and one takes the place of a file \
              of the project with the same path. A job whose input has no artifacts is errored.",
        keys: INPUT,
    },
    Section {
        name: "artifacts",
        path: "jobs.<name>.artifacts",
        doc: "The artifacts of a job with more than their globs.",
        keys: ARTIFACTS,
    },
    Section {
        name: "inherited",
        path: "jobs.<name>.env.<name>",
        doc: "An environment variable that a job inherits from the environment of pikaci. (Any other variable is a \
              string.) With `--untrusted` nothing is inherited.",
        keys: INHERITED,
    },
    Section {
        name: "adjust",
        path: "jobs.<name>.adjust[]",
        doc: "An exception of a matrix: other values for the keys of some legs. `env` is added to that of the job.",
        keys: ADJUST,
    },
    Section {
        name: "defaults",
        path: "defaults",
        doc: "Values for the jobs that leave out the same key.",
        keys: DEFAULTS,
    },
    Section { name: "guests", path: "guests.<name>", doc: "A guest: the virtual machine of a job.", keys: GUEST_KEYS },
    Section {
        name: "secrets",
        path: "secrets.<name>",
        doc: "A secret: a value of 6 bytes to 64 KiB from this machine, with one of the keys `env`, `file` and `command`. \
              pikaci reads it when a run begins in which a job has the secret. It masks the output of all jobs, but not \
              their artifacts. With `--untrusted` jobs with secrets are refused.",
        keys: SECRET,
    },
    Section { name: "targets", path: "targets.<name>", doc: "A target: a name for several jobs.", keys: TARGET },
    Section {
        name: "groups",
        path: "groups.<name>",
        doc: "A group: a limit for the jobs that name it in `group`.",
        keys: GROUP_KEYS,
    },
    Section {
        name: "caches",
        path: "caches.<name>",
        doc: "A cache: a folder whose content outlives the jobs that name it in `caches`. A job gets a private copy, \
              which becomes the next generation when the job passes. Guests of other names or bases, and jobs with \
              another `runAsRoot`, have generations of their own.",
        keys: CACHE_KEYS,
    },
    Section { name: "snapshot", path: "snapshot", doc: "Changes to the files of jobs.", keys: SNAPSHOT },
];

/// Returns the sets of a job file with their keys: first the file itself.
#[must_use]
pub fn reference() -> &'static [Section] {
    SECTIONS
}
