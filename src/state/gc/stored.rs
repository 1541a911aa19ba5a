//! What runs share: snapshots, flakes and GC roots, and what killed processes left beside them.

#![expect(clippy::disallowed_methods, reason = "looks at the state folder and at source trees")]

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::Result;

use super::survey::names;
use super::{Hold, Item};
use crate::foreign::Beneath;
use crate::id::Digest;
use crate::report::Kind;
use crate::state::{StateLayout, TEMPORARY_PREFIX, is_temporary};

/// What is stored, by its digests.
pub(super) struct Stored {
    snapshots: BTreeSet<Digest>,
    flakes: BTreeSet<Digest>,
    /// The folders of GC roots.
    stores: Vec<Beneath>,
    roots: Vec<(Beneath, Digest)>,
}

/// Looks at what is stored.
pub(super) fn look(state: &StateLayout) -> Result<Stored> {
    let stores: Vec<Beneath> = names(&state.runners())?.iter().map(|store| state.runners().join(store)).collect();
    let mut roots = Vec::new();
    for store in &stores {
        roots.extend(digests(store)?.into_iter().map(|digest| (store.clone(), digest)));
    }
    Ok(Stored { snapshots: digests(&state.snapshots())?, flakes: digests(&state.flakes())?, stores, roots })
}

fn digests(folder: &Beneath) -> Result<BTreeSet<Digest>> {
    Ok(names(folder)?.iter().filter_map(|name| digest(name)).collect())
}

fn digest(name: &OsStr) -> Option<Digest> {
    Digest::try_from(name.to_str()?.to_owned()).ok()
}

impl Stored {
    /// Returns all digests.
    pub(super) fn digests(&self) -> BTreeSet<Digest> {
        let roots = self.roots.iter().map(|(_, digest)| digest);
        self.snapshots.iter().chain(&self.flakes).chain(roots).cloned().collect()
    }

    /// Returns what has one of these digests.
    pub(super) fn without(&self, state: &StateLayout, going: &BTreeSet<Digest>) -> Vec<Item> {
        let item = |kind, paths| Item { kind, paths, hold: Hold::Nothing };
        let snapshot = |digest| item(Kind::Snapshot, vec![state.snapshot(digest), state.snapshot_seal(digest)]);
        let roots = self.roots.iter().filter(|(_, digest)| going.contains(digest));
        let roots = roots.map(|(store, digest)| item(Kind::Root, vec![store.join(digest.as_str())]));
        let flakes = self.flakes.intersection(going).map(|digest| item(Kind::Flake, vec![state.flake(digest)]));
        roots.chain(flakes).chain(self.snapshots.intersection(going).map(snapshot)).collect()
    }

    /// Returns what no process that is there works on and no other one can use; nobody has a claim.
    pub(super) fn leftovers(
        &self,
        state: &StateLayout,
        going: &BTreeSet<Digest>,
        trees: &[&Path],
    ) -> Result<Vec<Item>> {
        // Who copies a tree, remembers it or begins a run has a claim.
        let mut items = temporary(&state.snapshots())?;
        items.extend(temporary(&state.indexes())?);
        items.extend(self.stale_indexes(state, going, trees)?);
        let flake_lock = |digest: &Digest| Hold::Lock(state.lock(&format!("flake-{digest}")));
        for folder in self.stores.iter().chain([&state.flakes()]) {
            let draft = |name: OsString| Some((folder.join(&name), drafted(name.to_str()?)?));
            let drafts = names(folder)?.into_iter().filter_map(draft);
            items.extend(drafts.map(|(path, digest)| Item { hold: flake_lock(&digest), ..Item::leftover(path) }));
        }
        items.extend(temporary(&state.runs())?);
        // Whoever writes in the state folder itself has a share of it.
        let in_root = Hold::Folder(state.folder());
        items.extend(temporary(&state.folder())?.into_iter().map(|item| Item { hold: in_root.clone(), ..item }));
        Ok(items)
    }

    /// Returns what is known of snapshots and trees that aren't there any more.
    fn stale_indexes(&self, state: &StateLayout, going: &BTreeSet<Digest>, trees: &[&Path]) -> Result<Vec<Item>> {
        let trees = trees.iter().filter(|tree| tree.is_dir()).map(|tree| state.snapshot_index(tree));
        let trees: BTreeSet<Beneath> = trees.collect();
        let is_stale = |name: &OsString| match name.to_str().and_then(|name| name.strip_suffix(".seal")) {
            // That of a snapshot that goes goes with it.
            Some(sealed) => {
                digest(sealed.as_ref()).is_some_and(|it| !self.snapshots.contains(&it) && !going.contains(&it))
            }
            None => digest(name).is_some() && !trees.contains(&state.indexes().join(name)),
        };
        let names = names(&state.indexes())?.into_iter().filter(is_stale);
        Ok(names.map(|name| Item::leftover(state.indexes().join(name))).collect())
    }
}

fn temporary(folder: &Beneath) -> Result<Vec<Item>> {
    let temporary = names(folder)?.into_iter().filter(|name| is_temporary(name));
    Ok(temporary.map(|name| Item::leftover(folder.join(name))).collect())
}

/// Returns the flake whose draft a name is: pikaci's of the flake itself, or Nix's of its GC root.
fn drafted(name: &str) -> Option<Digest> {
    let ours = name.strip_prefix(TEMPORARY_PREFIX).and_then(|rest| rest.get(..64));
    let of_nix = || Some(name.split_once(".tmp-")?.0);
    let of_older_nix = || {
        let (number, digest) = name.strip_prefix('.')?.split_once('_')?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then_some(digest)
    };
    Digest::try_from(ours.or_else(of_nix).or_else(of_older_nix)?.to_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::drafted;
    use crate::id::Digest;

    #[test]
    fn a_drafts_name_tells_whose_it_is() {
        let digest = Digest::of(b"");
        for (name, is_draft) in [
            (format!(".tmp-{digest}-aB3"), true),
            (format!(".0_{digest}"), true),
            (format!("{digest}.tmp-4711-1157962814"), true),
            (format!("{digest}.tmp"), false),
            (format!(".x_{digest}"), false),
            (digest.to_string(), false),
            (".tmp-aB3".to_owned(), false),
            (format!(".tmp-{}é", &digest.as_str()[..63]), false),
        ] {
            assert_eq!(drafted(&name), is_draft.then(|| digest.clone()), "{name}");
        }
    }
}
