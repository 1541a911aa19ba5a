//! The operating system of the host.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Operating system of the host, as `/etc/os-release` names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OsRelease {
    /// `ID`, `debian` for instance.
    pub id: String,
    /// `VERSION_ID`; empty where there is none.
    pub version_id: String,
    /// `PRETTY_NAME`.
    pub pretty_name: String,
}
