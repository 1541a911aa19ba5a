//! Builds that would prompt at the terminal: an error with a hint instead.

use std::fs;

use serde_json::json;

use crate::support::fixture;
use crate::support::project::{NIX_CONFIG, Project, ran};
use crate::support::remote::{Remote, Unique};
use crate::support::stand_in::StandIns;
use crate::support::terminal::at_terminal;
use crate::support::tools::tool_command;

const JOBS: &str = r#"{ guests.default = { base = "nix"; prepareTimeout = "60s"; }; jobs.a = { command = "true"; }; }"#;

#[test]
fn an_unknown_host_of_an_input_is_an_error_without_a_prompt() {
    let remote = Remote::start();
    let url = format!("ssh://root@127.0.0.1:{}/srv/nixpkgs", remote.port);
    let node = json!({ "locked": { "type": "git", "url": url, "rev": "0123456789".repeat(4) } });
    let nodes = json!({ "root": { "inputs": { "nixpkgs": "nixpkgs" } }, "nixpkgs": node });
    let lock = json!({ "version": 7, "root": "root", "nodes": nodes }).to_string();
    let project = Project::with_nix(JOBS).file("flake.lock", &lock);
    for jail in ["--jail=auto", "--jail=none"] {
        let shown = at_terminal(&project.command(&["run", jail])).exits(101).stdout;
        let advice = format!("accept the key once, ssh -p {} root@127.0.0.1", remote.port);
        assert!(shown.contains(&advice), "{jail}: {shown}");
    }
}

#[test]
fn a_key_with_a_passphrase_is_an_error_without_a_prompt() {
    let (remote, unique) = (Remote::start(), Unique::new());
    let key = remote.path("user");
    ran(tool_command("ssh-keygen").args(["-q", "-p", "-P", "", "-N", "secret", "-f"]).arg(&key)).exits(0);
    let mut run = unique.project.command(&["run", "--builders", &remote.builders()]);
    let shown = at_terminal(remote.reached_by(&mut run, NIX_CONFIG)).exits(101).stdout;
    assert!(shown.contains("hint: pikaci can't prompt for a passphrase: add the key to an agent"), "{shown}");
}

#[test]
fn a_build_has_no_terminal() {
    let nix = r#"case "$1" in --version) echo "nix (Nix) 2.99.0"; exit ;; esac
        if sh -c 'exec 3</dev/tty' 2>&1; then echo "a terminal for prompts" >&2; fi; exit 1"#;
    let tools = StandIns::new().script("nix", nix);
    let project = Project::with_nix(JOBS);
    for jail in ["--jail=auto", "--jail=none"] {
        at_terminal(&tools.before(project.command(&["run", jail]))).exits(101);
        let log = project.state(&project.record().prepares[0].log_path.clone().unwrap());
        let log = fs::read_to_string(log).unwrap();
        assert!(log.contains("/dev/tty") && !log.contains("a terminal for prompts"), "{jail}: {log}");
    }
}

#[test]
fn settings_of_a_project_s_flake_apply_only_with_consent() {
    let project = fixture::project(&JOBS.replace("prepareTimeout", r#"devShell = "default"; prepareTimeout"#));
    let flake = fs::read_to_string(project.path("flake.nix")).unwrap();
    let flake = flake.replace("pkgs.gnumake", "(throw \"no shell\")");
    let flake = flake.replacen('{', "{\n  nixConfig.extra-substituters = [ \"https://cache.example.org\" ];", 1);
    let project = project.file("flake.nix", &flake);
    let data = project.path("data");
    let build = || {
        let failed = ran(project.command(&["run"]).env("XDG_DATA_HOME", &data)).exits(101);
        let log = project.state(&project.record().prepares[0].log_path.clone().unwrap());
        (fs::read_to_string(log).unwrap(), failed.stdout)
    };
    let ignored = "ignoring untrusted flake configuration setting 'extra-substituters'";
    let (log, shown) = build();
    assert!(log.contains(ignored) && shown.contains("hint: Nix ignores nixConfig of the project's flake"), "{shown}");
    // Nix itself stores an answer in this form.
    fs::create_dir_all(data.join("nix")).unwrap();
    let answer = r#"{ "extra-substituters": { "https://cache.example.org": true } }"#;
    fs::write(data.join("nix/trusted-settings.json"), answer).unwrap();
    let (log, shown) = build();
    assert!(!log.contains("ignoring") && log.contains("no shell") && !shown.contains("nixConfig"), "{log}");
}
