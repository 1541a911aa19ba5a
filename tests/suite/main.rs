//! The one harness of the tests that need more than a module: the real binary, real Nix, real virtual machines.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests have effects")]
#![expect(clippy::unwrap_used, reason = "a test that can't continue fails")]

mod cli;
mod house;
mod nix;
mod support;
mod vm;
