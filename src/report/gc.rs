//! What gc removed, for people.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::plain::plain;
use super::{Broken, Page, SCHEMA_VERSION, count, size};
use crate::guest::quote;
use crate::record::retention::Kept;

/// What gc removed, or would.
#[derive(Clone, Debug, Serialize)]
pub struct Collected {
    schema_version: u32,
    /// Whether nothing was removed, and this is what would be.
    pub dry_run: bool,
    /// What went.
    pub removed: Vec<Removed>,
    /// What should have gone, and couldn't.
    pub failed: Vec<NotRemoved>,
    /// How many runs stay, and why.
    pub kept: Kept,
    /// Those of them whose records can't be read.
    pub broken: Vec<Broken>,
}

/// Something that went.
#[derive(Clone, Debug, Serialize)]
pub struct Removed {
    /// What it was.
    pub kind: Kind,
    /// What it was called, relative to the state folder.
    pub path: PathBuf,
    /// What the disk has more for it, in bytes.
    pub bytes: u64,
}

/// Something that couldn't be removed.
#[derive(Clone, Debug, Serialize)]
pub struct NotRemoved {
    /// What it was called, relative to the state folder.
    pub path: PathBuf,
    /// Why not.
    pub error: String,
}

/// What is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A run with its jobs' logs and artifacts.
    Run,
    /// A copy of a source tree.
    Snapshot,
    /// A rendered flake.
    Flake,
    /// What keeps a runner in the Nix store.
    Root,
    /// What a killed process left, or what is known of something that is gone.
    Leftover,
}

/// All kinds, with what people call them.
const KINDS: [(Kind, &str); 5] = [
    (Kind::Run, "run"),
    (Kind::Snapshot, "snapshot"),
    (Kind::Flake, "flake"),
    (Kind::Root, "GC root"),
    (Kind::Leftover, "leftover"),
];

impl Collected {
    /// Returns what is said where nothing went.
    #[must_use]
    pub fn new(dry_run: bool, kept: Kept) -> Self {
        let schema_version = SCHEMA_VERSION;
        Self { schema_version, dry_run, removed: Vec::new(), failed: Vec::new(), kept, broken: Vec::new() }
    }
}

/// Returns what went, what stays, and what to look at.
#[must_use]
pub fn collected(collected: &Collected, state_root: &Path) -> Page {
    let would = if collected.dry_run { "would " } else { "" };
    let verb = |past: &'static str, plain: &'static str| if collected.dry_run { plain } else { past };
    let mut page = Page::default();
    for (kind, noun) in KINDS {
        let of_kind = || collected.removed.iter().filter(|removed| removed.kind == kind);
        let number = of_kind().count();
        if number == 0 {
            continue;
        }
        let what = match kind {
            Kind::Root => "what it kept goes with the next `nix store gc`".to_owned(),
            _ => size(of_kind().map(|removed| removed.bytes).sum()),
        };
        let what = if kind == Kind::Root && number > 1 { what.replace("it kept", "they kept") } else { what };
        page.line(format!("{would}{} {}: {what}", verb("removed", "remove"), count(number, noun)));
    }
    if collected.removed.is_empty() && collected.failed.is_empty() {
        page.line("nothing to remove");
    } else {
        let bytes = collected.removed.iter().map(|removed| removed.bytes).sum();
        page.line(format!("{would}{} {}", verb("freed", "free"), size(bytes)));
    }
    if let Some(kept) = kept(&collected.kept) {
        page.line(format!("{would}{} {kept}", verb("kept", "keep")));
    }
    for Broken { run_id, error } in &collected.broken {
        let folder = state_root.join("runs").join(run_id.as_str());
        let folder = quote(&folder.to_string_lossy());
        page.line(format!("run {run_id} is broken: {}", plain(error)));
        page.line(format!("hint: to lose it, rm -r {folder}"));
    }
    page
}

/// Returns how many runs stay, and why.
fn kept(kept: &Kept) -> Option<String> {
    let Kept { running, newest, young, broken } = *kept;
    let reasons = [(newest, "among the newest"), (young, "not old enough"), (running, "running"), (broken, "broken")];
    let all = reasons.iter().map(|(number, _)| number).sum();
    let reasons: Vec<String> =
        reasons.iter().filter(|(number, _)| *number > 0).map(|(number, reason)| format!("{number} {reason}")).collect();
    (all > 0).then(|| format!("{}: {}", count(all, "run"), reasons.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Broken, Collected, Kind, NotRemoved, Removed, collected};
    use crate::id::RunId;
    use crate::record::retention::Kept;

    fn all(dry_run: bool) -> Collected {
        let removed = |kind, path: &str, bytes| Removed { kind, path: path.into(), bytes };
        let kept = Kept { running: 1, newest: 50, young: 2, broken: 1 };
        Collected {
            removed: vec![
                removed(Kind::Run, "runs/20261122-101500-4f2a31", 1 << 20),
                removed(Kind::Run, "runs/20261122-101500-9c0d1e", 512),
                removed(Kind::Snapshot, "snapshots/0a1b", 4096),
                removed(Kind::Root, "runners/0a1b/2c3d", 0),
                removed(Kind::Leftover, ".tmp-gc-aB3", 1 << 30),
            ],
            broken: vec![Broken {
                run_id: RunId::new("20261121-101500-00aa11"),
                error: "decoding run.json".to_owned(),
            }],
            ..Collected::new(dry_run, kept)
        }
    }

    #[test]
    fn what_went_and_what_stays() {
        insta::assert_snapshot!(collected(&all(false), Path::new("/p q/.pikaci")).render(false), @r"
        removed 2 runs: 1.0 MiB
        removed 1 snapshot: 4.0 KiB
        removed 1 GC root: what it kept goes with the next `nix store gc`
        removed 1 leftover: 1.0 GiB
        freed 1.0 GiB
        kept 54 runs: 50 among the newest, 2 not old enough, 1 running, 1 broken
        run 20261121-101500-00aa11 is broken: decoding run.json
        hint: to lose it, rm -r '/p q/.pikaci/runs/20261121-101500-00aa11'
        ");
    }

    #[test]
    fn what_would_go() {
        let text = collected(&all(true), Path::new("/p")).render(false);
        assert!(text.starts_with("would remove 2 runs: 1.0 MiB\nwould remove 1 snapshot: 4.0 KiB\n"), "{text}");
        assert!(text.contains("\nwould free 1.0 GiB\nwould keep 54 runs: "), "{text}");
    }

    #[test]
    fn nothing_to_do_is_said_where_nothing_failed_either() {
        let mut nothing = Collected::new(false, Kept { newest: 1, ..Kept::default() });
        let text = |nothing: &Collected| collected(nothing, Path::new("/p")).render(false);
        assert_eq!(text(&nothing), "nothing to remove\nkept 1 run: 1 among the newest\n");
        nothing.failed.push(NotRemoved { path: "snapshots/0a1b".into(), error: "busy".to_owned() });
        assert_eq!(text(&nothing), "freed 0 B\nkept 1 run: 1 among the newest\n");
    }

    #[test]
    fn json_names_everything() {
        let value = serde_json::to_value(all(true)).unwrap();
        assert_eq!((&value["schema_version"], &value["dry_run"]), (&1.into(), &true.into()));
        assert_eq!(
            (&value["removed"][3]["kind"], &value["removed"][3]["path"]),
            (&"root".into(), &"runners/0a1b/2c3d".into())
        );
        assert_eq!(
            (&value["kept"]["newest"], &value["broken"][0]["run_id"]),
            (&50.into(), &"20261121-101500-00aa11".into())
        );
    }
}
