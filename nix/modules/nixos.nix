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

  wantsKvm = cfg.kvmForBuilds || (cfg.settings.accel or null) == "kvm";
  kvm = [
    "kvm"
    "kvm-amd"
    "kvm-intel"
  ];
  ofKvm = builtins.filter (name: builtins.elem (builtins.replaceStrings [ "_" ] [ "-" ] name) kvm);
in
{
  _class = "nixos";
  imports = [ ./options.nix ];

  options.programs.pikaci.kvmForBuilds = mkOption {
    type = types.bool;
    default = false;
    description = ''
      Whether everybody may use {file}`/dev/kvm`, whatever other rules say. Builds of Nix need it, such as pikaci's
      jobs as checks of a flake: who builds has no supplementary groups, so that being in `kvm` doesn't help.
    '';
  };

  options.services.pikaci.gc.dates = mkOption {
    type = types.str;
    default = "daily";
    example = "Sun 03:15";
    description = "When garbage is collected; see {manpage}`systemd.time(7)`.";
  };

  config = mkMerge [
    (mkIf cfg.enable {
      assertions = [
        {
          # Elsewhere it is built in. On x86 it may come by itself, which is not enough for who counts on it.
          assertion = wantsKvm && pkgs.stdenv.hostPlatform.isx86_64 -> ofKvm config.boot.kernelModules != [ ];
          message = ''
            programs.pikaci is to use KVM, and boot.kernelModules has no module of it.
            Add your processor's: boot.kernelModules = [ "kvm-intel" ]; or [ "kvm-amd" ]; or let pikaci do without,
            which is slower: programs.pikaci.settings.accel = "tcg"; and kvmForBuilds = false;
          '';
        }
        {
          assertion = wantsKvm -> ofKvm config.boot.blacklistedKernelModules == [ ];
          message = ''
            programs.pikaci is to use KVM, and boot.blacklistedKernelModules keeps it from being loaded.
            Take ${toString (ofKvm config.boot.blacklistedKernelModules)} out of it.
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
            Declare it: users.users.${user}.isNormalUser = true; or name another user.
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

          # Nothing can be written but the state folders.
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
