//! Writes a first job file, as nixfmt would format it.

use std::collections::{BTreeMap, BTreeSet};

use super::build::Build;
use super::machine::Machine;
use super::survey::Survey;
use crate::text::one_line;

/// Comment at the top of a job file.
const HEADER: &str = "\
# The jobs of this project. `pikaci check` checks this file; `pikaci run` runs the jobs, each in a virtual machine of
# its own.
#
# A job runs in /workspace, on a copy of this folder as it is now, without a commit. The copy has neither `.git` nor the
# files that git ignores, such as build folders and installed packages. No job gets the files that another one made.
#
# A job sees neither your home nor the variables of your shell; `env` of a job sets variables. It has no network unless
# it has `network = true`.
#
# In a string between two single quotes, ''${NAME} is the ${NAME} of the shell, and $NAME is written as it is.
";
/// The search path of a guest.
const GUEST_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Job of a project without a recognised build.
const HELLO: &str = r#"    # No build was recognised here: write the command that builds or tests this project.
    hello.command = ''
      echo "hello from $(uname -sr), as ''${USER:-nobody} in $PWD"
      ls
    '';
"#;

/// Returns the text of a job file with a job for each build.
#[must_use]
pub fn render(files: &Survey, builds: &[Build], machine: &Machine) -> String {
    let guest = guest(files, builds, machine).join("\n    ");
    let jobs: Vec<String> = builds.iter().map(job).collect();
    let jobs = if jobs.is_empty() { HELLO.to_owned() } else { jobs.join("\n") };
    let env = if uses_usr(files, machine) { env(machine) } else { String::new() };
    format!("{HEADER}{{\n  guests.default = {{\n    {guest}\n  }};\n{env}\n  jobs = {{\n{jobs}  }};\n}}\n")
}

/// Returns whether the guest sees the `/usr` of the machine.
fn uses_usr(files: &Survey, machine: &Machine) -> bool {
    machine.is_linux && !files.has_dev_shell()
}

/// Returns the lines of the guest.
fn guest(files: &Survey, builds: &[Build], machine: &Machine) -> Vec<String> {
    let mut packages: Vec<&str> = Vec::new();
    for package in builds.iter().flat_map(|build| build.packages) {
        if !packages.contains(package) {
            packages.push(package);
        }
    }
    let mut lines = Vec::new();
    if files.has_dev_shell() {
        lines.push("# Linux with the packages of a dev shell of flake.nix.".to_owned());
        lines.extend(["base = \"nix\";", "devShell = \"default\";"].map(str::to_owned));
    } else if uses_usr(files, machine) {
        lines.push("# The kernel of this machine, and its /usr, read-only.".to_owned());
        lines.extend(toolchains(machine, &packages));
        if files.has("flake.nix") {
            let instead = r#"base = "nix"; devShell = "default";"#;
            lines.push(format!("# Packages of a dev shell of flake.nix instead: {instead}"));
        }
        lines.push("base = \"host\";".to_owned());
        lines.extend(host_folders(machine));
    } else {
        lines.push("# Linux with packages of nixpkgs.".to_owned());
        lines.push("base = \"nix\";".to_owned());
        let list = packages.iter().map(|package| format!("  \"{package}\""));
        let list = ["packages = [".to_owned()].into_iter().chain(list).chain(["];".to_owned()]);
        lines.extend(list.filter(|_| !packages.is_empty()));
    }
    lines.push("# The files that a job writes are in the memory of its guest, too.".to_owned());
    lines.push("memory = \"2G\";".to_owned());
    lines
}

/// Returns the lines about programs that a guest of base `host` doesn't see.
fn toolchains(machine: &Machine, packages: &[&str]) -> Vec<String> {
    if machine.missing().next().is_none() {
        return Vec::new();
    }
    let places = machine.missing().map(|toolchain| match &toolchain.located {
        Some(located) => one_line(&format!("# - {} is in {}", toolchain.program, located.folder)),
        None => one_line(&format!("# - {} isn't installed", toolchain.program)),
    });
    let packages: String = packages.iter().flat_map(|package| ["\"", package, "\" "]).collect();
    let heading = "# These programs aren't in /usr, so that the guest doesn't see them:".to_owned();
    let remedy = [
        "# Install them in /usr, or replace the next line by packages of nixpkgs:".to_owned(),
        format!("#   base = \"nix\"; packages = [ {packages}];"),
    ];
    [heading].into_iter().chain(places).chain(remedy).collect()
}

/// Returns the lines with the folders of programs that aren't in `/usr`.
fn host_folders(machine: &Machine) -> Vec<String> {
    let places =
        machine.shared().map(|(program, located)| one_line(&format!("# - {program} is in {}", located.folder)));
    let places: Vec<String> = places.collect();
    if places.is_empty() {
        return Vec::new();
    }
    let heading = "# More folders of this machine, read-only. `pikaci run` refuses them without --allow-host-folders.";
    let shares: BTreeSet<&String> = machine.shared().flat_map(|(_, located)| &located.shares).collect();
    let list = match Vec::from_iter(shares)[..] {
        [share] => vec![format!("hostFolders = [ \"{share}\" ];")],
        ref shares => {
            let items = shares.iter().map(|share| format!("  \"{share}\""));
            ["hostFolders = [".to_owned()].into_iter().chain(items).chain(["];".to_owned()]).collect()
        }
    };
    [heading.to_owned()].into_iter().chain(places).chain(list).collect()
}

/// Returns the lines with the environment of programs that aren't in `/usr`, each with its end.
fn env(machine: &Machine) -> String {
    let folders: BTreeSet<&str> = machine.shared().map(|(_, located)| located.folder.as_str()).collect();
    if folders.is_empty() {
        return String::new();
    }
    let path: String = folders.iter().flat_map(|folder| [folder, ":"]).collect();
    let mut env = BTreeMap::from([("PATH", format!("{path}{GUEST_PATH}"))]);
    env.extend(machine.shared().filter_map(|(_, located)| located.env.clone()));
    let lines: Vec<String> = env.iter().map(|(name, value)| format!("    {name} = \"{value}\";\n")).collect();
    format!("\n  defaults.env = {{\n{}  }};\n", lines.concat())
}

/// Returns the lines of a job, each with its end.
fn job(build: &Build) -> String {
    let version = build.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let command = match build.command[..] {
        [line] => format!("\"{line}\""),
        ref script => format!("''\n        {}\n      ''", script.join("\n        ")),
    };
    let env = build.env.map(|(name, value)| format!("env.{name} = \"{value}\";"));
    let reason = build.network.map(|reason| format!("# {reason} Without this line the job has no network."));
    let network = build.network.map(|_| "network = true;".to_owned());
    let keys = [Some(format!("command = {command};")), env, reason, network];
    let keys: Vec<String> = keys.into_iter().flatten().collect();
    let (file, name, keys) = (build.file, build.job, keys.join("\n      "));
    format!("    # The build of {file}.{version}\n    {name} = {{\n      {keys}\n    }};\n")
}
