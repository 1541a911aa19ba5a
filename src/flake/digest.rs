//! The name of a flake: a digest of its files.

use sha2::{Digest as _, Sha256};

use super::rendered_flake::{FlakeContent, RenderedFlake};
use crate::id::Digest;

/// Prefix of the hashed bytes; a new layout of them gets a new number.
const DOMAIN: &[u8] = b"pikaci flake 1\n";

/// Returns the digest of names, modes and contents of a flake; the paths of blobs don't matter.
#[must_use]
pub fn digest(flake: &RenderedFlake) -> Digest {
    digest_files(flake.files.iter().map(|(name, file)| {
        let content = match &file.content {
            FlakeContent::Inline(bytes) => Digest::of(bytes),
            FlakeContent::Blob(blob) => blob.sha256.clone(),
        };
        (name.as_str(), file.executable, content)
    }))
}

/// Returns the digest of files: name, executable or not, digest of the content. The files come in the order of their
/// names.
pub fn digest_files<'a>(files: impl IntoIterator<Item = (&'a str, bool, Digest)>) -> Digest {
    let mut hasher = Sha256::new_with_prefix(DOMAIN);
    for (name, executable, content) in files {
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(name);
        hasher.update([u8::from(executable)]);
        hasher.update(content.as_str());
    }
    Digest::from_hasher(hasher)
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::prelude::*;

    use super::{digest, digest_files};
    use crate::facts::{BlobRef, Encoding};
    use crate::flake::{FlakeContent, FlakeFile, RenderedFlake};
    use crate::id::Digest;

    /// Returns flakes with short names and contents, so that two of them are often nearly equal.
    fn flakes() -> impl Strategy<Value = RenderedFlake> {
        let inline = |content: &str| FlakeContent::Inline(content.as_bytes().to_vec());
        let file = (any::<bool>(), "[ab]{0,2}")
            .prop_map(move |(executable, content)| FlakeFile { executable, content: inline(&content) });
        btree_map("[ab/]{1,3}", file, 0..4).prop_map(|files| RenderedFlake { files })
    }

    proptest! {
        #[test]
        fn only_equal_flakes_share_a_digest(a in flakes(), b in flakes()) {
            prop_assert_eq!(a == b, digest(&a) == digest(&b));
        }

        #[test]
        fn another_name_or_mode_is_another_digest(flake in flakes(), index: prop::sample::Index) {
            prop_assume!(!flake.files.is_empty());
            let name = flake.files.keys().nth(index.index(flake.files.len())).cloned().unwrap();
            let mut renamed = flake.clone();
            let file = renamed.files.remove(&name).unwrap();
            renamed.files.insert(format!("{name}x"), file);
            prop_assert_ne!(digest(&renamed), digest(&flake));
            let mut changed = flake.clone();
            changed.files.entry(name).and_modify(|file| file.executable = !file.executable);
            prop_assert_ne!(digest(&changed), digest(&flake));
        }
    }

    #[test]
    fn the_path_of_a_blob_changes_nothing() {
        let flake =
            |content| RenderedFlake { files: [("kernel".to_owned(), FlakeFile { executable: false, content })].into() };
        let blob = |path: &str, encoding| {
            FlakeContent::Blob(BlobRef { path: path.into(), encoding, len: 5, sha256: Digest::of(b"bytes") })
        };
        let inline = digest(&flake(FlakeContent::Inline(b"bytes".to_vec())));
        assert_eq!(digest(&flake(blob("/boot/a", Encoding::Plain))), inline);
        assert_eq!(digest(&flake(blob("/boot/b", Encoding::Xz))), inline);
    }

    #[test]
    fn a_name_cannot_imitate_another_file() {
        let content = Digest::of(b"");
        let one = digest_files([("a", false, content.clone()), ("b", false, content.clone())]);
        let joined = format!("a\0{content}{}b", "\u{1}\0\0\0\0\0\0\0");
        assert_ne!(one, digest_files([(joined.as_str(), false, content)]));
    }

    #[test]
    fn the_digest_stays_the_same_for_existing_folders() {
        let files = [("a", false, Digest::of(b"")), ("bin/b", true, Digest::of(b"x"))];
        let recomputed = "24f27930f28c26eb3ce4846afa47e82a8def820cc1b0156e1bd1844ebc70261a";
        assert_eq!(digest_files(files).as_str(), recomputed);
    }
}
