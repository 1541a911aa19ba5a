//! Result of `pikaci gc` as text.

use std::path::PathBuf;

use super::Page;
use crate::id::RunId;
use crate::record::retention::Kept;
use crate::record::{BrokenRun, GcResult, RemovedKind};
use crate::text::{count, plain, quote, size};

/// Kinds with their nouns, in the order of the report.
const KINDS: [(RemovedKind, &str); 6] = [
    (RemovedKind::Run, "run"),
    (RemovedKind::Snapshot, "snapshot"),
    (RemovedKind::Flake, "flake"),
    (RemovedKind::Root, "GC root"),
    (RemovedKind::Cache, "cache generation"),
    (RemovedKind::Leftover, "leftover"),
];

/// Renders the removed items, the number of remaining runs, and hints for broken runs. `run_folder` returns the path of
/// a run.
#[must_use]
pub fn gc(result: &GcResult, run_folder: impl Fn(&RunId) -> PathBuf) -> Page {
    let would = if result.dry_run { "would " } else { "" };
    let verb = |past: &'static str, plain: &'static str| if result.dry_run { plain } else { past };
    let mut page = Page::default();
    for (kind, noun) in KINDS {
        let of_kind = || result.removed.iter().filter(|removed| removed.kind == kind);
        let number = of_kind().count();
        if number == 0 {
            continue;
        }
        let detail = match kind {
            RemovedKind::Root => "the next `nix store gc` removes its runner".to_owned(),
            _ => size(of_kind().map(|removed| removed.bytes).sum()),
        };
        let detail = if kind == RemovedKind::Root && number > 1 {
            detail.replace("its runner", "their runners")
        } else {
            detail
        };
        page.line(format!("{would}{} {}: {detail}", verb("removed", "remove"), count(number, noun)));
    }
    if result.removed.is_empty() && result.failed.is_empty() {
        page.line("nothing to remove");
    } else {
        let bytes = result.removed.iter().map(|removed| removed.bytes).sum();
        page.line(format!("{would}{} {}", verb("freed", "free"), size(bytes)));
    }
    if let Some(kept) = kept(&result.kept) {
        page.line(format!("{would}{} {kept}", verb("kept", "keep")));
    }
    for BrokenRun { run_id, error } in &result.broken {
        let folder = run_folder(run_id);
        let folder = quote(&folder.to_string_lossy());
        page.line(format!("run {run_id} is broken: {}", plain(error)));
        page.line(format!("hint: to remove it, rm -r {folder}"));
    }
    page
}

/// Returns the number of remaining runs, with the reasons.
fn kept(kept: &Kept) -> Option<String> {
    let Kept { running, newest, young, taken, broken } = *kept;
    let reasons = [
        (newest, "among the newest"),
        (young, "not old enough"),
        (taken, "with results that newer runs took"),
        (running, "running"),
        (broken, "broken"),
    ];
    let all = reasons.iter().map(|(number, _)| number).sum();
    let reasons: Vec<String> =
        reasons.iter().filter(|(number, _)| *number > 0).map(|(number, reason)| format!("{number} {reason}")).collect();
    (all > 0).then(|| format!("{}: {}", count(all, "run"), reasons.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{RunId, gc};
    use crate::record::retention::Kept;
    use crate::record::{BrokenRun, FailedRemoval, GcResult, RemovedItem, RemovedKind};

    fn run_folder(id: &RunId) -> PathBuf {
        PathBuf::from(format!("/p q/.pikaci/runs/{id}"))
    }

    fn all(dry_run: bool) -> GcResult {
        let removed = |kind, path: &str, bytes| RemovedItem { kind, path: path.into(), bytes };
        let kept = Kept { running: 1, newest: 50, young: 2, taken: 0, broken: 1 };
        GcResult {
            removed: vec![
                removed(RemovedKind::Run, "runs/20261122-101500-4f2a31", 1 << 20),
                removed(RemovedKind::Run, "runs/20261122-101500-9c0d1e", 512),
                removed(RemovedKind::Snapshot, "snapshots/0a1b", 4096),
                removed(RemovedKind::Root, "runners/0a1b/2c3d", 0),
                removed(RemovedKind::Leftover, ".tmp-gc-aB3", 1 << 30),
            ],
            broken: vec![BrokenRun {
                run_id: RunId::new("20261121-101500-00aa11"),
                error: "decoding run.json".to_owned(),
            }],
            ..GcResult::new(dry_run, kept)
        }
    }

    #[test]
    fn removed_items_are_listed_by_kind() {
        insta::assert_snapshot!(gc(&all(false), run_folder).render(false), @r"
        removed 2 runs: 1.0 MiB
        removed 1 snapshot: 4.0 KiB
        removed 1 GC root: the next `nix store gc` removes its runner
        removed 1 leftover: 1.0 GiB
        freed 1.0 GiB
        kept 54 runs: 50 among the newest, 2 not old enough, 1 running, 1 broken
        run 20261121-101500-00aa11 is broken: decoding run.json
        hint: to remove it, rm -r '/p q/.pikaci/runs/20261121-101500-00aa11'
        ");
    }

    #[test]
    fn a_dry_run_is_a_forecast() {
        let text = gc(&all(true), run_folder).render(false);
        assert!(text.starts_with("would remove 2 runs: 1.0 MiB\nwould remove 1 snapshot: 4.0 KiB\n"), "{text}");
        assert!(text.contains("\nwould free 1.0 GiB\nwould keep 54 runs: "), "{text}");
    }

    #[test]
    fn failed_removals_are_not_reported_as_nothing_to_remove() {
        let mut nothing = GcResult::new(false, Kept { newest: 1, ..Kept::default() });
        let text = |nothing: &GcResult| gc(nothing, run_folder).render(false);
        assert_eq!(text(&nothing), "nothing to remove\nkept 1 run: 1 among the newest\n");
        nothing.failed.push(FailedRemoval { path: "snapshots/0a1b".into(), error: "busy".to_owned() });
        assert_eq!(text(&nothing), "freed 0 B\nkept 1 run: 1 among the newest\n");
    }

    #[test]
    fn json_has_every_field() {
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
