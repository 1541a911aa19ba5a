//! Files that are there whole or not at all.

use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

use anyhow::{Context as _, Result, ensure};
use rustix::fs::{Mode, OFlags};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use super::{FileLock, TEMPORARY_PREFIX};
use crate::failpoint::{Moment, Point, around, reach};
use crate::foreign::Beneath;

/// The longest record that is read, in bytes.
const RECORD_LIMIT: u64 = 64 << 20;

/// Writes a file so that at any moment, power loss included, it holds what it held before or all of `bytes`.
///
/// # Errors
/// When the file's folder is missing or can't be written.
pub fn write_atomic(point: Point, path: &Beneath, bytes: &[u8]) -> Result<()> {
    replace(point, path, bytes).with_context(|| format!("writing {}", path.display()))
}

fn replace(point: Point, path: &Beneath, bytes: &[u8]) -> Result<()> {
    reach(point, Moment::Before)?;
    let folder = folder_of(path)?;
    let (_writing, file) = draft(&folder, bytes)?;
    file.as_file().sync_all()?;
    reach(point, Moment::Synced)?;
    file.persist(path)?;
    reach(point, Moment::Renamed)?;
    sync_folder(&folder)?;
    Ok(reach(point, Moment::After)?)
}

fn folder_of(path: &Beneath) -> Result<Beneath> {
    path.parent().context("it is the folder itself")
}

/// Writes a file that has no name yet; who cleans the folder waits as long for what is temporary in it.
fn draft(folder: &Beneath, bytes: &[u8]) -> Result<(FileLock, NamedTempFile)> {
    let writing = FileLock::share_of_folder(folder)?;
    let mut file = tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempfile_in(folder)?;
    file.write_all(bytes)?;
    Ok((writing, file))
}

/// Makes the names in a folder survive a power loss.
///
/// # Errors
/// When the folder can't be opened or synced.
pub fn sync_folder(folder: &Beneath) -> Result<()> {
    folder.open_folder().and_then(|file| file.sync_all()).with_context(|| format!("syncing {}", folder.display()))
}

/// Makes what was appended to a file survive a power loss.
///
/// # Errors
/// When the file can't be opened or synced.
pub fn sync_file(path: &Beneath) -> Result<()> {
    path.open().and_then(|file| file.sync_data()).with_context(|| format!("syncing {}", path.display()))
}

/// Writes a value as readable JSON, atomically.
///
/// # Errors
/// As [`write_atomic`], and when the value is none that JSON can hold.
pub fn write_json(point: Point, path: &Beneath, value: &impl Serialize) -> Result<()> {
    write_atomic(point, path, &encode(path, value)?)
}

/// Writes a value as readable JSON that is there whole or not at all for whoever looks, but not after a power loss: for
/// what can be told again from what was synced.
///
/// # Errors
/// As [`write_json`].
pub fn write_view(point: Point, path: &Beneath, value: &impl Serialize) -> Result<()> {
    let text = encode(path, value)?;
    let written = around(point, || {
        let (_writing, file) = draft(&folder_of(path)?, &text)?;
        anyhow::Ok(file.persist(path)?)
    });
    written.map(drop).with_context(|| format!("writing {}", path.display()))
}

fn encode(path: &Beneath, value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value).with_context(|| format!("encoding {}", path.display()))?;
    text.push(b'\n');
    Ok(text)
}

/// Reads a record, a plan or a log of events.
///
/// # Errors
/// When it is no file, is longer than any that pikaci writes, or can't be read.
pub fn read_bounded(path: &Beneath) -> Result<Vec<u8>> {
    path.read(RECORD_LIMIT).with_context(|| format!("reading {}", path.display()))
}

/// Reads a value from a JSON file.
///
/// # Errors
/// When the file can't be read or isn't such a value.
pub fn read_json<T: DeserializeOwned>(path: &Beneath) -> Result<T> {
    serde_json::from_slice(&read_bounded(path)?).with_context(|| format!("decoding {}", path.display()))
}

