//! Recognises the builds of a project.

use serde_json::Value;

use super::build::Build;
use super::python::python;
use super::survey::{Survey, version_note};

/// Returns the builds of a project. Those of package managers come first, because a Makefile often only calls them.
#[must_use]
pub fn detect(files: &Survey) -> Vec<Build> {
    let recognisers = [cargo, go, node, python, meson, cmake, autotools];
    let mut builds: Vec<Build> = recognisers.iter().filter_map(|recognise| recognise(files)).collect();
    // The Makefile of autotools is made by `configure`.
    if builds.iter().all(|build| build.job != "autotools") {
        let downloads = builds.iter().any(|build| build.network.is_some());
        builds.extend(make(files, downloads));
    }
    builds
}

fn cargo(files: &Survey) -> Option<Build> {
    let manifest = files.text("Cargo.toml")?;
    let lock = files.text("Cargo.lock");
    let downloads = lock.map_or_else(|| manifest.contains("dependencies"), |lock| lock.contains("\nsource = "));
    let toolchain = ["rust-toolchain.toml", "rust-toolchain"].into_iter().find_map(|file| {
        let text = files.text(file)?;
        version_note(file, toml_value(text, "channel").or_else(|| text.lines().next())?)
    });
    Some(Build {
        job: "cargo",
        file: "Cargo.toml",
        version: toolchain.or_else(|| version_note("Cargo.toml", toml_value(manifest, "rust-version")?)),
        command: vec![if lock.is_some() { "cargo test --locked" } else { "cargo test" }],
        network: downloads.then_some("Cargo downloads the crates of others."),
        programs: vec!["cargo", "cc"],
        packages: &["cargo", "rustc", "gcc"],
        ..Build::default()
    })
}

fn go(files: &Survey) -> Option<Build> {
    let version = files.text("go.mod")?.lines().find_map(|line| line.strip_prefix("go "));
    Some(Build {
        job: "go",
        file: "go.mod",
        version: version.and_then(|version| version_note("go.mod", version)),
        command: vec!["go test ./..."],
        network: (files.has("go.sum") && !files.has("vendor")).then_some("Go downloads the modules of others."),
        programs: vec!["go"],
        packages: &["go"],
        ..Build::default()
    })
}

fn node(files: &Survey) -> Option<Build> {
    // A file that isn't JSON has neither scripts nor dependencies.
    let package: Value = serde_json::from_str(files.text("package.json")?).unwrap_or_default();
    let has_packages =
        |key: &str| package[key].as_object().map_or_else(|| package[key].is_array(), |packages| !packages.is_empty());
    let downloads =
        ["dependencies", "devDependencies", "optionalDependencies", "workspaces"].into_iter().any(has_packages);
    // `npm init` writes a test that only fails.
    let has_script =
        |name: &str| package["scripts"][name].as_str().is_some_and(|script| !script.contains("no test specified"));
    let [manager, install, test, build] = if files.has("pnpm-lock.yaml") {
        ["pnpm", "pnpm install --frozen-lockfile", "pnpm test", "pnpm run build"]
    } else if files.has("yarn.lock") {
        ["yarn", "yarn install --frozen-lockfile", "yarn test", "yarn run build"]
    } else if files.has("package-lock.json") || files.has("npm-shrinkwrap.json") {
        ["npm", "npm ci", "npm test", "npm run build"]
    } else {
        ["npm", "npm install", "npm test", "npm run build"]
    };
    let scripts = [("test", test), ("build", build)];
    let script = scripts.into_iter().find(|(name, _)| has_script(name)).map(|(_, command)| command);
    let nothing_else = (script.is_none() && !downloads).then_some("node --test");
    let version = [".nvmrc", ".node-version"].into_iter().find_map(|file| files.version_file(file));
    Some(Build {
        job: "node",
        file: "package.json",
        version: version.or_else(|| version_note("package.json", package["engines"]["node"].as_str()?)),
        command: downloads.then_some(install).into_iter().chain(script).chain(nothing_else).collect(),
        network: downloads.then_some("The package manager downloads the packages of others."),
        programs: vec!["node", manager],
        packages: match manager {
            "pnpm" => &["nodejs", "pnpm"],
            "yarn" => &["nodejs", "yarn"],
            _ => &["nodejs"],
        },
        ..Build::default()
    })
}

