# The NixOS module.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib)
    mkIf
    mkMerge
    mkOption
    types
    ;
  cfg = config.programs.pikaci;
  inherit (config.services.pikaci) gc stateRoot user;

  usesKvm = cfg.kvmForBuilds || (cfg.settings.accel or null) == "kvm";
  kvm = [
    "kvm"
    "kvm-amd"
    "kvm-intel"
  ];
  kvmModulesOf = builtins.filter (
    name: builtins.elem (builtins.replaceStrings [ "_" ] [ "-" ] name) kvm
  );
in
{
  _class = "nixos";
  imports = [ ./options.nix ];

  options.programs.pikaci.kvmForBuilds = mkOption {
    type = types.bool;
    default = false;
    description = ''
      True to give every user access to {file}`/dev/kvm`, in spite of other rules. Builds of Nix need it, such as
      pikaci's jobs as checks of a flake: Nix's build users have no supplementary groups, so the group `kvm` doesn't
      help.
    '';
  };

  options.services.pikaci.gc.dates = mkOption {
    type = types.str;
    default = "daily";
    example = "Sun 03:15";
    description = "The times of garbage collection; see {manpage}`systemd.time(7)`.";
  };

  config = mkMerge [
    (mkIf cfg.enable {
      assertions = [
        {
          # On other processors KVM is built in. On x86 udev may load it, but that isn't certain.
          assertion =
            usesKvm && pkgs.stdenv.hostPlatform.isx86_64 -> kvmModulesOf config.boot.kernelModules != [ ];
          message = ''
            programs.pikaci is configured for KVM, and boot.kernelModules has no module of KVM.
            Add the module of your processor: boot.kernelModules = [ "kvm-intel" ]; or [ "kvm-amd" ]; or disable KVM for
            pikaci, which is slower: programs.pikaci.settings.accel = "tcg"; and kvmForBuilds = false;
          '';
        }
        {
          assertion = usesKvm -> kvmModulesOf config.boot.blacklistedKernelModules == [ ];
          message = ''
            programs.pikaci is configured for KVM, and boot.blacklistedKernelModules prevents its module from loading.
            Remove ${toString (kvmModulesOf config.boot.blacklistedKernelModules)} from that list.
          '';
        }
      ];
    })

    (mkIf (cfg.enable && cfg.kvmForBuilds) {
      services.udev.extraRules = ''
        KERNEL=="kvm", GROUP="kvm", MODE="0666", OPTIONS+="static_node=kvm"
      '';
    })

    (mkIf (stateRoot != null || gc.enable) {
      assertions = [
        {
          assertion = config.users.users ? ${user};
          message = ''
            services.pikaci.user is ${builtins.toJSON user}, which users.users doesn't declare.
            Declare it: users.users.${user}.isNormalUser = true; or set another user.
          '';
        }
      ];
    })

    (mkIf (stateRoot != null) {
      systemd.tmpfiles.settings.pikaci.${stateRoot}.d = {
        mode = "0700";
        inherit user;
      };
    })

    (mkIf gc.enable {
      systemd.services.pikaci-gc = {
        description = "Removal of pikaci's old runs";
        startAt = gc.dates;
        inherit (gc) script;
        serviceConfig = {
          Type = "oneshot";
          User = user;
          Nice = 19;
          IOSchedulingClass = "idle";

          # Only the state folders are writable.
          ReadWritePaths = map (root: "-${root}") gc.folders;
          ProtectSystem = "strict";
          ProtectHome = "read-only";
          LockPersonality = true;
          MemoryDenyWriteExecute = true;
          NoNewPrivileges = true;
          PrivateDevices = true;
          PrivateNetwork = true;
          PrivateTmp = true;
          ProtectClock = true;
          ProtectControlGroups = true;
          ProtectHostname = true;
          ProtectKernelLogs = true;
          ProtectKernelModules = true;
          ProtectKernelTunables = true;
          RestrictAddressFamilies = "AF_UNIX";
          RestrictNamespaces = true;
          RestrictRealtime = true;
          RestrictSUIDSGID = true;
          SystemCallArchitectures = "native";
        };
      };
      systemd.timers.pikaci-gc.timerConfig = {
        Persistent = true;
        RandomizedDelaySec = "1h";
      };
    })
  ];
}