/// Appends a line to a file, which is made where there is none; half a line that a crash left is ended first.
///
/// # Errors
/// When the file can't be written, or the line holds a line break.
pub fn append_line(path: &Beneath, line: &str) -> Result<()> {
    ensure!(!line.contains('\n'), "appending to {}: the line holds a line break", path.display());
    append(path, line).with_context(|| format!("appending to {}", path.display()))
}

fn append(path: &Beneath, line: &str) -> std::io::Result<()> {
    let mut file = path.regular(OFlags::RDWR | OFlags::APPEND | OFlags::CREATE, Mode::from(0o666))?;
    let mut last = [b'\n'];
    let len = file.metadata()?.len();
    if let Some(end) = len.checked_sub(1) {
        file.read_exact_at(&mut last, end)?;
    }
    let start = if last == *b"\n" { "" } else { "\n" };
    // One write, so that readers and other writers never see half a line.
    let written = file.write_all(format!("{start}{line}\n").as_bytes());
    if written.is_err() {
        // Where there was room for half of it, even that is too much.
        file.set_len(len).ok();
    }
    written
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files of their own")]
#[cfg_attr(feature = "failpoints", expect(clippy::disallowed_types, reason = "a test runs itself again"))]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::{append_line, read_json, write_atomic, write_json};
    use crate::failpoint::Point;
    use crate::foreign::Beneath;

    #[test]
    fn json_is_readable_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("a.json");
        let value = BTreeMap::from([("a".to_owned(), 1)]);
        write_json(Point::Plan, &path, &value).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"a\": 1\n}\n");
        assert_eq!(read_json::<BTreeMap<String, i32>>(&path).unwrap(), value);
    }

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("a");
        write_atomic(Point::Plan, &path, b"one").unwrap();
        write_atomic(Point::Plan, &path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn errors_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("none/a.json");
        assert!(write_atomic(Point::Plan, &path, b"").unwrap_err().to_string().starts_with("writing "));
        assert!(read_json::<i32>(&path).unwrap_err().to_string().contains("none/a.json"));
        fs::write(folder.path().join("half.json"), "{").unwrap();
        let error = read_json::<i32>(&Beneath::new(folder.path()).join("half.json")).unwrap_err();
        assert!(error.to_string().starts_with("decoding "), "{error}");
    }

    #[test]
    fn lines_are_appended_after_a_torn_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("events.jsonl");
        append_line(&path, "1").unwrap();
        append_line(&path, "2").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n2\n");
        fs::write(&path, "1\n{\"ha").unwrap();
        append_line(&path, "3").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n{\"ha\n3\n");
        assert!(append_line(&path, "4\n5").is_err());
    }

    /// Runs itself again as a process of its own, because a failpoint is there for the whole process.
    #[cfg(feature = "failpoints")]
    #[test]
    fn an_interrupted_write_leaves_the_old_file() {
        use std::process::Command;

        let Some(path) = std::env::var_os("PIKACI_TEST_WRITE").map(std::path::PathBuf::from) else {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a");
            for (action, survives, message) in [
                ("run.plan.before=return(no space)", "old", "no space"),
                ("run.plan.synced=return(no space)", "old", "no space"),
                ("run.plan.synced=panic(died)", "old", "died"),
                ("run.plan.renamed=return(no sync)", "new", "no sync"),
            ] {
                std::fs::write(&path, "old").unwrap();
                let output = Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "state::write::tests::an_interrupted_write_leaves_the_old_file", "--nocapture"])
                    .env("PIKACI_TEST_WRITE", &path)
                    .env("FAILPOINTS", action)
                    .output()
                    .unwrap();
                assert!(!output.status.success(), "{action}");
                let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(stderr.contains(message), "{action}: {stderr}");
                assert_eq!(fs::read_to_string(&path).unwrap(), survives, "{action}");
                assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{action}");
            }
            return;
        };
        let _scenario = fail::FailScenario::setup();
        let (folder, name) = (path.parent().unwrap(), path.file_name().unwrap());
        write_atomic(Point::Plan, &Beneath::new(folder).join(name), b"new").unwrap();
    }
}
