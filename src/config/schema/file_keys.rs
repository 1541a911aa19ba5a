//! Keys of a job file, its targets and its groups.

use super::keys::{DESCRIPTION, TEXTS};
use crate::config::key::{Key, REQUIRED, Shape};

pub(super) const FILE: &[Key] = &[
    Key {
        name: "caches",
        shape: Shape::Map(&Shape::Set("caches")),
        expected: "a set of caches",
        default: "`{ }`",
        example: "caches.target = { path = \"target\"; };",
        doc: "Folders whose content outlives the jobs that use them.",
    },
    Key {
        name: "defaults",
        shape: Shape::Set("defaults"),
        expected: "a set",
        default: "`{ }`",
        example: "defaults = { timeout = \"30m\"; };",
        doc: "Values for the jobs that leave out the same key.",
    },
    Key {
        name: "groups",
        shape: Shape::Map(&Shape::Set("groups")),
        expected: "a set of groups",
        default: "`{ }`",
        example: "groups.database = { limit = 1; };",
        doc: "Groups of jobs that share something scarce.",
    },
    Key {
        name: "guests",
        shape: Shape::Map(&Shape::Set("guests")),
        expected: "a set of guests",
        default: "`{ }`",
        example: "guests.default = { memory = \"2G\"; };",
        doc: "The virtual machines that jobs run in. `default` exists without being defined.",
    },
    Key {
        name: "jobs",
        shape: Shape::Map(&Shape::Set("jobs")),
        expected: "a set of jobs",
        default: "`{ }`",
        example: "jobs.test = { command = \"make test\"; };",
        doc: "The jobs.",
    },
    Key {
        name: "secrets",
        shape: Shape::Map(&Shape::Set("secrets")),
        expected: "a set of secrets",
        default: "`{ }`",
        example: "secrets.TOKEN = { env = \"TOKEN\"; };",
        doc: "Values that jobs get and that pikaci writes nowhere. A name is that of an environment variable.",
    },
    Key {
        name: "snapshot",
        shape: Shape::Set("snapshot"),
        expected: "a set",
        default: "`{ }`",
        example: "snapshot = { include = [ \"vendor/\" ]; };",
        doc: "The files of the project that jobs get, besides those that git tracks or doesn't ignore.",
    },
    Key {
        name: "targets",
        shape: Shape::Map(&Shape::Set("targets")),
        expected: "a set of targets",
        default: "`{ }`",
        example: "targets.all = { jobs = [ \"test\" ]; };",
        doc: "Names for several jobs that are run together. No target has the name of a job.",
    },
];

pub(super) const TARGET: &[Key] = &[
    Key {
        name: "jobs",
        shape: TEXTS,
        expected: "a list of strings: names of jobs",
        default: REQUIRED,
        example: "jobs = [ \"test\" ];",
        doc: "The jobs of the target, at least one. The jobs that they need run too.",
    },
    DESCRIPTION,
];

pub(super) const SNAPSHOT: &[Key] = &[
    Key {
        name: "include",
        shape: TEXTS,
        expected: "a list of strings: globs",
        default: "`[ ]`",
        example: "include = [ \"vendor/\" ];",
        doc: "Globs of files that jobs get although git ignores them, at most 100. Repositories and state folders never \
              come along. `--affected` counts these files as changed, because git has no earlier state of them.",
    },
    Key {
        name: "exclude",
        shape: TEXTS,
        expected: "a list of strings: globs",
        default: "`[ ]`",
        example: "exclude = [ \"docs/big/\" ];",
        doc: "Globs of files that jobs don't get, even if git tracks them or `include` names them, at most 100.",
    },
];

pub(super) const GROUP_KEYS: &[Key] = &[Key {
    name: "limit",
    shape: Shape::Integer(1, 1000),
    expected: "an integer",
    default: REQUIRED,
    example: "limit = 1;",
    doc: "The number of jobs of the group that may run at the same time, 1 to 1000.",
}];
