//! The NixOS and the nix-darwin module, evaluated in a small module system.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::modules::{ALL, LINUX, MAC, ROOT, assert_collects, evaluate, of_fixture};
use crate::support::project::{Ran, json as read, ran};
use crate::support::records::Run;
use crate::support::stored::empty;

#[test]
fn nixos_gets_a_program_its_settings_a_state_folder_and_a_timer() {
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
fn nix_darwin_gets_the_same_and_a_daemon() {
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
fn a_module_that_is_not_enabled_adds_nothing() {
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
fn options_that_cannot_work_are_refused_with_a_remedy() {
    let with = |settings: &str| format!("programs.pikaci.enable = true; {settings}");
    for (class, configuration, problem, remedy) in [
        ("nixos", with(r#"programs.pikaci.settings.accel = "kvm";"#), "no module of KVM", r#"[ "kvm-intel" ]"#),
        ("nixos", with("programs.pikaci.kvmForBuilds = true;"), "no module of KVM", "kvmForBuilds = false;"),
        (
            "nixos",
            with(&format!(r#"{LINUX} boot.blacklistedKernelModules = [ "kvm_intel" ];"#)),
            "prevents its module from loading",
            "Remove kvm_intel from that list",
        ),
        ("darwin", with(""), "needs a builder of Linux guests", "nix.linux-builder.enable = true;"),
        (
            "darwin",
            with(r#"nix.buildMachines = [ { system = "x86_64-darwin"; } ];"#),
            "needs a builder of Linux guests",
            r#""aarch64-linux" to nix.buildMachines"#,
        ),
        ("nixos", "services.pikaci.gc.enable = true;".to_owned(), "no state folder", "Set one: "),
        ("darwin", "services.pikaci.gc.enable = true;".to_owned(), "no state folder", "Set one: "),
        (
            "nixos",
            r#"services.pikaci = { stateRoot = "/s"; user = "cl"; };"#.to_owned(),
            "user is \"cl\", which users.users doesn't declare",
            "users.users.cl.isNormalUser = true;",
        ),
        (
            "nixos",
            r#"services.pikaci.stateRoot = "a b/";"#.to_owned(),
            "no plain absolute path",
            "Write an absolute path",
        ),
    ] {
        let refused = evaluate(&format!(r#"(evaluate "{class}" {{ {configuration} }}).refused"#));
        let refused = refused.as_array().unwrap();
        assert!(refused.len() == 1, "{configuration}: {refused:?}");
        let message = refused[0].as_str().unwrap();
        assert!(message.contains(problem) && message.contains(remedy), "{configuration}: {message}");
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
    assert!(refused.contains(r#"settings.json: "hipervisor" isn't an option of pikaci"#), "{refused}");
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
fn the_default_package_is_that_of_the_flake() {
    let evaluated = evaluate(
        r#"let of = class: (plain [ (module class) ]).config.programs.pikaci.package; in {
          packages = map (class: (of class).drvPath) [ "nixos" "darwin" ];
          flake = (pkgs.callPackage ROOT/nix/package.nix { }).drvPath;
        }"#
        .replace("ROOT", ROOT)
        .as_str(),
    );
    assert_eq!(evaluated["packages"], json!([evaluated["flake"], evaluated["flake"]]));
}

#[test]
fn the_timers_collect_garbage() {
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
