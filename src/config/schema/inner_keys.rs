//! Keys of secrets, and of the sets inside of jobs: steps, services, inputs, artifacts, inherited variables.

use super::keys::{COMMANDS, SCRIPT, TEXTS, TIME, TIMES, WHEN};
use crate::config::key::{Key, REQUIRED, Shape};

pub(super) const STEP: &[Key] = &[
    Key {
        name: "name",
        shape: Shape::Text,
        expected: "a string",
        default: REQUIRED,
        example: "name = \"build\";",
        doc: "The name of the step, which no other step of the job has.",
    },
    Key {
        name: "command",
        shape: COMMANDS,
        expected: SCRIPT,
        default: REQUIRED,
        example: "command = \"make test\";",
        doc: "The command, written like that of a job.",
    },
    Key {
        name: "timeout",
        shape: TIMES,
        expected: TIME,
        default: "that of the job",
        example: "timeout = \"30m\";",
        doc: "The time limit of the step, besides that of the whole job.",
    },
    WHEN,
];

pub(super) const SERVICE: &[Key] = &[
    Key {
        name: "command",
        shape: COMMANDS,
        expected: SCRIPT,
        default: REQUIRED,
        example: "command = \"postgres -D data\";",
        doc: "The command, written like that of a job. It runs until the job ends.",
    },
    Key {
        name: "ready",
        shape: COMMANDS,
        expected: SCRIPT,
        default: "ready at once",
        example: "ready = \"pg_isready\";",
        doc: "A command that is repeated until it succeeds, which means that the service is ready.",
    },
    Key {
        name: "env",
        shape: Shape::Map(&Shape::Text),
        expected: "a set of strings",
        default: "`{ }`",
        example: "env = { PGPORT = \"5433\"; };",
        doc: "Environment variables, added to those of the job.",
    },
    Key {
        name: "timeout",
        shape: TIMES,
        expected: TIME,
        default: "`\"1m\"`",
        example: "timeout = \"30s\";",
        doc: "The time limit for the service to become ready.",
    },
    Key {
        name: "needs",
        shape: TEXTS,
        expected: "a list of strings: names of services",
        default: "`[ ]`",
        example: "needs = [ \"db\" ];",
        doc: "The services of the job that are ready before this one starts.",
    },
];

pub(super) const INPUT: &[Key] = &[
    Key {
        name: "from",
        shape: Shape::Text,
        expected: "a string: the name of a job",
        default: REQUIRED,
        example: "from = \"lib\";",
        doc: "The job that leaves the artifacts: `lib`, or a leg of it: `lib[cc=gcc]`. If it doesn't name all axes of a \
              matrix, the artifacts of each leg are in a folder of their own, which is named like `cc=gcc`.",
    },
    Key {
        name: "to",
        shape: Shape::Text,
        expected: "a string: a folder of the project",
        default: "the project",
        example: "to = \"deps\";",
        doc: "The folder for the artifacts, in which each has the path that it had in the other job. No two inputs have \
              the same folder, or one inside of the other.",
    },
];

pub(super) const ARTIFACTS: &[Key] = &[
    Key {
        name: "paths",
        shape: TEXTS,
        expected: "a list of strings: globs",
        default: REQUIRED,
        example: "paths = [ \"build/*.log\" ];",
        doc: "Globs of the files that pikaci keeps.",
    },
    Key {
        name: "required",
        shape: Shape::Boolean,
        expected: "true or false",
        default: "`false`",
        example: "required = true;",
        doc: "True if the job fails unless each glob has a match and every match is kept.",
    },
    Key {
        name: "size",
        shape: Shape::AnyOf(&[Shape::Text, Shape::Integer(64, 1 << 20)]),
        expected: "a string such as \"20G\", or an integer of MiB",
        default: "`\"10G\"`",
        example: "size = \"20G\";",
        doc: "The limit on the size of all files of an attempt, `\"64M\"` to `\"1024G\"`. Files take space only as far as \
              they are written, and count in the disk quota of the run.",
    },
];

pub(super) const INHERITED: &[Key] = &[
    Key {
        name: "inherit",
        shape: Shape::Boolean,
        expected: "true",
        default: REQUIRED,
        example: "\"inherit\" = true;",
        doc: "True: the value is that of the variable in the environment of pikaci. The quotes are Nix's, because \
              `inherit` is a keyword.",
    },
    Key {
        name: "default",
        shape: Shape::Text,
        expected: "a string",
        default: "an error if there is no value",
        example: "default = \"\";",
        doc: "The value if the environment of pikaci has no such variable.",
    },
];

pub(super) const SECRET: &[Key] = &[
    Key {
        name: "env",
        shape: Shape::Text,
        expected: "a string: the name of a variable",
        default: "none",
        example: "env = \"TOKEN\";",
        doc: "The variable in the environment of pikaci that has the value.",
    },
    Key {
        name: "file",
        shape: Shape::Text,
        expected: "a string: the path of a file",
        default: "none",
        example: "file = \"~/.config/token\";",
        doc: "The file of this machine that has the value, at most 64 KiB. The run needs `--allow-secret-files`.",
    },
    Key {
        name: "command",
        shape: TEXTS,
        expected: "a list of strings: a program and its arguments",
        default: "none",
        example: "command = [ \"pass\" \"ci/token\" ];",
        doc: "The command whose output is the value, at most 64 KiB. It runs on this machine itself, when a run begins, \
              which needs `--allow-secret-commands`.",
    },
    Key {
        name: "asFile",
        shape: Shape::Boolean,
        expected: "true or false",
        default: "`false`",
        example: "asFile = true;",
        doc: "True if the variable has the path of a file with the value, which the user of the job alone can read. \
              Otherwise the variable has the value itself, without line breaks at its end.",
    },
];
