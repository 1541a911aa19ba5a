//! install.sh: it installs the program, its manual pages and its completions, and removes all of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::checking::tree;
use crate::support::project::{Project, ran};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh");
const PIKACI: &str = env!("CARGO_BIN_EXE_pikaci");

fn script(args: &[&Path]) -> Command {
    let mut script = Command::new("sh");
    script.arg(SCRIPT).args(args);
    script
}

#[test]
fn an_installed_pikaci_has_a_page_for_each_subcommand_and_three_completions() {
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    let prefix = folder.path().join("usr/local");
    ran(&mut script(&["install".as_ref(), PIKACI.as_ref(), &prefix])).exits(0);
    let version = ran(Command::new(prefix.join("bin/pikaci")).arg("--version")).exits(0).stdout;
    assert_eq!(version, format!("pikaci {}\n", env!("CARGO_PKG_VERSION")));

    let help = Project::new("{ }").pikaci(&["--help"]).exits(0).stdout;
    let commands = help.split("\nCommands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: Vec<&str> = commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 10 && names.contains(&"run"), "{help}");
    let pages = fs::read_dir(prefix.join("share/man/man1")).unwrap();
    let pages: Vec<_> = pages.map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
    let of_actions = pages.iter().filter(|page| page.starts_with("pikaci-cache-")).count();
    assert_eq!(of_actions, 3, "{pages:?}");
    assert_eq!(pages.len(), 1 + names.len() + of_actions, "a page of pikaci itself, and one of each subcommand");
    for name in names {
        let page = fs::read_to_string(prefix.join(format!("share/man/man1/pikaci-{name}.1"))).unwrap();
        assert!(page.contains(&format!(".TH pikaci-{name} 1 ")), "{page}");
        assert!(page.contains(r"\fB\-\-state\-root\fR"), "the page lacks the options of pikaci itself: {page}");
    }
    for (file, text) in [
        ("man/man1/pikaci.1", r"pikaci\-run(1)"),
        ("bash-completion/completions/pikaci.bash", "-F _clap_complete_pikaci pikaci"),
        ("fish/vendor_completions.d/pikaci.fish", "--command pikaci"),
        ("zsh/site-functions/_pikaci", "#compdef pikaci"),
    ] {
        assert!(fs::read_to_string(prefix.join("share").join(file)).unwrap().contains(text), "{file}");
    }
}

#[test]
fn an_uninstalled_pikaci_leaves_nothing_and_removes_no_file_of_others() {
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    let prefix = folder.path().join("usr");
    let [pikaci, other] = ["pikaci", "other"].map(|name| folder.path().join(name));
    fs::copy(PIKACI, &pikaci).unwrap();
    fs::write(folder.path().join("pikaci.debug"), "lines").unwrap();
    let install = || ran(&mut script(&["install".as_ref(), &pikaci, &prefix])).exits(0);
    let uninstall = || ran(&mut script(&["uninstall".as_ref(), &prefix])).exits(0);
    install();
    assert!(!prefix.join("bin/.debug").exists());
    ran(&mut script(&["debug".as_ref(), &pikaci, &prefix])).exits(0);
    assert_eq!(fs::read_to_string(prefix.join("bin/.debug/pikaci.debug")).unwrap(), "lines");
    uninstall();
    assert_eq!(tree(&prefix).into_keys().collect::<Vec<_>>(), [""]);

    install();
    for file in ["bin/other", "share/man/man1/other.1"] {
        fs::write(prefix.join(file), "").unwrap();
    }
    uninstall();
    let left = ["", "bin", "bin/other", "share", "share/man", "share/man/man1", "share/man/man1/other.1"];
    assert_eq!(tree(&prefix).into_keys().collect::<Vec<_>>(), left);
    uninstall();
    ran(&mut script(&["install".as_ref(), &other, &prefix])).exits(1);
    ran(&mut script(&[])).exits(2);
}
