//! Command lines that the stand-in for vfkit accepts and refuses, compared with the source of vfkit.
//!
//! Every command line with a source in `pkg/` was also tried with the packages of vfkit 0.6.4, built with cobra 1.10.2
//! and pflag 1.0.10, which accepted it or refused it with these words.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use pikaci::config::Network;
use pikaci::execute::machine_spec::MachineSpec;
use pikaci::execute::vfkit::BootForm;
use pikaci::execute::vfkit::{Ports, argv};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::project::{Ran, json, ran};

/// The smallest number of command lines in the table.
const LEAST: usize = 60;

/// A command line, the expected result, and the source of that in vfkit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    args: Vec<String>,
    /// A part of the parsed command line.
    understood: Option<Value>,
    /// A part of the error message.
    refused: Option<String>,
    source: String,
}

fn rows() -> Vec<Row> {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vfkit/command-lines.json");
    serde_json::from_value(json(&table)).unwrap()
}

/// Creates a folder with the files that the table names.
fn folder() -> TempDir {
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    let files: [(&str, &[u8]); 6] = [
        ("disk", &[0; 512]),
        ("a=b c", &[0; 512]),
        ("empty", b""),
        ("qcow2", b"QFI\xfb"),
        ("user-data", b""),
        ("seed.img", b""),
    ];
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn parse(folder: &Path, args: &[String]) -> Ran {
    ran(Command::new(env!("CARGO_BIN_EXE_vfkit-on-qemu")).arg("--parse-only").args(args).current_dir(folder))
}

/// Returns true if `whole` contains all of `part`; objects of `whole` may have more fields.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| holds(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| holds(whole, part))
        }
        _ => whole == part,
    }
}

#[test]
fn every_command_line_is_parsed_as_by_vfkit() {
    let folder = folder();
    for Row { args, understood, refused, .. } in rows() {
        let Ran { code, stdout, stderr } = parse(folder.path(), &args);
        match (understood, refused) {
            (Some(part), None) => {
                assert_eq!(code, Some(0), "{args:?}: {stderr}");
                let whole = serde_json::from_str(&stdout).unwrap();
                assert!(holds(&whole, &part), "{args:?}: no {part} in {stdout}");
            }
            (None, Some(message)) => {
                assert_eq!(code, Some(1), "{args:?}: {stdout}");
                // The message comes first and last, as in vfkit: cobra prints it, then the usage; then vfkit prints it.
                let lines: Vec<&str> = stderr.lines().collect();
                assert_eq!(lines[0].strip_prefix("Error: "), lines.last().copied(), "{args:?}");
                assert!(lines[0].contains(&message), "{args:?}: no {message:?} in {:?}", lines[0]);
                assert_eq!(stdout, "", "{args:?}");
            }
            both => panic!("{args:?} has to be either accepted or refused: {both:?}"),
        }
    }
}

#[test]
fn both_boot_forms_boot_the_same_guest() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    for name in ["Image", "init rd"] {
        fs::write(path(name), "x").unwrap();
    }
    for cmdline in ["quiet", "quiet a=b,c init=/nix/store/x=y/init", "", "a='b c' d=\\e"] {
        let understood = [BootForm::Flags, BootForm::Bootloader].map(|form| {
            let (kernel, initrd) = (path("Image"), path("init rd"));
            let (disks, network) = (&[][..], Network::None);
            let machine = MachineSpec {
                arch: "aarch64",
                vcpu: 2,
                memory_mib: 512,
                kernel: &kernel,
                initrd: &initrd,
                cmdline,
                disks,
                network,
            };
            let log = path("log");
            let ports = Ports { console: &log, output: &log, control: &log };
            let args = argv(&machine, ports, &[], Path::new("/tmp/rest"), None, form).unwrap();
            let args: Vec<String> = args.into_iter().map(|arg| arg.into_string().unwrap()).collect();
            serde_json::from_str::<Value>(&parse(folder.path(), &args).exits(0).stdout).unwrap()
        });
        assert_eq!(understood[0], understood[1]);
        assert!(understood[0].to_string().contains("console=hvc0"), "{}", understood[0]);
    }
}

#[test]
fn every_row_of_the_table_names_its_source() {
    let rows = rows();
    assert!(rows.len() >= LEAST, "only {} command lines", rows.len());
    for Row { args, source, .. } in &rows {
        let place = source.strip_prefix("vfkit 0.6.4 ").unwrap_or_else(|| panic!("{args:?}: {source}"));
        let (file, name) = place.split_once(' ').unwrap_or_else(|| panic!("{args:?}: {source}"));
        let of_vfkit = file.starts_with("pkg/") || file.starts_with("cmd/");
        assert!(of_vfkit && file.split_once('.').is_some_and(|(_, kind)| kind == "go"), "{args:?}: {source}");
        assert!(!name.is_empty(), "{args:?}: {source}");
    }
    let different: BTreeSet<&[String]> = rows.iter().map(|row| &*row.args).collect();
    assert_eq!(different.len(), rows.len(), "the table has a command line twice");
    let refused = rows.iter().filter(|row| row.refused.is_some()).count();
    assert!(refused >= LEAST / 3 && rows.len() - refused >= LEAST / 3, "{refused} of {} are refused", rows.len());
}

#[test]
fn the_version_and_the_help_name_the_stand_in() {
    let call = |arg: &str| ran(Command::new(env!("CARGO_BIN_EXE_vfkit-on-qemu")).arg(arg));
    for arg in ["--version", "-v"] {
        let printed = call(arg).exits(0).stdout;
        // pikaci reads the version behind the colon.
        assert!(
            printed.starts_with("vfkit version: v0.6.4 ") && printed.contains("a stand-in for tests, not vfkit"),
            "{printed}"
        );
    }
    for arg in ["--help", "-h"] {
        let printed = call(arg).exits(0).stdout;
        assert!(printed.contains("--bootloader strings") && printed.contains("a stand-in for vfkit"), "{printed}");
    }
    // The message of an error names the stand-in too.
    assert!(call("--bogus").exits(1).stderr.contains("a stand-in for vfkit"));
}

#[test]
fn parse_only_has_to_be_the_first_argument() {
    let folder = folder();
    let printed = ran(Command::new(env!("CARGO_BIN_EXE_vfkit-on-qemu"))
        .args(["-b", "efi", "--parse-only"])
        .current_dir(folder.path()));
    assert!(printed.exits(1).stderr.starts_with("Error: unknown flag: --parse-only\n"));
}
