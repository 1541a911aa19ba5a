//! The guest contract against busybox itself, whose shell and grep read it in a guest.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use globset::GlobBuilder;
use pikaci::guest::request::{RequestError, encode};
use pikaci::guest::{Access, Mount, Request, artifacts};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// What globs and paths are made of: everything that has a meaning in a glob or an expression, and some of the rest.
const PIECE: &str =
    r"[ab.é☃,/!^\-\]\[+$()|\\ ]|\*|\*\*|\*\*/|/\*\*|\?|\{a,b\}|\{a,\*\*/b\}|\[a-c\]|\[!a\]|\[\]\^-\]|\[é\]|\\\*";

fn busybox(args: &[&str], stdin: &[u8]) -> Vec<u8> {
    let mut command = Command::new("busybox");
    command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("starting busybox: {error}; run `make setup`"));
    child.stdin.take().expect("it is piped").write_all(stdin).expect("busybox reads");
    child.wait_with_output().expect("busybox ends").stdout
}

fn request() -> Request {
    Request {
        command: vec!["true".into()],
        env: BTreeMap::new(),
        workdir: "/workspace".into(),
        uid: 1000,
        timeout_secs: 60,
        artifacts: vec!["build/**/*.log".into()],
        shares: vec![Mount { tag: "workspace".into(), mount_point: "/work's".into(), access: Access::Overlay }],
        network: true,
        epoch_secs: 1_800_000_000,
    }
}

fn unpack(request: &Request) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let bytes = encode(request).expect("the request is a good one");
    assert_eq!(bytes.len() % 512, 0, "a disk has whole blocks");
    busybox(&["tar", "-x", "-f", "-", "-C", &folder.path().to_string_lossy()], &bytes);
    folder
}

/// Sources a file of the request as the agent does, then runs a script.
fn source(file: &Path, script: &str) -> Vec<u8> {
    busybox(&["sh", "-c", &format!(". {}; {script}", file.display())], b"")
}

#[test]
fn the_agent_reads_what_was_asked() {
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

#[test]
fn what_no_guest_can_be_told_is_refused() {
    let refused = |change: fn(&mut Request)| {
        let mut request = request();
        change(&mut request);
        encode(&request).unwrap_err()
    };
    assert!(matches!(refused(|r| r.command.clear()), RequestError::NoCommand));
    assert!(matches!(refused(|r| r.command.push("a\0b".into())), RequestError::Nul { .. }));
    assert!(matches!(refused(|r| r.workdir = "\0".into()), RequestError::Nul { .. }));
    assert!(matches!(refused(|r| r.shares[0].tag = "a,b".into()), RequestError::Tag(_)));
    assert!(matches!(refused(|r| r.artifacts.push("{".into())), RequestError::Pattern(_)));
    for name in ["", "1A", "A B", "A=B", "A;id", "É", "A\n", "pikaci_uid"] {
        let mut request = request();
        request.env.insert(name.into(), "1".into());
        assert!(matches!(encode(&request), Err(RequestError::EnvName(_))), "{name:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn commands_and_variables_arrive_byte_for_byte(
        command in vec("[^\0]{0,12}|['\"\\\\$`\n ;é]{0,6}", 1..5),
        env in btree_map("[A-Z_][A-Za-z0-9_]{0,6}", "[^\0]{0,12}|['\"\\\\$`\n ;é]{0,6}", 0..4),
    ) {
        // These two are the test's own: where busybox is, and what the shell keeps for itself.
        prop_assume!(!env.contains_key("PATH") && !env.contains_key("_"));
        let asked = Request { command: command.clone(), env: env.clone(), ..request() };
        let folder = unpack(&asked);
        let mut prints = vec![r#"printf '%s\0' "$pikaci_workdir" "$@""#.to_owned()];
        prints.extend(env.keys().map(|name| format!(r#"printf '%s\0' "${name}""#)));
        let mut expected = vec!["/workspace".to_owned()];
        expected.extend(command);
        expected.extend(env.into_values());
        let expected: Vec<u8> = expected.into_iter().flat_map(|text| (text + "\0").into_bytes()).collect();
        prop_assert_eq!(source(&folder.path().join("job"), &prints.join("; ")), expected);
    }

    #[test]
    fn grep_and_globset_choose_the_same_paths(
        globs in vec(vec(PIECE, 1..6), 1..8),
        paths in vec("[abcé☃.,/!^\\-\\]\\[+$()|\\\\ *]{1,8}|(a|b|c|é)(/(a|b|c|é)){0,3}", 20),
    ) {
        let input = paths.join("\n");
        for glob in globs.iter().map(|pieces| pieces.concat()) {
            let Ok(expression) = artifacts::expression(&glob) else { continue };
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

    #[test]
    fn every_match_lies_below_a_root(
        globs in vec(vec(PIECE, 1..6), 1..4),
        paths in vec("(a|b|c|é)(/(a|b|c|é)){0,3}", 20),
    ) {
        let globs: Vec<String> = globs.iter().map(|pieces| pieces.concat()).collect();
        let roots = artifacts::roots(&globs);
        for glob in &globs {
            let Ok(glob) = GlobBuilder::new(glob).literal_separator(true).build() else { continue };
            for path in paths.iter().filter(|path| glob.compile_matcher().is_match(path)) {
                prop_assert!(roots.outer.iter().any(|root| Path::new(path).starts_with(root)), "{} of {:?}", path, roots);
            }
        }
    }
}
