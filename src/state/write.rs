//! Atomic writing of files.

use std::fs::Permissions;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result};
use serde::Serialize;
use tempfile::NamedTempFile;

use super::file_lock::FileLock;
use super::sync::sync_folder;
use super::temporary_name::TEMPORARY_PREFIX;
use crate::failpoint::{Moment, Point, reach, run_step};
use crate::foreign::Beneath;

/// Permissions of a file of the state folder.
const OWN_MODE: u32 = 0o600;
/// Permissions of a file of a project, which the umask of the operator limits.
const PROJECT_MODE: u32 = 0o666;

/// Writes a file atomically: at any moment, even after a power loss, it holds either its old content or all of `bytes`.
///
/// # Errors
/// When the file's folder is missing or can't be written.
pub fn write_atomic(point: Point, path: &Beneath, bytes: &[u8]) -> Result<()> {
    let name = |file: NamedTempFile| file.persist(path).map(drop).map_err(io::Error::from);
    place(point, path, bytes, OWN_MODE, name).with_context(|| format!("writing {}", path.display()))
}

/// Writes a file of a project atomically, unless something has its name already. Returns false if something has.
///
/// # Errors
/// When the file's folder is missing or can't be written.
pub fn write_new(point: Point, path: &Beneath, bytes: &[u8]) -> Result<bool> {
    let name = |file: NamedTempFile| file.persist_noclobber(path).map(drop).map_err(io::Error::from);
    match place(point, path, bytes, PROJECT_MODE, name) {
        Err(error)
            if error.downcast_ref().is_some_and(|error: &io::Error| error.kind() == ErrorKind::AlreadyExists) =>
        {
            Ok(false)
        }
        placed => placed.map(|()| true).with_context(|| format!("writing {}", path.display())),
    }
}

/// Writes a temporary file, and gives it its name by `name`.
fn place(
    point: Point,
    path: &Beneath,
    bytes: &[u8],
    mode: u32,
    name: impl FnOnce(NamedTempFile) -> io::Result<()>,
) -> Result<()> {
    reach(point, Moment::Before)?;
    let folder = folder_of(path)?;
    let (_lock, file) = write_temporary(&folder, bytes, mode)?;
    file.as_file().sync_all()?;
    reach(point, Moment::Synced)?;
    name(file)?;
    reach(point, Moment::Renamed)?;
    sync_folder(&folder)?;
    Ok(reach(point, Moment::After)?)
}

fn folder_of(path: &Beneath) -> Result<Beneath> {
    path.parent().context("the path is the folder itself")
}

/// Writes a temporary file. The lock keeps a garbage collection from removing the file.
fn write_temporary(folder: &Beneath, bytes: &[u8], mode: u32) -> Result<(FileLock, NamedTempFile)> {
    let lock = FileLock::share_folder(folder)?;
    let permissions = Permissions::from_mode(mode);
    let mut file = tempfile::Builder::new().prefix(TEMPORARY_PREFIX).permissions(permissions).tempfile_in(folder)?;
    file.write_all(bytes)?;
    Ok((lock, file))
}

/// Writes a value as indented JSON, atomically.
///
/// # Errors
/// As [`write_atomic`], and when JSON can't represent the value.
pub fn write_json(point: Point, path: &Beneath, value: &impl Serialize) -> Result<()> {
    write_atomic(point, path, &encode(path, value)?)
}

/// Writes a value as indented JSON, atomically for readers, but without a sync. A power loss may tear the file, so it
/// must be computable from synced files.
///
/// # Errors
/// As [`write_json`].
pub fn write_view(point: Point, path: &Beneath, value: &impl Serialize) -> Result<()> {
    let text = encode(path, value)?;
    let written = run_step(point, || {
        let (_lock, file) = write_temporary(&folder_of(path)?, &text, OWN_MODE)?;
        anyhow::Ok(file.persist(path)?)
    });
    written.map(drop).with_context(|| format!("writing {}", path.display()))
}

fn encode(path: &Beneath, value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value).with_context(|| format!("encoding {}", path.display()))?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files of their own")]
#[cfg_attr(feature = "failpoints", expect(clippy::disallowed_types, reason = "a test runs itself again"))]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::{write_atomic, write_json, write_new};
    use crate::failpoint::Point;
    use crate::foreign::Beneath;
    use crate::state::read_json::read_json;

    #[test]
    fn json_is_indented_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("a.json");
        let value = BTreeMap::from([("a".to_owned(), 1)]);
        write_json(Point::Plan, &path, &value).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"a\": 1\n}\n");
        assert_eq!(read_json::<BTreeMap<String, i32>>(&path).unwrap(), value);
    }

    #[test]
    fn a_replaced_file_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("a");
        write_atomic(Point::Plan, &path, b"one").unwrap();
        write_atomic(Point::Plan, &path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_never_replaces_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("a");
        assert!(write_new(Point::JobFile, &path, b"one").unwrap());
        assert!(!write_new(Point::JobFile, &path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        let link = Beneath::new(folder.path()).join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert!(!write_new(Point::JobFile, &link, b"two").unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(write_new(Point::JobFile, &path.join("b"), b"").unwrap_err().to_string().starts_with("writing "));
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

    /// Runs this test again in a process of its own, because a failpoint holds for the whole process.
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
