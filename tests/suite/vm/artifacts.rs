//! Artifacts: the same ones from a guest and from a job without a machine.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use pikaci::event::Outcome;
use pikaci::record::{LeftOutFile, Manifest};

use crate::support::project::{Project, json};

/// Creates a file of each kind that can or can't be an artifact.
const COMMAND: &str = r#"
    mkdir -p out/deep out/.git linked/folder pages many
    echo a >out/a
    echo b >out/deep/b
    printf '#!/bin/sh\n' >out/tool && chmod 755 out/tool
    ln -s deep/b out/to-file.log && ln -s deep out/to-folder.log && ln -s nothing out/to-nothing.log && ln -s /etc/hostname out/to-outside.log
    mkfifo out/pipe
    echo git >out/.git/config
    head -c 300M /dev/zero >out/big && ln out/big out/big-too && ln out/big out/big-three && ln out/big out/big-four
    truncate -s 5G out/disk.img
    echo latin >"out/caf$(printf '\351').txt"
    echo line >"out/new$(printf '\nx')line"
    echo dash >./-x.txt && echo two >--two.txt && echo space >'a "b" $c.txt'
    echo page >'pages/[id].js'
    echo linked >linked/folder/file && ln -s linked/folder result
    name=$(printf '%0240d' 0); i=0
    while [ $i -lt 3000 ]; do : >many/$name$i; i=$((i + 1)); done
"#;

/// The artifacts of the jobs.
const GLOBS: &str = r#""./out//" "*.txt" "pages/[id].js" "result/**" "many" "run.log" "no/such/*""#;

/// The kept paths with their lengths and modes, without those of `many`.
const COMES: [(&str, u64, u32); 15] = [
    ("--two.txt", 4, 0o644),
    ("-x.txt", 5, 0o644),
    ("a \"b\" $c.txt", 6, 0o644),
    ("out/a", 2, 0o644),
    ("out/big", 300 << 20, 0o644),
    ("out/big-four", 300 << 20, 0o644),
    ("out/big-three", 300 << 20, 0o644),
    ("out/big-too", 300 << 20, 0o644),
    ("out/caf%E9.txt", 6, 0o644),
    ("out/deep/b", 2, 0o644),
    ("out/new\nxline", 5, 0o644),
    ("out/tool", 10, 0o755),
    ("pages/[id].js", 5, 0o644),
    ("result/file", 7, 0o644),
    ("run.log", 4, 0o644),
];

/// The links with their texts, and true for those that lead to another artifact.
const LINKS: [(&str, &str, bool); 4] = [
    ("out/to-file.log", "deep/b", true),
    ("out/to-folder.log", "deep", true),
    ("out/to-nothing.log", "nothing", false),
    ("out/to-outside.log", "/etc/hostname", false),
];

#[test]
fn a_guest_and_base_none_leave_the_same_artifacts() {
    let command = serde_json::to_string(&format!("{COMMAND}\necho run >run.log")).unwrap().replace("${", "\\${");
    let project = Project::with_guests(&format!(
        r#"{{
          guests.here.base = "none";
          defaults.network = true;
          jobs.guest = {{ command = {command}; artifacts = {{ paths = [ {GLOBS} ]; size = "1G"; }}; }};
          jobs.none = {{ command = {command}; artifacts = {{ paths = [ {GLOBS} ]; size = "1G"; }}; guest = "here"; }};
        }}"#
    ));
    let ended = project.pikaci(&["run"]).exits(0);
    let warnings = [
        "artifacts were left out: \"out/disk.img\" doesn't fit into the `size` of the artifacts, \
         \"out/pipe\" is a pipe, a socket or a device",
        "no file matches the artifacts `no/such/*`",
    ];
    for name in ["guest", "none"] {
        let job = project.job(name);
        assert_eq!(
            (job.status.outcome(), job.warnings.as_slice()),
            (Some(Outcome::Passed), &warnings.map(str::to_owned)[..])
        );
        let folder = project.state(&job.artifacts.artifacts_dir.unwrap());
        let manifest: Manifest = serde_json::from_value(json(&folder.parent().unwrap().join("manifest.json"))).unwrap();
        let (many, files): (Vec<_>, Vec<_>) = manifest.files.iter().partition(|file| file.path.starts_with("many/"));
        assert_eq!(many.len(), 3000, "{name}");
        let mode = |path: &str| fs::metadata(folder.join(path)).unwrap().permissions().mode() & 0o777;
        let came: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.len, mode(&file.path))).collect();
        assert_eq!(came, COMES, "{name}");
        assert_eq!(fs::read_to_string(folder.join("out/to-file.log")).unwrap(), "b\n");
        let links = manifest.links.iter().map(|link| (link.path.as_str(), link.target.as_str(), link.kept));
        assert_eq!(links.collect::<Vec<_>>(), LINKS, "{name}");
        assert_eq!(fs::read_link(folder.join("out/to-folder.log")).unwrap().to_str(), Some("deep"), "{name}");
        let left_out: BTreeMap<_, _> =
            manifest.left_out.first.into_iter().map(|LeftOutFile { path, reason }| (path, reason)).collect();
        let paths: Vec<_> = left_out.keys().map(String::as_str).collect();
        assert_eq!(paths, ["out/disk.img", "out/pipe"], "{name}");
    }
    for warning in warnings {
        // A long warning is cut.
        let beginning: String = format!("warning: {warning}").chars().take(100).collect();
        assert_eq!(ended.stdout.matches(&beginning).count(), 2, "{}", ended.stdout);
    }
}

#[test]
fn a_guest_has_a_private_copy_of_the_artifacts_of_other_jobs() {
    let project = Project::with_guests(
        r#"{
          guests.here.base = "none";
          jobs.lib = {
            guest = "here"; network = true; matrix.cc = [ "gcc" "clang" ];
            command = "mkdir -p dir/sub; echo $cc >dir/sub/lib; printf '#!/bin/sh\necho tool' >dir/tool; chmod 755 dir/tool";
            artifacts = [ "dir/**" ];
          };
          jobs.fed = {
            command = ''
              cd in/deep; cat dir/sub/lib dir/kept ../../legs/cc=clang/dir/sub/lib; dir/tool
              echo changed >dir/sub/lib; rm dir/tool; echo new >dir/new; rm -r ../../legs
              echo $(cat dir/sub/lib) $(ls dir ../..) $(stat -c %u dir dir/sub/lib dir/new | sort -u)
            '';
            inputs.lib = { from = "lib[cc=gcc]"; to = "in/deep"; };
            inputs.legs = { from = "lib"; to = "legs"; };
            artifacts = [ "in" ];
          };
          jobs.last = { guest = "here"; network = true; command = "cat in/deep/dir/new in/deep/dir/sub/lib"; inputs.fed.from = "fed"; };
        }"#,
    )
    .file("in/deep/dir/kept", "kept\n")
    .file("in/deep/dir/tool", "a file of the project\n");
    project.pikaci(&["run"]).exits(0);
    let output = project.output("fed");
    let expected = "gcc\nkept\nclang\ntool\nchanged ../..: in pikaci.nix dir: kept new sub 1000\n";
    assert!(output == expected || output == expected.replace("1000", "0"), "{output}");
    assert_eq!(project.output("last"), "new\nchanged\n");
}
