//! The NixOS and the nix-darwin module, evaluated in a small module system.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::nixpkgs_with_crates;
use crate::gc::empty;
use crate::project::{Ran, json as read, nix, ran};
use crate::records::Run;

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Debian's programs, as far as a machine takes them.
pub const CONFIG: &str = "experimental-features = nix-command flakes\nbuild-users-group =\nsubstituters =\n\
    flake-registry =\nsandbox = true\nsandbox-paths = /bin/sh=/bin/busybox /usr /lib=/usr/lib /lib64=/usr/lib64\n";
/// A machine that uses everything that both modules have.
pub const ALL: &str = r#"
  programs.pikaci = { enable = true; settings = { jobs = 4; accel = "kvm"; fail-fast = true; base = null; }; };
  services.pikaci = {
    stateRoot = "/var/lib/pikaci"; user = "ci";
    gc = { enable = true; keepRuns = 50; olderThan = "30d"; stateRoots = [ "/home/ci/p/.pikaci" ]; };
  };
"#;
pub const LINUX: &str = r#"boot.kernelModules = [ "kvm_intel" ]; programs.pikaci.kvmForBuilds = true;"#;
pub const MAC: &str = "nix.linux-builder.enable = true;";
/// The modules with a pikaci that is there, or with their own; what else there is on a system is made of as little.
const FIXTURE: &str = r#"
  fixture = (import NIXPKGS/flake.nix).outputs { self = fixture; };
  pkgs = fixture.legacyPackages.x86_64-linux;
  module = class: ROOT/nix/modules + "/${class}.nix";
  plain = import ROOT/nix/modules/evaluate.nix { inherit pkgs; };
  evaluate = class: configuration: plain [
    (module class)
    configuration
    { programs.pikaci.package = pkgs.wrapped "${PIKACI}"; }
  ];
  undescribed = path: options: builtins.concatMap (name: let option = options.${name}; in
    if option._type or null != "option" then undescribed "${path}${name}." option
    else pkgs.lib.optional (!(builtins.isString (option.description or null))) "${path}${name}"
  ) (builtins.attrNames options);
"#;

/// An expression after the fixtures, run through a command of Nix.
pub fn of_fixture(which: &str, args: &[&str], expression: &str) -> Ran {
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    let file = folder.path().join("test.nix");
    let fixture = FIXTURE.replace("NIXPKGS", nixpkgs_with_crates().to_str().unwrap()).replace("ROOT", ROOT);
    let fixture = fixture.replace("PIKACI", env!("CARGO_BIN_EXE_pikaci"));
    fs::write(&file, format!("let {fixture} in {expression}")).unwrap();
    let mut command = Command::new(nix(which));
    ran(command.args(args).arg("--file").arg(&file).env("NIX_CONFIG", CONFIG))
}

#[track_caller]
fn evaluate(expression: &str) -> Value {
    let value = |which| -> Value {
        let ran = of_fixture(which, &["eval", "--json"], expression).exits(0);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let oldest = value("oldest");
    assert_eq!(oldest, value("newest"));
    oldest
}

/// Asserts that garbage is collected in both folders, whatever comes of the first.
#[track_caller]
pub fn assert_collects(script: &Value, quote: &str) {
    let script = script.as_str().unwrap();
    let commands: Vec<&str> = script.lines().filter(|line| line.contains("pikaci/bin/pikaci")).collect();
    assert_eq!(commands.len(), 2, "{script}");
    for (command, root) in commands.iter().zip(["/var/lib/pikaci", "/home/ci/p/.pikaci"]) {
        let words = ["gc", "--state-root", root, "--keep-runs", "50", "--older-than", "30d"];
        let words = words.map(|word| format!(" {quote}{word}{quote}")).concat();
        assert!(command.ends_with(&format!("-pikaci/bin/pikaci{quote}{words} || status=$?")), "{command}");
    }
    assert!(script.starts_with("status=0\n") && script.ends_with("\nexit $status\n"), "{script}");
}

#[test]
fn on_nixos_there_are_a_program_its_settings_a_state_folder_and_a_timer() {
    let all = evaluate(&format!(
        r#"let e = evaluate "nixos" {{ {ALL} {LINUX} }}; c = e.config; in {{
          inherit (e) refused; undescribed = undescribed "" e.options;
          inherit (c.systemd) timers tmpfiles services;
          packages = map (package: package.name) c.environment.systemPackages;
          rules = c.services.udev.extraRules;
        }}"#
    ));
    assert_eq!((&all["refused"], &all["undescribed"]), (&json!([]), &json!([])));
    assert_eq!(all["packages"], json!(["pikaci"]));
    assert!(all["rules"].as_str().unwrap().contains(r#"KERNEL=="kvm", GROUP="kvm", MODE="0666""#));
    let folder = json!({ "/var/lib/pikaci": { "d": { "mode": "0700", "user": "ci" } } });
    assert_eq!(all["tmpfiles"]["settings"]["pikaci"], folder);
    let service = &all["services"]["pikaci-gc"];
    assert_eq!(service["startAt"], "daily");
    assert_eq!(all["timers"]["pikaci-gc"]["timerConfig"]["Persistent"], true);
    let unit = &service["serviceConfig"];
    assert_eq!((&unit["User"], &unit["ProtectSystem"]), (&json!("ci"), &json!("strict")));
    assert_eq!(unit["ReadWritePaths"], json!(["-/var/lib/pikaci", "-/home/ci/p/.pikaci"]));
    assert_collects(&service["script"], "'");
}

#[test]
fn the_machine_of_the_nixos_test_evaluates() {
    let machine = evaluate(
        r#"let test = import (module "nixos-test"); e = plain [ test.nodes.machine ]; in {
          inherit (e) refused;
          state = e.config.systemd.tmpfiles.settings.pikaci;
          user = e.config.systemd.services.pikaci-gc.serviceConfig.User;
          script = builtins.isString test.testScript;
        }"#,
    );
    let state = json!({ "/var/lib/pikaci": { "d": { "mode": "0700", "user": "ci" } } });
    assert_eq!(machine, json!({ "refused": [], "state": state, "user": "ci", "script": true }));
}

