//! Requests for a guest.

use std::collections::BTreeMap;

use pikaci::guest::{Access, Mount, Request, StepRequest, When};

/// The characters of random globs and paths: all with a meaning in a glob or an expression, and a few others.
pub const PIECE: &str =
    r"[ab.é☃,/!^\-\]\[+$()|\\ ]|\*|\*\*|\*\*/|/\*\*|\?|\{a,b\}|\{a,\*\*/b\}|\[a-c\]|\[!a\]|\[\]\^-\]|\[é\]|\\\*";

pub fn request() -> Request {
    Request {
        steps: vec![step(&["true"])],
        services: vec![],
        stall_secs: None,
        env: BTreeMap::new(),
        secrets: vec![],
        workdir: "/workspace".into(),
        uid: 1000,
        timeout_secs: 60,
        artifacts: vec!["build/**/*.log".into()],
        shares: vec![Mount { tag: "workspace".into(), mount_point: "/work's".into(), access: Access::Overlay }],
        caches: vec![],
        has_disk: false,
        network: true,
        epoch_secs: 1_800_000_000,
    }
}

/// Returns a step without limits.
pub fn step(command: &[&str]) -> StepRequest {
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    StepRequest { command, timeout_secs: None, when: When::Passed }
}
