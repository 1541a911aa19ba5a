# Evaluates both modules with all their options, builds their files, and runs the garbage collection once.
{ pkgs }:
let
  evaluate = import ./evaluate.nix { inherit pkgs; };

  all = {
    programs.pikaci = {
      enable = true;
      settings = {
        jobs = 4;
        accel = "kvm";
        fail-fast = true;
      };
    };
    services.pikaci = {
      stateRoot = "/var/lib/pikaci";
      user = "ci";
      gc = {
        enable = true;
        stateRoots = [ "/home/ci/project/.pikaci" ];
        keepRuns = 50;
        olderThan = "30d";
      };
    };
  };

  systemOf =
    evaluated:
    if evaluated.refused != [ ] then
      throw (builtins.concatStringsSep "\n" evaluated.refused)
    else
      {
        inherit (evaluated.config)
          environment
          launchd
          services
          system
          systemd
          ;
      };

  nixos = systemOf (evaluate [
    ./nixos.nix
    all
    {
      boot.kernelModules = [ "kvm-intel" ];
      programs.pikaci.kvmForBuilds = true;
    }
  ]);
  darwin = systemOf (evaluate [
    ./darwin.nix
    all
    { nix.linux-builder.enable = true; }
  ]);
in
pkgs.runCommand "pikaci-modules"
  {
    systems = builtins.toJSON { inherit nixos darwin; };
    passAsFile = [ "systems" ];
  }
  ''
    (${nixos.systemd.services.pikaci-gc.script})
    (${darwin.launchd.daemons.pikaci-gc.script})
    cp "$systemsPath" "$out"
  ''
