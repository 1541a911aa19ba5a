//! Keys of jobs, of `defaults` and of `adjust`.

use crate::config::key::{Key, REQUIRED, Shape};

pub(super) const TEXTS: Shape = Shape::List(&Shape::Text);
pub(super) const COMMANDS: Shape = Shape::AnyOf(&[Shape::Text, TEXTS]);
pub(super) const TIMES: Shape = Shape::AnyOf(&[Shape::Text, Shape::Integer(1, 7 * 24 * 60 * 60)]);
pub(super) const TIME: &str = "a string such as \"30m\", or an integer of seconds";
pub(super) const SCRIPT: &str = "a string, or a list of strings";

const COMMAND: Key = Key {
    name: "command",
    shape: COMMANDS,
    expected: SCRIPT,
    default: "required, unless there are `steps`",
    example: "command = \"make test\";",
    doc: "The command: a script for `shell`, or a list of a program and its arguments, which needs no shell.",
};
const STEPS: Key = Key {
    name: "steps",
    shape: Shape::List(&Shape::Set("steps")),
    expected: "a list of sets",
    default: "one step: `command`",
    example: "steps = [ { name = \"build\"; command = \"make\"; } ];",
    doc: "Commands that run one after the other in the same workspace, 1 to 40, in place of `command`.",
};
pub(super) const DESCRIPTION: Key = Key {
    name: "description",
    shape: Shape::Text,
    expected: "a string",
    default: "none",
    example: "description = \"Unit tests\";",
    doc: "The purpose, in one line.",
};
const MATRIX: Key = Key {
    name: "matrix",
    shape: Shape::Map(&TEXTS),
    expected: "a set of lists of strings",
    default: "none",
    example: "matrix = { cc = [ \"gcc\" \"clang\" ]; };",
    doc: "Axes with their values. Each combination is a job of its own, a leg, named like `test[cc=gcc]`, with the axes \
          as environment variables. A file has at most 1000 legs.",
};
const ADJUST_KEY: Key = Key {
    name: "adjust",
    shape: Shape::List(&Shape::Set("adjust")),
    expected: "a list of sets",
    default: "none",
    example: "adjust = [ { \"with\" = { cc = \"gcc\"; }; skip = \"reason\"; } ];",
    doc: "Exceptions for some legs of `matrix`. If several fit a leg, later ones override earlier ones.",
};
const NEEDS: Key = Key {
    name: "needs",
    shape: TEXTS,
    expected: "a list of strings: names of jobs",
    default: "`[ ]`",
    example: "needs = [ \"build\" ];",
    doc: "The jobs that end before this one starts: `build`, or some legs of it: `build[cc=gcc]`. `when` decides \
          whether they must pass.",
};
const INPUTS: Key = Key {
    name: "inputs",
    shape: Shape::Map(&Shape::Set("inputs")),
    expected: "a set of inputs",
    default: "`{ }`",
    example: "inputs.lib = { from = \"lib\"; };",
    doc: "Artifacts of other jobs that are in the workspace before the first command. The job needs these jobs too.",
};
const SERVICES: Key = Key {
    name: "services",
    shape: Shape::Map(&Shape::Set("services")),
    expected: "a set of services",
    default: "`{ }`",
    example: "services.db = { command = \"postgres -D data\"; };",
    doc: "Background processes of the job, at most 20, which are ready before its command starts. They are added to \
          those of `defaults`.",
};
const ENV: Key = Key {
    name: "env",
    shape: Shape::Map(&Shape::AnyOf(&[Shape::Text, Shape::Set("inherited")])),
    expected: "a set of strings",
    default: "`{ }`",
    example: "env = { LANG = \"C.UTF-8\"; };",
    doc: "Environment variables, added to those of `defaults`: strings, or variables that are inherited.",
};
const SECRETS: Key = Key {
    name: "secrets",
    shape: TEXTS,
    expected: "a list of strings: names of secrets",
    default: "`[ ]`",
    example: "secrets = [ \"TOKEN\" ];",
    doc: "The secrets of the file that the commands get, each as the environment variable of its name. pikaci shows them \
          as `***NAME***` in all output. With `cache`, the names and sources of the secrets decide, not the values.",
};
const TIMEOUT: Key = Key {
    name: "timeout",
    shape: TIMES,
    expected: TIME,
    default: "`\"30m\"`",
    example: "timeout = \"30m\";",
    doc: "The time limit of all commands of the job: `\"90s\"`, `\"10m\"`, `\"1h30m\"` or seconds, at most 7 days.",
};
const STALL: Key = Key {
    name: "stall",
    shape: TIMES,
    expected: TIME,
    default: "none",
    example: "stall = \"5m\";",
    doc: "The time without any output after which the job has timed out, written like `timeout`.",
};
const SHELL: Key = Key {
    name: "shell",
    shape: Shape::AnyOf(&[Shape::Choice(&["sh", "bash"]), TEXTS]),
    expected: "\"sh\", \"bash\" or a list of strings",
    default: "`\"sh\"`",
    example: "shell = \"bash\";",
    doc: "The shell of scripts: `\"sh\"` is `sh -euc`, `\"bash\"` is `bash -euo pipefail -c`, and a list is a program with \
          the arguments before the script.",
};
const WORKDIR: Key = Key {
    name: "workdir",
    shape: Shape::Text,
    expected: "a string: a folder of the project",
    default: "the project",
    example: "workdir = \"sub\";",
    doc: "The folder in which commands run, relative to the project.",
};
const GUEST: Key = Key {
    name: "guest",
    shape: Shape::Text,
    expected: "a string: the name of a guest",
    default: "`\"default\"`",
    example: "guest = \"default\";",
    doc: "The guest that the job runs in.",
};
const RUN_AS_ROOT: Key = Key {
    name: "runAsRoot",
    shape: Shape::Boolean,
    expected: "true or false",
    default: "`false`",
    example: "runAsRoot = true;",
    doc: "True if commands run as root of the guest.",
};
const NETWORK: Key = Key {
    name: "network",
    shape: Shape::AnyOf(&[Shape::Boolean, Shape::Choice(&["host"])]),
    expected: "true, false or \"host\"",
    default: "`false`",
    example: "network = true;",
    doc: "`true` for the network outside of this machine and its neighbours, `\"host\"` for these too, with the services \
          of this machine at 10.0.2.2.",
};
const RETRIES: Key = Key {
    name: "retries",
    shape: Shape::Integer(0, 10),
    expected: "an integer",
    default: "`0`",
    example: "retries = 1;",
    doc: "The number of further attempts after a failure or timeout, at most 10.",
};
pub(super) const WHEN: Key = Key {
    name: "when",
    shape: Shape::Choice(&["passed", "failed", "always"]),
    expected: "a string",
    default: "`\"passed\"`",
    example: "when = \"always\";",
    doc: "The condition: `\"passed\"` if everything before passed, `\"failed\"` if something didn't, or `\"always\"`. A job \
          looks at the jobs that it needs, a step at the steps before it.",
};
const ALLOW_FAILURE: Key = Key {
    name: "allowFailure",
    shape: Shape::AnyOf(&[Shape::Boolean, Shape::List(&Shape::Integer(1, 255))]),
    expected: "true, false or a list of exit codes",
    default: "`false`",
    example: "allowFailure = [ 77 ];",
    doc: "True if the run passes even if the job fails; or the exit codes, 1 to 255, with which it does.",
};
const CACHE: Key = Key {
    name: "cache",
    shape: Shape::AnyOf(&[Shape::Boolean, Shape::Choice(&["trust"])]),
    expected: "true, false or \"trust\"",
    default: "`false`",
    example: "cache = true;",
    doc: "`true` if the job takes the result of an earlier run in which it passed with the same command, guest, environment \
          and files. A job with a network, `hostFolders` or base `none` does so only with `\"trust\"`.",
};
const CACHES: Key = Key {
    name: "caches",
    shape: TEXTS,
    expected: "a list of strings: names of caches",
    default: "`[ ]`",
    example: "caches = [ \"target\" ];",
    doc: "The caches that the job uses, at most 4: folders with the content that an earlier job left.",
};
const GROUP: Key = Key {
    name: "group",
    shape: Shape::Text,
    expected: "a string: the name of a group",
    default: "none",
    example: "group = \"database\";",
    doc: "The group in `groups` whose limit counts the job, in all runs of the state folder.",
};
const GIT: Key = Key {
    name: "git",
    shape: Shape::Boolean,
    expected: "true or false",
    default: "`false`",
    example: "git = true;",
    doc: "True if the workspace has a `.git` with the HEAD, branches, tags, index and objects of the project's repository, \
          for `git describe`, `git log` or `git diff`. It has no remotes, hooks or credentials.",
};
const PATHS: Key = Key {
    name: "paths",
    shape: TEXTS,
    expected: "a list of strings: globs",
    default: "`[ ]`",
    example: "paths = [ \"src/**\" ];",
    doc: "Globs: the job runs only if a file that matches changed; `[ ]` means always.",
};
const ARTIFACTS: Key = Key {
    name: "artifacts",
    shape: Shape::AnyOf(&[TEXTS, Shape::Set("artifacts")]),
    expected: "a list of strings: globs",
    default: "`[ ]`",
    example: "artifacts = [ \"build/*.log\" ];",
    doc: "Globs of the files that pikaci keeps, whatever the outcome; or a set with `paths` and more keys.",
};
const WITH: Key = Key {
    name: "with",
    shape: Shape::Map(&Shape::Text),
    expected: "a set of strings",
    default: REQUIRED,
    example: "\"with\" = { cc = \"gcc\"; };",
    doc: "The legs: a value for some of the axes. The quotes are Nix's, because `with` is a keyword.",
};
const SKIP: Key = Key {
    name: "skip",
    shape: Shape::Text,
    expected: "a string: the reason",
    default: "none",
    example: "skip = \"no such build\";",
    doc: "The reason for which these legs are left out.",
};