#[test]
fn on_a_mac_there_are_the_same_and_a_daemon() {
    let all = evaluate(&format!(
        r#"let e = evaluate "darwin" {{ {ALL} {MAC} }}; c = e.config; in {{
          inherit (e) refused; undescribed = undescribed "" e.options;
          daemon = c.launchd.daemons.pikaci-gc;
          packages = map (package: package.name) c.environment.systemPackages;
          activation = c.system.activationScripts.postActivation.text;
          rotation = c.environment.etc."newsyslog.d/pikaci.conf".text;
        }}"#
    ));
    assert_eq!((&all["refused"], &all["undescribed"]), (&json!([]), &json!([])));
    assert_eq!(all["packages"], json!(["pikaci"]));
    let activation = all["activation"].as_str().unwrap();
    assert!(activation.contains("install -d -m 0700 -o 'ci' '/var/lib/pikaci'\n"), "{activation}");
    assert!(activation.contains("chown 'ci' /var/log/pikaci-gc.log\n"), "{activation}");
    let daemon = &all["daemon"]["serviceConfig"];
    assert_eq!(daemon["UserName"], "ci");
    assert_eq!(all["rotation"], "/var/log/pikaci-gc.log ci: 640 5 1000 * J\n");
    assert_eq!(daemon["StartCalendarInterval"], json!([{ "Hour": 3, "Minute": 15 }]));
    assert_collects(&all["daemon"]["script"], "'");
}

#[test]
fn without_being_asked_for_there_is_nothing() {
    for class in ["nixos", "darwin"] {
        let nothing = evaluate(&format!(
            r#"let e = evaluate "{class}" {{ }}; c = e.config; in {{
              inherit (e) refused;
              set = [ c.environment c.systemd c.launchd ];
              text = c.system.activationScripts.postActivation.text + c.services.udev.extraRules;
            }}"#
        ));
        assert_eq!(nothing, json!({ "refused": [], "set": [{}, {}, {}], "text": "" }), "{class}");
    }
}

