//! Snapshots of 50,000 files: unchanged, and with a few changed files.

use std::cell::RefCell;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use pikaci::config::SnapshotGlobs;
use pikaci::id::Digest;
use pikaci::snapshot::take;
use pikaci::state::{self, StateLayout};

use crate::bench::{Bench, settle};
use crate::sample::{Contender, interleave, shell, timed};
use crate::table::{Check, Row};

const FOLDERS: usize = 500;
const FILES_EACH: usize = 100;

/// A project of many files, and its snapshot.
struct Tree {
    root: PathBuf,
    state: StateLayout,
    snapshot: RefCell<Digest>,
}

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let root = bench.project("tree", "{ jobs.a.command = \"true\"; }\n")?;
    for folder in 0..FOLDERS {
        make_files(&root.join("files").join(folder.to_string()))?;
    }
    bench.commit("tree")?;
    settle();
    let state = StateLayout::new(root.join(".pikaci"));
    state::open(state.root())?;
    let snapshot = RefCell::new(take(&root, &state, &SnapshotGlobs::default())?.copy_id().clone());
    let tree = Tree { root, state, snapshot };
    // Only a run writes the cache of the host's files.
    let host = bench.guest()?.state.root().join("host.json");
    fs::copy(&host, tree.state.root().join("host.json")).context("copying host.json")?;
    Ok(vec![unchanged(bench, &tree)?, affected(bench)?, changed(bench, &tree)?])
}

fn unchanged(bench: &Bench, tree: &Tree) -> Result<Row> {
    let contenders = vec![
        Contender::shell(bench, "pikaci -C $B/tree plan"),
        Contender::shell(bench, "git -C $B/tree status"),
        Contender::call("pikaci::snapshot::take", || tree.take_unchanged()),
    ];
    Ok(Row {
        name: "unchanged snapshot, 50,000 files",
        figures: interleave(bench, 15, contenders)?,
        checks: vec![Check::at_most(0, 1.0, 1), Check::only(2, 1)],
    })
}

/// Measures a plan of the jobs that differ from a commit.
fn affected(bench: &Bench) -> Result<Row> {
    let contenders = vec![
        Contender::shell(bench, "pikaci -C $B/tree plan --affected --base HEAD"),
        Contender::shell(bench, "git -C $B/tree status"),
    ];
    Ok(Row {
        name: "plan --affected, 50,000 files",
        figures: interleave(bench, 15, contenders)?,
        checks: vec![Check::at_most(0, 1.2, 1)],
    })
}

/// Compares the times for one changed file and for none: a snapshot of one changed file must not copy all files.
fn changed(bench: &Bench, tree: &Tree) -> Result<Row> {
    let changing = |count: usize| Contender {
        command: format!("pikaci::snapshot::take, {count} changed"),
        once: Box::new(move || tree.take_changed(count)),
    };
    let copying = Contender {
        command: "cp -a $B/tree/files $B/copy".to_owned(),
        once: Box::new(|| {
            let time = timed(|| shell(bench, "cp -a $B/tree/files $B/copy"))?;
            fs::remove_dir_all(bench.folder().join("copy")).context("removing the copy")?;
            Ok(time)
        }),
    };
    let nothing = Contender::call("pikaci::snapshot::take, none changed", || tree.take_unchanged());
    Ok(Row {
        name: "changed snapshot, 50,000 files",
        figures: interleave(bench, 3, vec![changing(1), changing(1000), nothing, copying])?,
        checks: vec![Check::at_most(0, 1.5, 2), Check::only(1, 0), Check::only(0, 3), Check::only(1, 3)],
    })
}

impl Tree {
    fn take_unchanged(&self) -> Result<()> {
        let taken = take(&self.root, &self.state, &SnapshotGlobs::default())?;
        ensure!(taken.copy_id() == &*self.snapshot.borrow(), "the tree has no unchanged snapshot");
        Ok(())
    }

    /// Changes files, measures the snapshot of the tree, and removes the previous snapshot.
    fn take_changed(&self, count: usize) -> Result<Duration> {
        for file in 0..count {
            let path = self.root.join(format!("files/{}/{}", file % FOLDERS, file / FOLDERS));
            let file = OpenOptions::new().append(true).open(&path);
            file.and_then(|mut file| file.write_all(b"one more line\n"))
                .with_context(|| format!("changing {}", path.display()))?;
        }
        settle();
        let mut new = None;
        let time = timed(|| {
            new = Some(take(&self.root, &self.state, &SnapshotGlobs::default())?.copy_id().clone());
            Ok(())
        })?;
        let old = self.snapshot.replace(new.context("there is no snapshot")?);
        ensure!(old != *self.snapshot.borrow(), "{count} changed files changed no digest");
        fs::remove_dir_all(self.state.snapshot(&old)).context("removing a snapshot")?;
        Ok(time)
    }
}

fn make_files(folder: &Path) -> Result<()> {
    let make = || {
        fs::create_dir_all(folder)?;
        for file in 0..FILES_EACH {
            let line = format!("{} {file}\n", folder.display());
            fs::write(folder.join(file.to_string()), line.repeat(1 + file % 20))?;
        }
        Ok::<_, std::io::Error>(())
    };
    make().with_context(|| format!("making files in {}", folder.display()))
}