pub(super) const DEFAULTS: &[Key] = &[
    SERVICES,
    ENV,
    SECRETS,
    TIMEOUT,
    STALL,
    SHELL,
    WORKDIR,
    GUEST,
    RUN_AS_ROOT,
    NETWORK,
    RETRIES,
    WHEN,
    ALLOW_FAILURE,
    CACHE,
    CACHES,
    GROUP,
    GIT,
    PATHS,
    ARTIFACTS,
];

const ACTION: &[Key] = &[COMMAND, STEPS, DESCRIPTION];

pub(super) const JOB: &[Key] =
    &join::<{ ACTION.len() + 4 + DEFAULTS.len() }>([ACTION, &[MATRIX, ADJUST_KEY], &[NEEDS, INPUTS], DEFAULTS]);

pub(super) const ADJUST: &[Key] =
    &join::<{ ACTION.len() + 4 + DEFAULTS.len() }>([&[WITH, SKIP], ACTION, &[NEEDS, INPUTS], DEFAULTS]);

/// Returns several lists of keys as one.
const fn join<const LENGTH: usize>(lists: [&[Key]; 4]) -> [Key; LENGTH] {
    let mut all = [COMMAND; LENGTH];
    let (mut list, mut length) = (0, 0);
    while list < lists.len() {
        let mut index = 0;
        while index < lists[list].len() {
            all[length] = lists[list][index];
            length += 1;
            index += 1;
        }
        list += 1;
    }
    all
}