#[test]
fn what_can_not_work_is_refused_with_what_to_do() {
    let with = |settings: &str| format!("programs.pikaci.enable = true; {settings}");
    for (class, configuration, what, remedy) in [
        ("nixos", with(r#"programs.pikaci.settings.accel = "kvm";"#), "no module of it", r#"[ "kvm-intel" ]"#),
        ("nixos", with("programs.pikaci.kvmForBuilds = true;"), "no module of it", "kvmForBuilds = false;"),
        (
            "nixos",
            with(&format!(r#"{LINUX} boot.blacklistedKernelModules = [ "kvm_intel" ];"#)),
            "keeps it from being loaded",
            "Take kvm_intel out of it",
        ),
        ("darwin", with(""), "somebody who builds Linux", "nix.linux-builder.enable = true;"),
        (
            "darwin",
            with(r#"nix.buildMachines = [ { system = "x86_64-darwin"; } ];"#),
            "somebody who builds Linux",
            r#""aarch64-linux" to nix.buildMachines"#,
        ),
        ("nixos", "services.pikaci.gc.enable = true;".to_owned(), "no state folder", "Name one: "),
        ("darwin", "services.pikaci.gc.enable = true;".to_owned(), "no state folder", "Name one: "),
        (
            "nixos",
            r#"services.pikaci = { stateRoot = "/s"; user = "cl"; };"#.to_owned(),
            "user is \"cl\", which users.users doesn't declare",
            "users.users.cl.isNormalUser = true;",
        ),
        ("nixos", r#"services.pikaci.stateRoot = "a b/";"#.to_owned(), "no plain absolute path", "Write the whole"),
    ] {
        let refused = evaluate(&format!(r#"(evaluate "{class}" {{ {configuration} }}).refused"#));
        let refused = refused.as_array().unwrap();
        assert!(refused.len() == 1, "{configuration}: {refused:?}");
        let told = refused[0].as_str().unwrap();
        assert!(told.contains(what) && told.contains(remedy), "{configuration}: {told}");
    }
    for (class, configuration) in [
        ("nixos", with("")),
        ("darwin", with(r#"nix.buildMachines = [ { systems = [ "aarch64-linux" ]; } ];"#)),
        ("darwin", with(r#"nix.settings.builders = "@/etc/nix/machines";"#)),
        ("darwin", with("nix.enable = false;")),
    ] {
        assert_eq!(evaluate(&format!(r#"(evaluate "{class}" {{ {configuration} }}).refused"#)), json!([]));
    }
}

/// Builds a file of /etc/pikaci from an option of the module, and prints its path.
fn build_file(class: &str, option: &str, value: &str) -> Ran {
    let configuration = format!("programs.pikaci = {{ enable = true; {option} = {value}; }};");
    let file = format!(r#".config.environment.etc."pikaci/{option}.json".source"#);
    let args = ["build", "--no-link", "--print-out-paths", "--print-build-logs"];
    of_fixture("oldest", &args, &format!(r#"(evaluate "{class}" {{ {configuration} }}){file}"#))
}

#[test]
fn settings_are_validated_when_the_system_is_built() {
    let build = |settings: &str| build_file("nixos", "settings", settings);
    let good = build(r#"{ jobs = 4; accel = "tcg"; fail-fast = true; base = null; }"#).exits(0);
    let file: Value = serde_json::from_slice(&fs::read(good.stdout.trim()).unwrap()).unwrap();
    assert_eq!(file, json!({ "jobs": 4, "accel": "tcg", "fail-fast": true, "base": null }));
    let refused = build("{ hipervisor = \"qemu\"; }").exits(1).stderr;
    assert!(refused.contains(r#"settings.json: "hipervisor" is no option of pikaci"#), "{refused}");
    assert!(refused.contains(r#"hint: did you mean "hypervisor"?"#), "{refused}");
}

#[test]
fn a_policy_is_validated_when_the_system_is_built() {
    let build = |policy: &str| build_file("darwin", "policy", policy);
    let good = build(r#"{ bases = [ "host" "nix" ]; network = true; runAsRoot = false; memory = "8G"; }"#).exits(0);
    let file: Value = serde_json::from_slice(&fs::read(good.stdout.trim()).unwrap()).unwrap();
    assert_eq!(file["bases"], json!(["host", "nix"]));
    let refused = build("{ runAsroot = false; }").exits(1).stderr;
    assert!(refused.contains("unknown field `runAsroot`"), "{refused}");
}

#[test]
fn a_package_that_nobody_names_is_that_of_the_flake() {
    let found = evaluate(
        r#"let of = class: (plain [ (module class) ]).config.programs.pikaci.package; in {
          packages = map (class: (of class).drvPath) [ "nixos" "darwin" ];
          flake = (pkgs.callPackage ROOT/nix/package.nix { }).drvPath;
        }"#
        .replace("ROOT", ROOT)
        .as_str(),
    );
    assert_eq!(found["packages"], json!([found["flake"], found["flake"]]));
}

#[test]
fn what_the_timers_start_collects_garbage() {
    for (class, script) in [("nixos", "systemd.services"), ("darwin", "launchd.daemons")] {
        let (project, _) = empty();
        for id in ["1", "2", "3"] {
            let record = Run::passed(&project, id).layout().record();
            let mut ended = read(&record);
            ended["finished_at"] = "2001-01-01T00:00:00Z".into();
            fs::write(record, ended.to_string()).unwrap();
        }
        let root = project.state("");
        let gc = format!(
            r#"services.pikaci.gc = {{ enable = true; keepRuns = 2; olderThan = "30d"; stateRoots = [ "{}" ]; }};"#,
            root.to_str().unwrap().trim_end_matches('/')
        );
        let expression = format!(
            r#"pkgs.writeShellScriptBin "collect" (evaluate "{class}" {{ {gc} }}).config.{script}.pikaci-gc.script"#
        );
        let built = of_fixture("oldest", &["build", "--no-link", "--print-out-paths"], &expression).exits(0);
        let collected = ran(&mut Command::new(format!("{}/bin/collect", built.stdout.trim()))).exits(0);
        assert!(collected.stdout.starts_with("removed 1 run: "), "{class}: {}", collected.stdout);
        assert_eq!(project.runs(), ["2", "3"], "{class}");
    }
}
