//! The wording for jobs of base `none`.

/// Place of a job of base `none`, which runs in no virtual machine.
pub(super) const UNISOLATED: &str = "on this machine itself, not isolated";
