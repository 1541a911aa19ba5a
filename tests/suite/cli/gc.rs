//! `pikaci gc` on runs that the test wrote.

use std::fs;

use pikaci::failpoint::Point;
use pikaci::id::Digest;
use pikaci::state;

use crate::support::project::json;
use crate::support::records::Run;
use crate::support::stored::{empty, gc, is_stored, removed, store};

#[test]
fn old_runs_are_removed_by_the_time_of_their_end() {
    let (project, state) = empty();
    let shared = Digest::of(b"shared");
    for (id, ended) in [("1", "2001-01-01T00:00:00Z"), ("2", "2100-01-01T00:00:00Z")] {
        let run = Run::passed(&project, id);
        let mut record = json(&run.layout().record());
        record["finished_at"] = ended.into();
        state::write_json(Point::RunRecord, &run.layout().record(), &record).unwrap();
        let text = format!("{{\"one\":\"{}\",\"both\":\"{shared}\"}}", Digest::of(id.as_bytes()));
        fs::write(run.layout().plan(), text).unwrap();
        store(&state, &Digest::of(id.as_bytes()));
    }
    store(&state, &shared);
    let wrong = project.pikaci(&["gc", "--older-than=7 days"]).exits(2);
    assert!(wrong.stderr.contains("write it like 7d, 12h or 90m"), "{}", wrong.stderr);
    for none in [&["--older-than=9999999d"][..], &["--older-than=1d", "--keep-runs=2"], &[]] {
        assert!(removed(&gc(&project, none), "run").is_empty(), "{none:?}");
    }
    let done = gc(&project, &["--older-than=1d12h"]);
    assert_eq!((removed(&done, "run"), &done["kept"]["young"]), (vec!["runs/1"], &1.into()));
    assert_eq!([b"1", b"2"].map(|id| is_stored(&state, &Digest::of(id))), [false, true]);
    assert!(is_stored(&state, &shared));
}

#[test]
fn a_broken_record_is_reported_and_kept_with_its_files() {
    let (project, state) = empty();
    let runs = ["1", "2", "3", "4"].map(|id| Run::passed(&project, id));
    // One record of a later version, and one that is cut in half.
    let mut later = json(&runs[0].layout().record());
    later["schema_version"] = 99.into();
    state::write_json(Point::RunRecord, &runs[0].layout().record(), &later).unwrap();
    fs::write(runs[2].layout().record(), "{").unwrap();
    let needed = Digest::of(b"needed");
    fs::write(runs[2].layout().plan(), format!("{{\"nodes\":[{{\"flake_digest\":\"{needed}\",\"comm")).unwrap();
    for digest in [&needed, &Digest::of(b"other")] {
        store(&state, digest);
    }
    let done = project.pikaci(&["gc", "--keep-runs=0"]).exits(0).stdout;
    assert!(done.contains("\nkept 2 runs: 2 broken\nrun 1 is broken: "), "{done}");
    assert!(done.contains("has version 99") && done.contains("\nrun 3 is broken: decoding "), "{done}");
    let folder = project.state("runs/3");
    assert!(done.ends_with(&format!("\nhint: to remove it, rm -r {}\n", folder.display())), "{done}");
    assert_eq!(project.runs(), ["1", "3"]);
    assert!(is_stored(&state, &needed) && !is_stored(&state, &Digest::of(b"other")));
    assert_eq!(gc(&project, &[])["broken"][1]["run_id"], "3");
}
