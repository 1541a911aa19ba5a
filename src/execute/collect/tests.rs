//! Tars as an enemy would write them.

use std::io::Read as _;
use std::path::Path;

use tar::{Builder, EntryType, Header};

use super::{Artifact, unpack, unpack_at_most};

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
    std::fs::write(&disk, bytes).unwrap();
    let result = unpack(&disk, &folder.path().join("artifacts"));
    (folder, result.map(|manifest| manifest.files))
}

#[test]
fn plain_files_arrive() {
    let (folder, files) = unpacked(&[header(EntryType::Regular, b"./build/test.log", 700)]);
    assert_eq!(files.unwrap(), [Artifact { path: "./build/test.log".into(), len: 700 }]);
    assert_eq!(std::fs::read(folder.path().join("artifacts/build/test.log")).unwrap(), [b'x'; 700]);
}

#[test]
fn nothing_leaves_the_folder() {
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

/// Writes a tar of files with these names, long ones as busybox does, and unpacks it.
fn named(names: &mut dyn Iterator<Item = String>) -> (tempfile::TempDir, anyhow::Result<Vec<Artifact>>) {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    let mut builder = Builder::new(std::io::BufWriter::new(std::fs::File::create(&disk).unwrap()));
    for name in names {
        if name.len() > 99 {
            let long = header(EntryType::GNULongName, b"././@LongLink", name.len() as u64 + 1);
            builder.append(&long, format!("{name}\0").as_bytes()).unwrap();
        }
        let short = &name.as_bytes()[..name.len().min(99)];
        builder.append(&header(EntryType::Regular, short, 1), &b"x"[..]).unwrap();
    }
    drop(builder.into_inner().unwrap());
    let result = unpack(&disk, &folder.path().join("artifacts"));
    (folder, result.map(|manifest| manifest.files))
}

#[test]
fn long_names_arrive_and_longer_ones_are_refused() {
    let long = ["folder"; 50].join("/");
    let (folder, files) = named(&mut [long.clone(), "short".to_owned()].into_iter());
    let names: Vec<String> = files.unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(names, [long.clone(), "short".to_owned()]);
    assert_eq!(std::fs::read(folder.path().join("artifacts").join(long)).unwrap(), b"x");

    let refused = |name: String| named(&mut std::iter::once(name)).1.unwrap_err().to_string();
    assert_eq!(refused("./".repeat(2049)), "the name of an artifact has more than 4096 bytes");
    assert!(refused("a/".repeat(101) + "b").ends_with("lies deeper than 100 folders"));
}

#[test]
fn a_long_name_takes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::write(&disk, header(EntryType::GNULongName, b"././@LongLink", 1 << 50).as_bytes()).unwrap();
    std::fs::File::options().write(true).open(&disk).unwrap().set_len(1 << 40).unwrap();
    let error = unpack(&disk, &folder.path().join("artifacts")).unwrap_err();
    assert_eq!(error.to_string(), "the name of an artifact has more than 4096 bytes");
}

#[test]
fn files_and_folders_are_counted() {
    let unpacked = |most: u64, name: fn(u64) -> String| {
        let (folder, files) = named(&mut (0..10).map(name));
        assert_eq!(files.unwrap().len(), 10);
        let (disk, artifacts) = (folder.path().join("disk"), folder.path().join("again"));
        unpack_at_most(most, &disk, &artifacts).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(unpacked(30, |number| format!("{number}/a/b/file")), Ok(()));
    let folders = unpacked(29, |number| format!("{number}/a/b/file"));
    assert_eq!(folders, Err("the job brought back more than 29 folders".to_owned()));
    assert_eq!(unpacked(10, |number| number.to_string()), Ok(()));
    assert!(unpacked(9, |number| number.to_string()).unwrap_err().contains("more than 9 artifacts"));
}

#[test]
fn a_file_given_twice_is_refused() {
    let twice = header(EntryType::Regular, b"a", 1);
    assert!(unpacked(&[twice.clone(), twice]).1.is_err());
}

#[test]
fn noise_is_an_error_and_an_empty_disk_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::write(&disk, vec![0x5a; 4096]).unwrap();
    assert!(unpack(&disk, &folder.path().join("a")).is_err());
    std::fs::write(&disk, vec![0; 4096]).unwrap();
    assert_eq!(unpack(&disk, &folder.path().join("b")).unwrap().files, []);
}
