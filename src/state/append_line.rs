//! Appending to a log of events.

use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

use anyhow::{Context as _, Result, ensure};
use rustix::fs::{Mode, OFlags};

use crate::foreign::Beneath;

/// Appends a line to a file, and creates the file if it is absent. If a crash left half a line, a line break ends it
/// first.
///
/// # Errors
/// When the file can't be written, or the line contains a line break.
pub fn append_line(path: &Beneath, line: &str) -> Result<()> {
    ensure!(!line.contains('\n'), "appending to {}: the line contains a line break", path.display());
    append(path, line).with_context(|| format!("appending to {}", path.display()))
}

fn append(path: &Beneath, line: &str) -> std::io::Result<()> {
    let mut file = path.open_regular(OFlags::RDWR | OFlags::APPEND | OFlags::CREATE, Mode::from(0o666))?;
    let mut last_byte = [b'\n'];
    let len = file.metadata()?.len();
    if let Some(offset) = len.checked_sub(1) {
        file.read_exact_at(&mut last_byte, offset)?;
    }
    let start = if last_byte == *b"\n" { "" } else { "\n" };
    // With a single write, readers and other writers never get half a line.
    let written = file.write_all(format!("{start}{line}\n").as_bytes());
    if written.is_err() {
        // A full disk may have taken a part of the line.
        file.set_len(len).ok();
    }
    written
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files of their own")]
mod tests {
    use std::fs;

    use super::append_line;
    use crate::foreign::Beneath;

    #[test]
    fn a_line_is_appended_after_half_a_line() {
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
}
