//! Tars of a hostile guest.

#![expect(clippy::disallowed_methods, reason = "tests create disks and read the unpacked files")]

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use tar::{Builder, EntryType, Header};

use super::{ArtifactDisk, unpack_at_most};
use crate::execute::collect::gather_artifacts;
use crate::execute::writable_disk::WritableDisk;
use crate::id::Digest;
use crate::quota::Quota;
use crate::record::{Artifact, LeftOutFiles, Manifest};

/// A number of files above every real one, so that all are unpacked.
const ALL_FILES: u64 = u64::MAX;

fn unpack(disk: &Path, globs: &[String], folder: &Path) -> anyhow::Result<(Manifest, LeftOutFiles)> {
    ArtifactDisk(WritableDisk::of(File::open(disk).unwrap(), &Quota::unlimited())).unpack(ALL_FILES, globs, folder)
}

/// Unpacks a disk of a job whose glob matches every file, and returns the files.
fn unpack_all_files(disk: &Path, folder: &Path) -> anyhow::Result<Vec<Artifact>> {
    let (manifest, refused) = unpack(disk, &["**".to_owned()], folder)?;
    assert_eq!(refused.message(), None);
    Ok(manifest.files)
}

fn header(kind: EntryType, name: &[u8], size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o777);
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
    header.set_cksum();
    header
}

fn unpacked(headers: &[Header]) -> (tempfile::TempDir, anyhow::Result<Vec<Artifact>>) {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = Builder::new(Vec::new());
    for header in headers {
        builder.append(header, std::io::repeat(b'x').take(header.entry_size().unwrap())).unwrap();
    }
    let mut bytes = builder.into_inner().unwrap();
    bytes.resize(1 << 20, 0);
    let disk = folder.path().join("disk");
    fs::write(&disk, bytes).unwrap();
    let result = unpack_all_files(&disk, &folder.path().join("artifacts"));
    (folder, result)
}

#[test]
fn regular_files_are_unpacked() {
    let (folder, files) = unpacked(&[header(EntryType::Regular, b"./build/test.log", 700)]);
    let content = Some(Digest::of(&[b'x'; 700]));
    let program = Artifact { path: "build/test.log".into(), len: 700, mode: Some("755".to_owned()), sha256: content };
    assert_eq!(files.unwrap(), [program]);
    assert_eq!(fs::read(folder.path().join("artifacts/build/test.log")).unwrap(), [b'x'; 700]);
}

#[test]
fn unsafe_entries_are_refused() {
    let bad: &[(EntryType, &[u8])] = &[
        (EntryType::Regular, b"../escape"),
        (EntryType::Regular, b"/tmp/pikaci-escape"),
        (EntryType::Regular, b"a/../../escape"),
        (EntryType::Directory, b"folder"),
        (EntryType::XHeader, b"pax"),
        (EntryType::XGlobalHeader, b"pax"),
        (EntryType::GNULongLink, b"long link"),
        (EntryType::GNULongName, b"a long name of nothing"),
        (EntryType::GNUSparse, b"sparse"),
        (EntryType::Symlink, b"link"),
        (EntryType::Link, b"hard"),
        (EntryType::Block, b"device"),
        (EntryType::Fifo, b"fifo"),
    ];
    for (kind, name) in bad {
        let (folder, files) = unpacked(&[header(*kind, name, 0)]);
        assert!(files.is_err(), "{kind:?} {}", String::from_utf8_lossy(name));
        assert!(!folder.path().join("escape").exists());
        assert!(!Path::new("/tmp/pikaci-escape").exists());
    }
}

/// Writes a tar of files with these names, with long names as busybox writes them, and unpacks it.
fn unpacked_names(names: &mut dyn Iterator<Item = String>) -> (tempfile::TempDir, anyhow::Result<Vec<Artifact>>) {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    let mut builder = Builder::new(std::io::BufWriter::new(File::create(&disk).unwrap()));
    for name in names {
        if name.len() > 99 {
            let long = header(EntryType::GNULongName, b"././@LongLink", name.len() as u64 + 1);
            builder.append(&long, format!("{name}\0").as_bytes()).unwrap();
        }
        let short = &name.as_bytes()[..name.len().min(99)];
        builder.append(&header(EntryType::Regular, short, 1), &b"x"[..]).unwrap();
    }
    drop(builder.into_inner().unwrap());
    let result = unpack_all_files(&disk, &folder.path().join("artifacts"));
    (folder, result)
}

