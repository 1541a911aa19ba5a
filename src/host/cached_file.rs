//! The cached facts about a file of the host. Pure.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use super::file_stamp::FileStamp;
use super::release::is_release;
use crate::facts::Encoding;
use crate::id::Digest;

/// Cached facts about one state of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CachedFile {
    pub(super) stamp: FileStamp,
    /// Digests of the content, by the encoding that it is decoded from.
    pub(super) contents: BTreeMap<Encoding, ContentDigest>,
    /// Facts about a kernel image.
    pub(super) image: Option<KernelImage>,
    /// Load order that was derived from a `modules.dep`.
    pub(super) closure: Option<LoadOrder>,
    /// Architecture that a program is statically linked for.
    pub(super) static_for: Option<String>,
}

/// Length and digest of a decoded content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ContentDigest {
    pub(super) len: u64,
    pub(super) sha256: Digest,
}

/// Release of a kernel image, and the encoding in which it boots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KernelImage {
    pub(super) release: String,
    pub(super) encoding: Encoding,
}

/// The module files that a guest loads, with the inputs besides `modules.dep` that they were derived from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LoadOrder {
    /// Names of the modules that a guest loads.
    #[serde(rename = "wanted")]
    pub(super) requested: Vec<String>,
    /// Stamp of `modules.builtin`, if that exists.
    pub(super) builtin: Option<FileStamp>,
    /// Module files in the order in which they are loaded.
    pub(super) files: Vec<String>,
}

impl CachedFile {
    /// Returns a file without any facts.
    pub(super) fn new(stamp: FileStamp) -> Self {
        Self { stamp, contents: BTreeMap::new(), image: None, closure: None, static_for: None }
    }

    /// Returns whether the facts stay in their folders: the release names one folder, and the modules are files below it.
    pub(super) fn is_plain(&self) -> bool {
        let is_inside = |file: &String| Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
        self.image.as_ref().is_none_or(|image| is_release(&image.release))
            && self.closure.as_ref().is_none_or(|order| order.files.iter().all(is_inside))
    }
}
