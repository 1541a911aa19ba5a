//! pikaci killed before and after each of its steps, in commands that need Nix.

use crate::support::kill_scenes::{BROKEN_FLAKE, EXEC, PREPARE, VFKIT};

#[test]
fn a_prepare_node_may_be_killed_at_every_step() {
    PREPARE.kill_at_each();
    BROKEN_FLAKE.kill_at_each();
}

#[test]
fn an_exec_may_be_killed_at_every_step() {
    EXEC.kill_at_each();
}

#[test]
fn a_guest_in_vfkit_may_be_killed_at_every_step() {
    VFKIT.kill_at_each();
}