#[test]
fn long_names_are_unpacked_up_to_a_limit() {
    let long = ["folder"; 50].join("/");
    let (folder, files) = unpacked_names(&mut [long.clone(), "short".to_owned()].into_iter());
    let names: Vec<String> = files.unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(names, [long.clone(), "short".to_owned()]);
    assert_eq!(fs::read(folder.path().join("artifacts").join(long)).unwrap(), b"x");

    let refused = |name: String| unpacked_names(&mut std::iter::once(name)).1.unwrap_err().to_string();
    assert_eq!(refused("./".repeat(2049)), "the name of an artifact has more than 4096 bytes");
    assert!(refused("a/".repeat(101) + "b").ends_with("is deeper than 100 folders"));
}

#[test]
fn a_claimed_length_takes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    fs::write(&disk, header(EntryType::GNULongName, b"././@LongLink", 1 << 50).as_bytes()).unwrap();
    File::options().write(true).open(&disk).unwrap().set_len(1 << 40).unwrap();
    let error = unpack_all_files(&disk, &folder.path().join("artifacts")).unwrap_err();
    assert_eq!(error.to_string(), "the name of an artifact has more than 4096 bytes");
}

#[test]
fn the_numbers_of_files_and_folders_are_limited() {
    let unpacked = |max_files: u64, name: fn(u64) -> String| {
        let (folder, files) = unpacked_names(&mut (0..10).map(name));
        assert_eq!(files.unwrap().len(), 10);
        let (disk, artifacts) = (folder.path().join("disk"), folder.path().join("again"));
        let disk = File::open(disk).unwrap();
        unpack_at_most(max_files, &disk, ALL_FILES, &["**".to_owned()], &artifacts, &Quota::unlimited())
            .map(drop)
            .map_err(|error| error.to_string())
    };
    assert_eq!(unpacked(30, |number| format!("{number}/a/b/file")), Ok(()));
    let folders = unpacked(29, |number| format!("{number}/a/b/file"));
    assert_eq!(folders, Err("the job's artifacts have more than 29 folders".to_owned()));
    assert_eq!(unpacked(10, |number| number.to_string()), Ok(()));
    assert!(unpacked(9, |number| number.to_string()).unwrap_err().contains("more than 9 artifacts"));
}

#[test]
fn a_file_that_appears_twice_is_refused() {
    let twice = header(EntryType::Regular, b"a", 1);
    assert!(unpacked(&[twice.clone(), twice]).1.is_err());
}

#[test]
fn noise_is_an_error_and_an_empty_disk_has_no_artifacts() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    fs::write(&disk, vec![0x5a; 4096]).unwrap();
    assert!(unpack_all_files(&disk, &folder.path().join("a")).is_err());
    fs::write(&disk, vec![0; 4096]).unwrap();
    assert_eq!(unpack_all_files(&disk, &folder.path().join("b")).unwrap(), []);
}

/// The globs of a job, and the files in its workspace: true for an artifact. The rule is the same with and without a
/// guest.
const GLOBS: [&str; 3] = ["out/**", "*.txt", ".git*/x"];
const FILES: [(&str, bool); 12] = [
    ("a.txt", true),
    ("out/a", true),
    ("out/deep/er/b", true),
    (".github/x", true),
    ("out/.gitignore", true),
    ("secret", false),
    ("deep/a.txt", false),
    ("outer/a", false),
    (".git/x", false),
    ("out/.git/hooks/pre-commit", false),
    ("out/sub/.GIT/config", false),
    ("out/module/.git", false),
];

#[test]
fn artifacts_are_matching_files_outside_of_repositories() {
    let folder = tempfile::tempdir().unwrap();
    let globs = GLOBS.map(str::to_owned);
    let mut tar = Builder::new(Vec::new());
    for (name, _) in FILES {
        tar.append(&header(EntryType::Regular, name.as_bytes(), 1), &b"x"[..]).unwrap();
        let file = folder.path().join("workspace").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "x").unwrap();
    }
    let disk = folder.path().join("disk");
    fs::write(&disk, tar.into_inner().unwrap()).unwrap();
    let (manifest, refused) = unpack(&disk, &globs, &folder.path().join("guest")).unwrap();
    let gathered = gather_artifacts(
        &folder.path().join("workspace"),
        &globs,
        &folder.path().join("none"),
        1024,
        &Quota::unlimited(),
    )
    .unwrap();
    let names = |manifest: &Manifest| manifest.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
    let mut expected: Vec<&str> = FILES.iter().filter(|(_, taken)| *taken).map(|(name, _)| *name).collect();
    expected.sort_unstable();
    assert_eq!(names(&manifest), expected);
    assert_eq!(names(&gathered), expected);
    for (name, taken) in FILES {
        for artifacts in ["guest", "none"] {
            assert_eq!(folder.path().join(artifacts).join(name).exists(), taken, "{artifacts} {name}");
        }
    }
    assert_eq!(refused.count(), 7);
    assert_eq!(
        refused.message().unwrap(),
        "artifacts were left out: \"secret\" matches no glob of the job, \"deep/a.txt\" matches no glob of the job, \
         \"outer/a\" matches no glob of the job, and 4 more"
    );
}

