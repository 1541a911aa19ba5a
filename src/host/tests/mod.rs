//! Tests with made-up hosts.
#![expect(clippy::disallowed_methods, reason = "makes hosts in temporary folders")]

mod facts;
mod fake_host;
pub(super) mod images;
