//! Files that runs share: snapshots, flakes and GC roots, and the leftovers of killed processes beside them.

#![expect(clippy::disallowed_methods, reason = "inspects the state folder and source trees")]

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::Result;

use super::candidate::{Candidate, RemovalGuard};
use super::survey::entry_names;
use crate::foreign::Beneath;
use crate::id::Digest;
use crate::record::RemovedKind;
use crate::state::state_layout::{SEAL_SUFFIX, StateLayout};
use crate::state::temporary_name::{TEMPORARY_PREFIX, is_temporary};

/// Digests of the shared files.
pub(super) struct Stored {
    snapshots: BTreeSet<Digest>,
    flakes: BTreeSet<Digest>,
    /// Result keys of the kept results.
    results: BTreeSet<Digest>,
    /// Folders of GC roots, one for each Nix store.
    stores: Vec<Beneath>,
    /// GC roots, each with its folder.
    roots: Vec<(Beneath, Digest)>,
}

fn digests(folder: &Beneath) -> Result<BTreeSet<Digest>> {
    Ok(entry_names(folder)?.iter().filter_map(|name| digest(name)).collect())
}

fn digest(name: &OsStr) -> Option<Digest> {
    Digest::try_from(name.to_str()?.to_owned()).ok()
}

impl Stored {
    /// Lists the shared files.
    pub(super) fn list(state: &StateLayout) -> Result<Self> {
        let stores: Vec<Beneath> =
            entry_names(&state.runners())?.iter().map(|store| state.runners().join(store)).collect();
        let mut roots = Vec::new();
        for store in &stores {
            roots.extend(digests(store)?.into_iter().map(|digest| (store.clone(), digest)));
        }
        Ok(Self {
            snapshots: digests(&state.snapshots())?,
            flakes: digests(&state.flakes())?,
            results: digests(&state.results())?,
            stores,
            roots,
        })
    }

    /// Returns the digests of all shared files.
    pub(super) fn digests(&self) -> BTreeSet<Digest> {
        let roots = self.roots.iter().map(|(_, digest)| digest);
        self.snapshots.iter().chain(&self.flakes).chain(&self.results).chain(roots).cloned().collect()
    }

    /// Returns the shared files with one of these digests.
    pub(super) fn with_digests(&self, state: &StateLayout, removed: &BTreeSet<Digest>) -> Vec<Candidate> {
        let candidate = |kind, paths| Candidate { kind, paths, guard: RemovalGuard::Nothing };
        let snapshot =
            |digest| candidate(RemovedKind::Snapshot, vec![state.snapshot(digest), state.snapshot_seal(digest)]);
        let roots = self.roots.iter().filter(|(_, digest)| removed.contains(digest));
        let roots = roots.map(|(store, digest)| candidate(RemovedKind::Root, vec![store.join(digest.as_str())]));
        let flakes =
            self.flakes.intersection(removed).map(|digest| candidate(RemovedKind::Flake, vec![state.flake(digest)]));
        roots.chain(flakes).chain(self.snapshots.intersection(removed).map(snapshot)).collect()
    }

    /// Returns the leftovers, which no process writes or can use. Nobody may hold a claim.
    pub(super) fn leftovers(
        &self,
        state: &StateLayout,
        removed: &BTreeSet<Digest>,
        trees: &[&Path],
    ) -> Result<Vec<Candidate>> {
        // A process that writes a snapshot, an index or a new run holds a claim.
        let mut candidates = temporary(&state.snapshots())?;
        candidates.extend(temporary(&state.indexes())?);
        candidates.extend(self.stale_indexes(state, removed, trees)?);
        let results = self.results.intersection(removed);
        candidates.extend(results.map(|key| Candidate::leftover(state.result(key))));
        let flake_lock = |digest: &Digest| RemovalGuard::Lock(state.flake_lock(digest));
        for folder in self.stores.iter().chain([&state.flakes()]) {
            let draft = |name: OsString| Some((folder.join(&name), flake_of_temporary(name.to_str()?)?));
            let drafts = entry_names(folder)?.into_iter().filter_map(draft);
            candidates.extend(
                drafts.map(|(path, digest)| Candidate { guard: flake_lock(&digest), ..Candidate::leftover(path) }),
            );
        }
        candidates.extend(temporary(&state.runs())?);
        // A writer of a file in one of these folders holds a share of the folder.
        for folder in [state.folder(), state.results()] {
            let guard = RemovalGuard::Folder(folder.clone());
            candidates
                .extend(temporary(&folder)?.into_iter().map(|leftover| Candidate { guard: guard.clone(), ..leftover }));
        }
        Ok(candidates)
    }

    /// Returns the seals of absent snapshots, and the indexes of absent source trees.
    fn stale_indexes(
        &self,
        state: &StateLayout,
        removed: &BTreeSet<Digest>,
        trees: &[&Path],
    ) -> Result<Vec<Candidate>> {
        let trees = trees.iter().filter(|tree| tree.is_dir()).map(|tree| state.snapshot_index(tree));
        let trees: BTreeSet<Beneath> = trees.collect();
        let is_stale = |name: &OsString| match name.to_str().and_then(|name| name.strip_suffix(SEAL_SUFFIX)) {
            // A removed snapshot takes its seal with it.
            Some(sealed) => digest(sealed.as_ref())
                .is_some_and(|sealed| !self.snapshots.contains(&sealed) && !removed.contains(&sealed)),
            None => digest(name).is_some() && !trees.contains(&state.indexes().join(name)),
        };
        let names = entry_names(&state.indexes())?.into_iter().filter(is_stale);
        Ok(names.map(|name| Candidate::leftover(state.indexes().join(name))).collect())
    }
}

fn temporary(folder: &Beneath) -> Result<Vec<Candidate>> {
    let temporary = entry_names(folder)?.into_iter().filter(|name| is_temporary(name));
    Ok(temporary.map(|name| Candidate::leftover(folder.join(name))).collect())
}

/// Returns the flake of a temporary name: of pikaci for the flake itself, or of Nix for its GC root.
fn flake_of_temporary(name: &str) -> Option<Digest> {
    let by_pikaci = name.strip_prefix(TEMPORARY_PREFIX).and_then(|rest| rest.get(..64));
    let by_nix = || Some(name.split_once(".tmp-")?.0);
    let by_older_nix = || {
        let (number, digest) = name.strip_prefix('.')?.split_once('_')?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then_some(digest)
    };
    Digest::try_from(by_pikaci.or_else(by_nix).or_else(by_older_nix)?.to_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::flake_of_temporary;
    use crate::id::Digest;

    #[test]
    fn a_temporary_name_contains_its_flake() {
        let digest = Digest::of(b"");
        for (name, is_temporary) in [
            (format!(".tmp-{digest}-aB3"), true),
            (format!(".0_{digest}"), true),
            (format!("{digest}.tmp-4711-1157962814"), true),
            (format!("{digest}.tmp"), false),
            (format!(".x_{digest}"), false),
            (digest.to_string(), false),
            (".tmp-aB3".to_owned(), false),
            (format!(".tmp-{}é", &digest.as_str()[..63]), false),
        ] {
            assert_eq!(flake_of_temporary(&name), is_temporary.then(|| digest.clone()), "{name}");
        }
    }
}
