//! `pikaci gc` by a plain user of the host.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};

use pikaci::id::Digest;

use crate::support::plain_user::by_plain_user;
use crate::support::project::ran;
use crate::support::stand_in::StandIns;
use crate::support::stored::{empty, is_stored, names, store};

#[test]
fn a_plain_user_can_remove_read_only_folders() {
    let (project, state) = empty();
    store(&state, &Digest::of(b""));
    let inside = state.snapshot(&Digest::of(b"")).join("folder");
    fs::create_dir(&inside).unwrap();
    fs::write(inside.join("file"), "").unwrap();
    for folder in [&*inside, inside.parent().unwrap().as_ref()] {
        fs::set_permissions(folder, Permissions::from_mode(0o555)).unwrap();
    }
    let programs = StandIns::new();
    let mut gc = by_plain_user(&project, &programs, &["gc"]);
    ran(&mut gc).exits(0);
    assert!(!is_stored(&state, &Digest::of(b"")));
    assert!(names(state.root()).iter().all(|name| !name.starts_with(".tmp-")));
    // Files of another user stay, and are named.
    store(&state, &Digest::of(b""));
    chown(state.snapshots(), Some(0), Some(0)).unwrap();
    let ended = ran(&mut gc).exits(1);
    assert!(ended.stderr.contains("Permission denied"), "{}", ended.stderr);
    assert!(state.snapshot(&Digest::of(b"")).exists());
}
