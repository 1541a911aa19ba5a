//! Tests with made-up hosts, and with the kernel that `make setup` unpacked.
#![expect(clippy::disallowed_methods, reason = "makes hosts in temporary folders")]

mod facts;
mod fake_host;
pub(super) mod images;
