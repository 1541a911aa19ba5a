//! The guest contract, read by busybox, whose shell and grep are those of a guest.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use globset::GlobBuilder;
use pikaci::guest::{Request, encode_request, extended_regex};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use crate::support::guest::{PIECE, request, step};
use crate::support::tools::tool_command;

fn busybox(args: &[&str], stdin: &[u8]) -> Vec<u8> {
    let mut command = tool_command("busybox");
    command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("busybox starts");
    child.stdin.take().expect("it is piped").write_all(stdin).expect("busybox reads");
    child.wait_with_output().expect("busybox ends").stdout
}

fn unpack(request: &Request) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("creating a folder");
    let bytes = encode_request(request).expect("the request is valid");
    assert_eq!(bytes.len() % 512, 0, "a disk has whole blocks");
    busybox(&["tar", "-x", "-f", "-", "-C", &folder.path().to_string_lossy()], &bytes);
    folder
}

/// Sources a file of the request as the agent does, then runs a script.
fn source(file: &Path, script: &str) -> Vec<u8> {
    busybox(&["sh", "-c", &format!(". {}; {script}", file.display())], b"")
}

#[test]
fn the_agent_reads_every_request() {
    let folder = unpack(&request());
    let settings = source(
        &folder.path().join("settings"),
        r#"printf '%s|' "$uid" "$timeout" "$epoch" "$network" "$artifacts_root""#,
    );
    assert_eq!(String::from_utf8(settings).unwrap(), "1000|60|1800000000|true|/work's|");
    let calls = |file: &str| std::fs::read_to_string(folder.path().join(file)).unwrap();
    assert_eq!(calls("shares"), "share workspace '/work'\\''s' overlay\n");
    assert_eq!(calls("roots"), "under 'build'\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn commands_and_variables_arrive_byte_for_byte(
        command in vec("[^\0]{0,12}|['\"\\\\$`\n ;é]{0,6}", 1..5),
        env in btree_map("[A-Z_][A-Za-z0-9_]{0,6}", "[^\0]{0,12}|['\"\\\\$`\n ;é]{0,6}", 0..4),
    ) {
        // The test needs these two: the path of busybox, and a variable that the shell sets itself.
        prop_assume!(!env.contains_key("PATH") && !env.contains_key("_"));
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let request = Request { steps: vec![step(&words)], env: env.clone(), ..request() };
        let folder = unpack(&request);
        let mut prints = vec![r#"printf '%s\0' "$pikaci_workdir" "$@""#.to_owned()];
        prints.extend(env.keys().map(|name| format!(r#"printf '%s\0' "${name}""#)));
        let mut expected = vec!["/workspace".to_owned()];
        expected.extend(command);
        expected.extend(env.into_values());
        let expected: Vec<u8> = expected.into_iter().flat_map(|text| (text + "\0").into_bytes()).collect();
        let step = folder.path().join("step-0");
        let script = format!(". '{}'; {}", step.display(), prints.join("; "));
        prop_assert_eq!(source(&folder.path().join("job"), &script), expected);
    }

    #[test]
    fn grep_and_globset_select_the_same_paths(
        globs in vec(vec(PIECE, 1..6), 1..8),
        paths in vec("[abcé☃.,/!^\\-\\]\\[+$()|\\\\ *]{1,8}|(a|b|c|é)(/(a|b|c|é)){0,3}", 20),
    ) {
        let input = paths.join("\n");
        for glob in globs.iter().map(|pieces| pieces.concat()) {
            let Ok(expression) = extended_regex(&glob) else { continue };
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &expression).unwrap();
            let chosen = busybox(&["grep", "-E", "-f", file.path().to_str().unwrap()], (input.clone() + "\n").as_bytes());
            let matcher = GlobBuilder::new(&glob).literal_separator(true).build().unwrap().compile_matcher();
            let expected: Vec<&str> = paths.iter().map(String::as_str).filter(|path| matcher.is_match(path)).collect();
            let chosen = String::from_utf8(chosen).unwrap();
            let chosen: Vec<&str> = chosen.lines().collect();
            prop_assert_eq!(chosen, expected, "{} as {}", glob, expression.escape_ascii());
        }
    }
}
