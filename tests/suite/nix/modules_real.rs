//! The modules in the real NixOS and nix-darwin.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::fixture::{NIX_DARWIN, NIXPKGS, real};
use crate::support::modules::{ALL, CONFIG, LINUX, MAC, ROOT, assert_collects};
use crate::support::project::ran;
use crate::support::tools::nix;

/// NixOS and nix-darwin from the folders that the variables name; a repository is copied once.
const REAL: &str = r#"
  nixpkgs = if builtins.pathExists NIXPKGS/.git then
    (builtins.fetchTree { type = "git"; url = "file://NIXPKGS"; }).outPath
  else
    NIXPKGS;
  lib = import (nixpkgs + "/lib");
  everywhere = { pkgs, ... }: { programs.pikaci.package = pkgs.runCommand "pikaci" { } "false"; };
  nixos = import (nixpkgs + "/nixos/lib/eval-config.nix") {
    system = "x86_64-linux";
    modules = [ ROOT/nix/modules/nixos.nix everywhere {
      boot.loader.grub.enable = false;
      fileSystems."/".device = "none";
      system.stateVersion = lib.trivial.release;
      users.users.ci.isNormalUser = true;
    } { ALL LINUX } ];
  };
  darwin = import DARWIN/eval-config.nix {
    inherit lib;
    modules = [ ROOT/nix/modules/darwin.nix everywhere {
      nixpkgs.source = nixpkgs;
      nixpkgs.system = "aarch64-darwin";
      system.stateVersion = 5;
    } { ALL MAC } ];
  };
  refused = config: map (a: a.message) (builtins.filter (a: !a.assertion) config.assertions);
  documentation = import ROOT/nix/modules/options-doc.nix { inherit (nixos) pkgs; };
"#;

#[test]
fn the_modules_evaluate_in_the_real_nixos_and_nix_darwin() {
    let (nixpkgs, darwin) = (real(NIXPKGS), real(NIX_DARWIN));
    let real = REAL.replace("ROOT", ROOT).replace("NIXPKGS", &nixpkgs).replace("DARWIN", &darwin);
    let real = real.replace("ALL", ALL).replace("LINUX", LINUX).replace("MAC", MAC);
    let expression = format!(
        r#"let {real} in {{
          refused = refused nixos.config ++ refused darwin.config;
          settings = map (system: system.config.environment.etc."pikaci/settings.json".source.drvPath) [ nixos darwin ];
          script = nixos.config.systemd.services.pikaci-gc.script;
          service = nixos.config.systemd.units."pikaci-gc.service".text;
          timer = nixos.config.systemd.units."pikaci-gc.timer".text;
          tmpfiles = nixos.config.systemd.tmpfiles.settings.pikaci;
          plist = darwin.config.environment.launchDaemons."org.nixos.pikaci-gc.plist".text;
          activation = darwin.config.system.activationScripts.postActivation.text;
          options = builtins.mapAttrs (_: made: builtins.mapAttrs (_: option: option.description) made.optionsNix)
            documentation;
        }}"#
    );
    let mut eval = Command::new(nix("oldest"));
    eval.args(["eval", "--impure", "--json", "--expr", &expression]).env("NIX_CONFIG", CONFIG);
    let all: Value = serde_json::from_str(&ran(&mut eval).exits(0).stdout).unwrap();
    let text = |name: &str| all[name].as_str().unwrap();
    println!("{}\n{}\n{}\n{}", text("service"), text("timer"), text("plist"), text("activation"));
    println!("{:#}\n{:#}", all["tmpfiles"], all["options"]);
    assert_eq!(all["refused"], json!([]));
    assert_collects(&all["script"], "");
    assert!(text("service").contains("-pikaci-gc-start/bin/pikaci-gc-start"), "the unit runs it");
    assert!(text("service").contains("\nReadWritePaths=-/var/lib/pikaci\n"), "{}", text("service"));
    assert!(text("timer").contains("\nOnCalendar=daily\nPersistent=true\n"));
    assert!(text("plist").contains("<key>UserName</key>\n\t<string>ci</string>"));
    assert!(text("plist").contains("-pikaci-gc-start</string>"));
    for (class, own) in [("nixos", "programs.pikaci.kvmForBuilds"), ("darwin", "services.pikaci.gc.interval")] {
        let options = all["options"][class].as_object().unwrap();
        assert!(options.contains_key(own) && options.contains_key("services.pikaci.gc.keepRuns"), "{options:?}");
        assert!(!options.contains_key("services.pikaci.gc.script"), "the documentation has internal options");
        assert!(options.values().all(Value::is_string), "{options:?}");
    }
}
