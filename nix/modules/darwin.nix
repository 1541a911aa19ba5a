# The nix-darwin module.
{
  config,
  lib,
  ...
}:
let
  inherit (lib)
    escapeShellArg
    mkIf
    mkMerge
    mkOption
    types
    ;
  cfg = config.programs.pikaci;
  inherit (config.services.pikaci) gc stateRoot user;
  inherit (config) nix;
  log = "/var/log/pikaci-gc.log";

  isLinux = system: system != null && builtins.match ".*-linux" system != null;
  buildsLinux =
    machine: builtins.any isLinux ([ (machine.system or null) ] ++ machine.systems or [ ]);
in
{
  _class = "darwin";
  imports = [ ./options.nix ];

  options.services.pikaci.gc.interval = mkOption {
    type = types.listOf (types.attrsOf types.ints.unsigned);
    default = [
      {
        Hour = 3;
        Minute = 15;
      }
    ];
    example = [
      {
        Weekday = 7;
        Hour = 3;
        Minute = 15;
      }
    ];
    description = ''
      The times of garbage collection: `StartCalendarInterval` of {manpage}`launchd.plist(5)`. If the Mac sleeps at such
      a time, the collection runs when it wakes.
    '';
  };

  config = mkMerge [
    (mkIf cfg.enable {
      assertions = [
        {
          assertion =
            # A Nix that nix-darwin doesn't manage has builders of its own.
            !(nix.enable or true)
            || nix.linux-builder.enable
            || builtins.any buildsLinux nix.buildMachines
            || nix.settings ? builders
            || nix.settings ? external-builders;
          message = ''
            programs.pikaci needs a builder of Linux guests: a Mac can't build them itself.
            Add nix.linux-builder.enable = true; or a machine for "aarch64-linux" to nix.buildMachines.
          '';
        }
      ];
    })

    (mkIf (stateRoot != null) {
      system.activationScripts.postActivation.text = ''
        install -d -m 0700 -o ${escapeShellArg user} ${escapeShellArg stateRoot}
      '';
    })

    (mkIf gc.enable {
      # launchd opens the log as the user of the daemon.
      system.activationScripts.postActivation.text = ''
        touch ${log}
        chown ${escapeShellArg user} ${log}
      '';
      # Five files of at most 1000 KiB, see newsyslog.conf(5).
      environment.etc."newsyslog.d/pikaci.conf".text = "${log} ${user}: 640 5 1000 * J\n";
      launchd.daemons.pikaci-gc = {
        inherit (gc) script;
        serviceConfig = {
          UserName = user;
          StartCalendarInterval = gc.interval;
          RunAtLoad = false;
          ProcessType = "Background";
          LowPriorityIO = true;
          Nice = 19;
          StandardOutPath = log;
          StandardErrorPath = log;
        };
      };
    })
  ];
}
