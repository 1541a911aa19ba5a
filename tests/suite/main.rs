//! The one harness of the tests that need more than a module: the real binary, real Nix, real virtual machines.

#![cfg(test)]

mod config;
mod flake;
mod guest;
