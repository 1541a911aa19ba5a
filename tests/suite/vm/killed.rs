//! pikaci killed before and after each of its steps, in commands that boot a guest.

use std::collections::BTreeSet;

use pikaci::failpoint::moments;

use crate::support::kill_scenes::{
    BROKEN_FLAKE, CACHES, CANCEL, CHANGED, EXEC, FIRST, GC, GUEST, INIT, KVM, PREPARE, PRUNE, RECOVERY, VFKIT,
};
use crate::support::killing::Act;

#[test]
fn a_guest_may_be_killed_at_every_step() {
    GUEST.kill_at_each();
}

#[test]
fn a_kvm_probe_may_be_killed_at_every_step() {
    KVM.kill_at_each();
}

#[test]
fn something_is_killed_at_every_registered_moment() {
    let acts =
        [&FIRST, &CHANGED, &CACHES, &PRUNE, &GC, &RECOVERY, &PREPARE, &GUEST, &BROKEN_FLAKE, &EXEC, &VFKIT, &KVM];
    let killed: BTreeSet<&str> = acts
        .into_iter()
        .flat_map(Act::targets)
        .map(String::as_str)
        .chain(CANCEL)
        .chain(INIT)
        .filter_map(|target| Some(target.split_once(':')?.0))
        .collect();
    let (moments, turns) = moments();
    let registered: BTreeSet<&str> = moments.iter().chain(&turns).map(String::as_str).collect();
    let odd: Vec<_> = killed.symmetric_difference(&registered).collect();
    assert!(odd.is_empty(), "either no scene reaches these moments, or the registry lacks them: {odd:#?}");
}
