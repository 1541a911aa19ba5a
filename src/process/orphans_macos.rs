//! Orphans on macOS, which offers no way to adopt them.

/// Does nothing.
pub fn adopt_orphans() {}

/// Does nothing.
pub fn kill_orphans(_name: &str, _value: &str) {}