fn meson(files: &Survey) -> Option<Build> {
    files.text("meson.build")?;
    Some(Build {
        job: "meson",
        file: "meson.build",
        command: vec!["meson setup build", "meson test -C build"],
        network: files.has("subprojects").then_some("Meson downloads the subprojects that wrap files name."),
        programs: vec!["meson", "ninja", "cc"],
        packages: &["meson", "ninja", "pkg-config", "gcc"],
        ..Build::default()
    })
}

fn cmake(files: &Survey) -> Option<Build> {
    let text = files.text("CMakeLists.txt")?.to_lowercase();
    let has_any = |words: [&str; 2]| words.into_iter().any(|word| text.contains(word));
    let tests = has_any(["enable_testing", "include(ctest)"]).then_some("ctest --test-dir build --output-on-failure");
    Some(Build {
        job: "cmake",
        file: "CMakeLists.txt",
        command: ["cmake -S . -B build", "cmake --build build"].into_iter().chain(tests).collect(),
        network: has_any(["fetchcontent", "externalproject"]).then_some("CMakeLists.txt downloads other projects."),
        programs: vec!["cmake", "make", "cc"],
        packages: &["cmake", "gnumake", "gcc"],
        ..Build::default()
    })
}

fn autotools(files: &Survey) -> Option<Build> {
    let source = ["configure.ac", "configure.in"].into_iter().find(|name| files.has(name));
    let made = (files.has("configure") && files.has("Makefile.in")).then_some("configure");
    let file = source.or(made)?;
    let (generate, mut programs) = match source {
        Some(_) => (Some("autoreconf --force --install"), vec!["autoreconf", "automake"]),
        None => (None, Vec::new()),
    };
    programs.extend(["make", "cc"]);
    Some(Build {
        job: "autotools",
        file,
        command: generate.into_iter().chain(["./configure", "make check"]).collect(),
        programs,
        packages: &["autoconf", "automake", "libtool", "pkg-config", "gnumake", "gcc"],
        ..Build::default()
    })
}

/// Returns the build of a Makefile; `downloads` is true if the rules may call a package manager.
fn make(files: &Survey, downloads: bool) -> Option<Build> {
    let file = ["GNUmakefile", "makefile", "Makefile"].into_iter().find(|name| files.texts.contains_key(*name))?;
    let text = files.text(file)?;
    let tests = [("check", "make check"), ("test", "make test")];
    let rule = tests.into_iter().find(|(target, _)| has_target(text, target));
    Some(Build {
        job: "make",
        file,
        command: vec![rule.map_or("make", |(_, command)| command)],
        network: downloads.then_some("The rules may call a package manager that downloads."),
        programs: vec!["make", "cc"],
        packages: &["gnumake", "gcc"],
        ..Build::default()
    })
}

/// Returns whether a Makefile has a rule for a target. Includes and patterns are not read.
fn has_target(text: &str, target: &str) -> bool {
    let rules = text.lines().filter(|line| !line.starts_with(['\t', '#'])).filter_map(|line| line.split_once(':'));
    let is_assignment =
        |(names, rest): &(&str, &str)| names.contains('=') || rest.trim_start_matches(':').starts_with('=');
    rules.filter(|rule| !is_assignment(rule)).any(|(names, _)| names.split_whitespace().any(|name| name == target))
}

/// Returns the string that a line of TOML assigns to a key.
fn toml_value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = |line: &'a str| line.trim_start().strip_prefix(key)?.trim_start().strip_prefix('=');
    text.lines().find_map(value)?.split(['"', '\'']).nth(1)
}