#[test]
fn the_name_of_a_refused_file_is_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    fs::write(&disk, header(EntryType::Regular, b".git/\x1b[2J", 0).as_bytes()).unwrap();
    let (manifest, refused) = unpack(&disk, &["**".to_owned()], &folder.path().join("a")).unwrap();
    assert_eq!(manifest.files, []);
    assert_eq!(refused.message().unwrap(), r#"artifacts were left out: ".git/\u{1b}[2J" is part of a repository"#);
}

#[test]
fn the_created_disk_is_read_even_if_its_path_was_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk");
    let made = ArtifactDisk::make(&path, 1024, &Quota::unlimited()).unwrap();
    // Writes as a hypervisor does, through the same descriptor.
    let mut tar = Builder::new(made.0.file());
    tar.append(&header(EntryType::Regular, b"a", 1), &b"x"[..]).unwrap();
    tar.into_inner().unwrap().flush().unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    let (manifest, _) = made.unpack(1, &["a".to_owned()], &folder.path().join("artifacts")).unwrap();
    assert_eq!(manifest.files.iter().map(|file| (file.path.as_str(), file.len)).collect::<Vec<_>>(), [("a", 1)]);
    assert!(ArtifactDisk::make(&path, 1024, &Quota::unlimited()).is_err(), "a link is followed");
}

/// Returns the bytes that the files of a folder use on the disk.
fn used_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let sizes =
        entries.map(|path| if path.is_dir() { used_bytes(&path) } else { fs::metadata(path).unwrap().blocks() * 512 });
    sizes.sum()
}

#[test]
fn several_large_disks_stay_within_the_quota() {
    const TOTAL: u64 = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let quota = Quota::new(TOTAL);
    let unpacked = (0..6).map(|attempt| {
        let (path, artifacts) = (folder.path().join("disk"), folder.path().join(format!("artifacts-{attempt}")));
        let disk = ArtifactDisk::make(&path, 1024, &quota).unwrap();
        // A file with content, and a larger one that exists in its header only.
        let mut tar = Builder::new(disk.0.file());
        tar.append(&header(EntryType::Regular, b"a/there", 150_000), std::io::repeat(b'x').take(150_000)).unwrap();
        tar.append(&header(EntryType::Regular, b"a/zeros", 90 << 20), std::io::empty()).unwrap();
        tar.into_inner().unwrap();
        assert!(disk.0.charge() || quota.left() == 0);
        let files = disk.unpack(2, &["**".to_owned()], &artifacts).map(|(manifest, _)| manifest.files);
        drop(disk);
        fs::remove_file(path).unwrap();
        if let Err(error) = &files {
            assert_eq!(error.to_string(), "the run used up its disk quota of 1048576 bytes");
            assert!(!artifacts.exists());
        }
        assert!(used_bytes(folder.path()) <= TOTAL - quota.left(), "{} of {quota:?}", used_bytes(folder.path()));
        files.is_ok()
    });
    assert_eq!(unpacked.collect::<Vec<_>>(), [true, true, true, true, true, false]);
}

#[test]
fn a_failed_unpack_removes_its_files_and_gives_the_quota_back() {
    let folder = tempfile::tempdir().unwrap();
    let quota = Quota::new(1 << 20);
    let disk = ArtifactDisk::make(&folder.path().join("disk"), 1024, &quota).unwrap();
    let mut tar = Builder::new(disk.0.file());
    tar.append(&header(EntryType::Regular, b"a/file", 9000), std::io::repeat(b'x').take(9000)).unwrap();
    tar.append(&header(EntryType::Symlink, b"link", 0), std::io::empty()).unwrap();
    tar.into_inner().unwrap();
    let artifacts = folder.path().join("artifacts");
    assert!(disk.unpack(ALL_FILES, &["**".to_owned()], &artifacts).is_err());
    assert!(!artifacts.exists());
    assert_eq!(quota.left(), quota.total());
}
