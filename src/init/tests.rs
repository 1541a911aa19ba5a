use proptest::prelude::*;

use super::{Machine, READ_FILES, Survey, Toolchain, detect, render};
use crate::config;
use crate::facts::HostProgram;

/// Returns a survey of these files; names without a text are only names.
fn survey(files: &[(&str, &str)]) -> Survey {
    let texts = files.iter().filter(|(name, _)| READ_FILES.contains(name));
    Survey {
        names: files.iter().map(|(name, _)| (*name).to_owned()).collect(),
        texts: texts.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
    }
}

fn linux() -> Machine {
    Machine { is_linux: true, allows_folders: true, toolchains: Vec::new() }
}

/// Returns a program in a folder that a guest needs.
fn located(program: &str, folder: &str, shares: &[&str]) -> Toolchain {
    let shares = shares.iter().map(|share| (*share).to_owned()).collect();
    let located = Some(HostProgram { folder: folder.to_owned(), shares, env: None });
    Toolchain { program: program.to_owned(), located }
}

/// Renders the job file of these files, which is valid.
#[track_caller]
fn rendered(files: &[(&str, &str)], machine: &Machine) -> String {
    let survey = survey(files);
    let text = render(&survey, &detect(&survey), machine);
    config::read("pikaci.nix", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    text
}

/// Returns the command of a job, and true if the job has a network.
#[track_caller]
fn job(files: &[(&str, &str)], name: &str) -> (String, bool) {
    let builds = detect(&survey(files));
    let build = builds.iter().find(|build| build.job == name).unwrap_or_else(|| panic!("{name}: {builds:?}"));
    (build.command.join("; "), build.network.is_some())
}

#[test]
fn a_project_without_a_build_gets_a_job_that_greets() {
    insta::assert_snapshot!(rendered(&[("README.md", "")], &linux()));
}

#[test]
fn several_builds_get_a_job_each() {
    let files = [
        ("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\n"),
        ("Cargo.lock", "[[package]]\nname = \"b\"\nsource = \"registry\"\n"),
        ("rust-toolchain.toml", "[toolchain]\nchannel = \"1.88.0\" # pinned\n"),
        ("go.mod", "module a\n\ngo 1.22\n"),
        ("package.json", r#"{"scripts":{"test":"x"},"devDependencies":{"a":"1"},"engines":{"node":">=20"}}"#),
        ("pyproject.toml", "[project]\nname = \"a\"\ndependencies = []\n"),
        ("src", ""),
        ("tests", ""),
        ("meson.build", "project('a', 'c')\n"),
        ("CMakeLists.txt", "project(a)\nEnable_Testing()\n"),
        ("Makefile", "all:\n\ttrue\ntest: all\n"),
    ];
    insta::assert_snapshot!(rendered(&files, &linux()));
}

#[test]
fn programs_outside_of_usr_are_named() {
    let toolchains = vec![
        Toolchain { program: "autoreconf".to_owned(), located: None },
        located("make", "/home/a\n''${b}\u{0}\r/bin", &["~/bin"]),
    ];
    let machine = Machine { toolchains, ..linux() };
    insta::assert_snapshot!(rendered(
        &[("configure.ac", ""), ("Makefile", "check:\n"), ("flake.nix", "{ }")],
        &machine
    ));
}

#[test]
fn folders_of_toolchains_are_shared_where_the_policy_allows_it() {
    let mut cargo = located("cargo", "/home/a/.cargo/bin", &["~/.cargo/bin", "~/.rustup"]);
    cargo.located.as_mut().unwrap().env = Some(("RUSTUP_HOME", "/home/a/.rustup".to_owned()));
    let toolchains = vec![cargo, located("go", "/opt/go/bin", &["/opt/go"]), located("cc", "/b/../c", &["/b/../c"])];
    let files = [("Cargo.toml", ""), ("go.mod", "")];
    let machine = Machine { toolchains, ..linux() };
    insta::assert_snapshot!(rendered(&files, &machine));
    let refused = rendered(&files, &Machine { allows_folders: false, ..machine });
    assert!(!refused.contains("hostFolders") && refused.contains("# - cargo is in /home/a/.cargo/bin\n"), "{refused}");
    let one = Machine { toolchains: vec![located("go", "/opt/go/bin", &["/opt/go"])], ..linux() };
    let one = rendered(&files, &one);
    assert!(one.contains("\n    hostFolders = [ \"/opt/go\" ];\n") && !one.contains("nixpkgs"), "{one}");
}

#[test]
fn guests_are_made_from_nixpkgs_where_there_is_a_dev_shell_or_no_linux() {
    let shell = [("flake.nix", "{ devShells = x; }"), ("flake.lock", ""), ("go.mod", "")];
    let of_shell = rendered(&shell, &linux());
    assert!(of_shell.contains("base = \"nix\";\n    devShell = \"default\";\n"), "{of_shell}");
    insta::assert_snapshot!(rendered(&[("Cargo.toml", ""), ("Makefile", "")], &Machine::default()));
    assert!(!rendered(&[], &Machine::default()).contains("packages = "));
}

#[test]
fn a_command_follows_from_the_files() {
    let npm = r#"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"},"dependencies":{"a":"1"}}"#;
    for (files, name, command, network) in [
        (&[("Cargo.toml", "[package]\n")][..], "cargo", "cargo test", false),
        (&[("Cargo.toml", "[dev-dependencies]\n")], "cargo", "cargo test", true),
        (&[("Cargo.toml", "[dependencies]\n"), ("Cargo.lock", "version = 4\n")], "cargo", "cargo test --locked", false),
        (&[("go.mod", ""), ("go.sum", "")], "go", "go test ./...", true),
        (&[("go.mod", ""), ("go.sum", ""), ("vendor", "")], "go", "go test ./...", false),
        (&[("package.json", "no JSON ''${")], "node", "node --test", false),
        (&[("package.json", "[]")], "node", "node --test", false),
        (&[("package.json", npm), ("package-lock.json", "")], "node", "npm ci", true),
        (&[("package.json", npm), ("pnpm-lock.yaml", "")], "node", "pnpm install --frozen-lockfile", true),
        (&[("package.json", r#"{"scripts":{"build":"x","''${a}":"\u0000"}}"#)], "node", "npm run build", false),
        (
            &[("package.json", r#"{"scripts":{"test":"x"},"workspaces":["a"]}"#), ("yarn.lock", "")],
            "node",
            "yarn install --frozen-lockfile; yarn test",
            true,
        ),
        (&[("meson.build", ""), ("subprojects", "")], "meson", "meson setup build; meson test -C build", true),
        (&[("CMakeLists.txt", "")], "cmake", "cmake -S . -B build; cmake --build build", false),
        (
            &[("CMakeLists.txt", "include(CTest)\nFetchContent_MakeAvailable(a)\n")],
            "cmake",
            "cmake -S . -B build; cmake --build build; ctest --test-dir build --output-on-failure",
            true,
        ),
        (&[("configure", ""), ("Makefile.in", "")], "autotools", "./configure; make check", false),
        (&[("Makefile", "a b check : c\n\ttrue\n")], "make", "make check", false),
        (&[("Makefile", "test := x\ncheck ::= y\n#test:\n\ttest:\nX = a:test:\nunittest:\n")], "make", "make", false),
        (&[("Makefile", "test:\n"), ("GNUmakefile", "all:\n")], "make", "make", false),
        (&[("Makefile", "test::\n"), ("Cargo.toml", "[dependencies]\n")], "make", "make test", true),
    ] {
        assert_eq!(job(files, name), (command.to_owned(), network), "{files:?}");
    }
    let autotools = detect(&survey(&[("configure.ac", ""), ("configure", ""), ("Makefile", "test:\n")]));
    let jobs: Vec<_> = autotools.iter().map(|build| (build.job, build.file)).collect();
    assert_eq!(jobs, [("autotools", "configure.ac")]);
}

#[test]
fn python_projects_are_tested_with_their_own_tools() {
    for (files, command, network) in [
        (&[("setup.py", ""), ("test_a.py", "")][..], "python3 -m unittest discover", false),
        (&[("pyproject.toml", "[tool.black]\n")], "python3 -m compileall -q .", false),
        (&[("setup.cfg", ""), ("test", "")], "python3 -m unittest discover --start-directory test", false),
        (
            &[("requirements.txt", "a\n"), ("tests", "")],
            "python3 -m venv .venv; export PATH=\"$PWD/.venv/bin:$PATH\"; pip install -r requirements.txt; \
             python3 -m unittest discover --start-directory tests",
            true,
        ),
        (
            &[("pyproject.toml", "[project]\ndependencies = [\n  \"a\",\n]\n[tool.pytest.ini_options]\n")],
            "python3 -m venv .venv; export PATH=\"$PWD/.venv/bin:$PATH\"; pip install --editable .; pip install pytest; \
             python3 -m pytest",
            true,
        ),
        (
            &[("tox.ini", "[testenv]\ndeps = pytest\n")],
            "python3 -m venv .venv; export PATH=\"$PWD/.venv/bin:$PATH\"; pip install tox; tox",
            true,
        ),
    ] {
        assert_eq!(job(files, "python"), (command.to_owned(), network), "{files:?}");
    }
}

#[test]
fn only_a_plain_version_gets_into_a_comment() {
    for (files, version) in [
        (
            &[("Cargo.toml", ""), ("rust-toolchain", "nightly-2026-01-01\n")][..],
            Some("rust-toolchain names version nightly-2026-01-01."),
        ),
        (&[("Cargo.toml", "rust-version = '1.88'\n")], Some("Cargo.toml names version 1.88.")),
        (&[("Cargo.toml", ""), ("rust-toolchain.toml", "channel = \"1\u{0}\"\n")], None),
        (&[("package.json", ""), (".nvmrc", "lts/*\n")], Some(".nvmrc names version lts/*.")),
        (&[("package.json", "{\"engines\":{\"node\":\"20\\n}\"}}")], None),
        (&[("go.mod", "go ''${x}\n")], None),
        (&[("setup.py", ""), (".python-version", "3.12\r\n")], Some(".python-version names version 3.12.")),
        (&[("setup.py", ""), (".python-version", "1111111111222222222233333333334444444444x")], None),
    ] {
        assert_eq!(detect(&survey(files))[0].version.as_deref(), version, "{files:?}");
    }
}

/// Returns the texts that a file may have: any, and pieces that a recogniser or Nix gives a meaning.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "\\PC{0,8}",
        "[\u{0}-\u{1f}'\"$\\\\{}\u{7f}\u{202e}]{0,4}",
        prop::sample::select(vec![
            "''",
            "${",
            "*/",
            "channel = \"",
            "rust-version = \"",
            "go ",
            "test:",
            "check :",
            "{\"scripts\":{\"test\":\"",
            "\"engines\":{\"node\":\"",
            "\"}}",
            "dependencies = [",
            "pytest",
            "devShells",
            "source = ",
            "\n",
            "\r",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_job_file_is_valid_whatever_the_files_hold(
        texts in prop::collection::btree_map(prop::sample::select(READ_FILES.to_vec()), text(), 0..8),
        names in prop::collection::btree_set("\\PC{0,8}|configure(\\.ac)?|tests|src|go\\.sum|flake\\.lock|yarn\\.lock", 0..4),
        program in text(),
        folder in text(),
        is_linux: bool,
    ) {
        let texts: std::collections::BTreeMap<_, _> = texts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
        let survey = Survey { names: names.into_iter().chain(texts.keys().cloned()).collect(), texts };
        let toolchains = vec![located(&program, &folder, &[&folder])];
        let builds = detect(&survey);
        let text = render(&survey, &builds, &Machine { is_linux, toolchains, ..linux() });
        let config = config::read("pikaci.nix", &text);
        prop_assert!(config.is_ok(), "{:?}\n{}", config, text);
        let jobs = config.unwrap().jobs;
        prop_assert_eq!(jobs.len(), builds.len().max(1));
        prop_assert!(builds.iter().all(|build| jobs.contains_key(&crate::id::JobId::new(build.job))));
    }
}
