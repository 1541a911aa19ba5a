//! Requests for a guest.

use std::collections::BTreeMap;

use pikaci::guest::{Access, Mount, Request};

/// What globs and paths are made of: everything that has a meaning in a glob or an expression, and some of the rest.
pub const PIECE: &str =
    r"[ab.é☃,/!^\-\]\[+$()|\\ ]|\*|\*\*|\*\*/|/\*\*|\?|\{a,b\}|\{a,\*\*/b\}|\[a-c\]|\[!a\]|\[\]\^-\]|\[é\]|\\\*";

pub fn request() -> Request {
    Request {
        command: vec!["true".into()],
        env: BTreeMap::new(),
        workdir: "/workspace".into(),
        uid: 1000,
        timeout_secs: 60,
        artifacts: vec!["build/**/*.log".into()],
        shares: vec![Mount { tag: "workspace".into(), mount_point: "/work's".into(), access: Access::Overlay }],
        network: true,
        epoch_secs: 1_800_000_000,
    }
}
