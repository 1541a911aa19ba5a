//! The list of changed files that the operator gives.

#![expect(clippy::disallowed_types, reason = "opens the list")]

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path};

use anyhow::{Context as _, anyhow};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// Maximum size of a list, in bytes.
const LIMIT: u64 = 64 << 20;

/// Reads a list of changed files; `-` is standard input.
pub fn read_changed_files(list: &Path) -> Result<Vec<String>, Failure> {
    let is_stdin = list == Path::new("-");
    let name = if is_stdin { "standard input".to_owned() } else { list.display().to_string() };
    let bytes = if is_stdin { read_all(io::stdin()) } else { File::open(list).and_then(read_all) };
    let bytes = bytes
        .with_context(|| format!("reading {name}"))
        .map_err(|error| Failure::new(Exit::Usage, error).hint("name a readable file, or - for standard input"))?;
    if bytes.len() as u64 > LIMIT {
        let error = anyhow!("{name} has more than {LIMIT} bytes");
        return Err(Failure::new(Exit::Usage, error).hint("pikaci run --all"));
    }
    parse_list(&bytes).map_err(|problem| {
        let error = anyhow!("{name}:{}: {}", problem.line, problem.message);
        Failure::new(Exit::Usage, error).hint(problem.hint)
    })
}

fn read_all(stream: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(LIMIT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A line that names no file of a project.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    line: usize,
    message: &'static str,
    hint: &'static str,
}

fn parse_list(bytes: &[u8]) -> Result<Vec<String>, Problem> {
    let has_nul = bytes.contains(&0);
    let separator = if has_nul { 0 } else { b'\n' };
    let mut files = Vec::new();
    for (number, name) in (1..).zip(bytes.split(|byte| *byte == separator)) {
        let name = if has_nul { name } else { name.strip_suffix(b"\r").unwrap_or(name) };
        let name = String::from_utf8_lossy(name);
        let name = name.strip_prefix("./").unwrap_or(&name);
        let problem = |message, hint| Err(Problem { line: number, message, hint });
        if !has_nul && name.len() > 1 && name.starts_with('"') && name.ends_with('"') {
            return problem("git quotes this name", "separate names by NUL: git diff --name-only -z …");
        }
        if Path::new(name).components().any(|part| !matches!(part, Component::Normal(_))) {
            return problem("this name leads out of the project", "write names relative to the folder of pikaci.nix");
        }
        if !name.is_empty() {
            files.push(name.to_owned());
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::parse_list;

    #[test]
    fn names_are_separated_by_nul_or_by_lines() {
        assert_eq!(parse_list(b"").unwrap(), [""; 0]);
        assert_eq!(parse_list(b"a b\r\n\n./src/c.rs\n").unwrap(), ["a b", "src/c.rs"]);
        assert_eq!(parse_list(b"a\nb\0\"c\"\0").unwrap(), ["a\nb", "\"c\""]);
    }

    #[test]
    fn a_name_of_no_file_in_the_project_is_refused_with_its_line() {
        for (list, line, message) in [
            ("a\n/etc/passwd\n", 2, "this name leads out of the project"),
            ("../a", 1, "this name leads out of the project"),
            ("a\n\n\"caf\\303\\251\"\n", 3, "git quotes this name"),
        ] {
            let problem = parse_list(list.as_bytes()).unwrap_err();
            assert_eq!((problem.line, problem.message), (line, message), "{list}");
        }
    }
}
