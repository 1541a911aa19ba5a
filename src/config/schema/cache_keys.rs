//! Keys of a cache.

use super::keys::TEXTS;
use crate::config::key::{Key, REQUIRED, Shape};

pub(super) const CACHE_KEYS: &[Key] = &[
    Key {
        name: "path",
        shape: Shape::Text,
        expected: "a string: a folder",
        default: REQUIRED,
        example: "path = \"target\";",
        doc: "The folder: of the project, or of the job's home with `~/` first. The files of the project in it are hidden.",
    },
    Key {
        name: "key",
        shape: TEXTS,
        expected: "a list of strings: globs",
        default: "`[ ]`",
        example: "key = [ \"Cargo.lock\" ];",
        doc: "Globs of the files whose content selects a generation. Without one for them a job gets the newest other one.",
    },
    Key {
        name: "size",
        shape: Shape::AnyOf(&[Shape::Text, Shape::Integer(64, 1 << 20)]),
        expected: "a string such as \"2G\", or an integer of MiB",
        default: "`\"10G\"`",
        example: "size = \"20G\";",
        doc: "The maximum size of the content, from 64 MiB to 1024 GiB.",
    },
    Key {
        name: "share",
        shape: Shape::Choice(&["safe"]),
        expected: "\"safe\"",
        default: "none",
        example: "share = \"safe\";",
        doc: "`\"safe\"` if the tools keep the folder right on their own, such as a registry of downloads: its content is \
              kept after each end of a job.",
    },
    Key {
        name: "singleFlight",
        shape: Shape::Boolean,
        expected: "true or false",
        default: "`true`",
        example: "singleFlight = false;",
        doc: "True if the jobs of a run that would start without content wait until the first of them has ended.",
    },
    Key {
        name: "onFailure",
        shape: Shape::Choice(&["keep"]),
        expected: "\"keep\"",
        default: "dropped",
        example: "onFailure = \"keep\";",
        doc: "`\"keep\"` if the content is kept after a failure or timeout of the job too.",
    },
];
