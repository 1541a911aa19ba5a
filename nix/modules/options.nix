# The options and settings that both modules share.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib)
    literalExpression
    mkEnableOption
    mkIf
    mkOption
    types
    ;
  cfg = config.programs.pikaci;
  inherit (config.services.pikaci) gc stateRoot user;
  stateRoots = lib.optional (stateRoot != null) stateRoot ++ gc.stateRoots;

  isPlainPath = root: builtins.match "(/[A-Za-z0-9._+@-]+)+" root != null;

  gcCommand =
    root:
    [
      "${cfg.package}/bin/pikaci"
      "gc"
      "--state-root"
      root
    ]
    ++ lib.optionals (gc.keepRuns != null) [
      "--keep-runs"
      (toString gc.keepRuns)
    ]
    ++ lib.optionals (gc.olderThan != null) [
      "--older-than"
      gc.olderThan
    ];

  inherit (pkgs.stdenv) buildPlatform hostPlatform;
  # The pikaci of the build machine, if the target's can't run on it.
  validator =
    if buildPlatform.canExecute hostPlatform then
      cfg.package
    else
      pkgs.buildPackages.callPackage ../package.nix { };

  # Returns a file of /etc/pikaci; the build fails if pikaci refuses the file.
  validated =
    name: value:
    pkgs.runCommand "pikaci-${name}.json"
      {
        json = builtins.toJSON value;
        passAsFile = [ "json" ];
      }
      ''
        cp "$jsonPath" ${name}.json
        ${validator}/bin/pikaci check --${name} ${name}.json
        cp ${name}.json "$out"
      '';
in
{
  options.programs.pikaci = {
    enable = mkEnableOption "pikaci, which runs a project's CI jobs in virtual machines on this machine";

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../package.nix { };
      defaultText = literalExpression "pkgs.callPackage ./package.nix { }";
      description = "The package of pikaci.";
    };

    settings = mkOption {
      type = types.attrsOf (
        types.nullOr (
          types.oneOf [
            types.bool
            types.int
            types.str
          ]
        )
      );
      default = { };
      example = {
        jobs = 4;
        fail-fast = true;
        accel = "kvm";
      };
      description = ''
        Values of pikaci's options, by their long names, for options that neither the command line nor the environment
        sets. The build of the system validates the file, {file}`/etc/pikaci/settings.json`.
      '';
    };
  };

  options.programs.pikaci.policy = mkOption {
    type = types.attrsOf types.anything;
    default = { };
    example = {
      bases = [
        "host"
        "nix"
      ];
      network = true;
      runAsRoot = false;
    };
    description = ''
      The limits on what a job file may choose; without a key the project decides. The build of the system validates the
      file, {file}`/etc/pikaci/policy.json`; `pikaci schema policy` prints its format.
    '';
  };

  options.services.pikaci = {
    stateRoot = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "/var/lib/pikaci";
      description = ''
        A state folder that is created for {option}`services.pikaci.user`, who selects it with `--state-root` or
        `PIKACI_STATE_ROOT`. Other users can't read it.
      '';
    };

    user = mkOption {
      type = types.str;
      default = "root";
      example = "ci";
      description = "The user who owns the state folders and runs the garbage collection.";
    };
  };

  options.services.pikaci.gc = {
    enable = mkEnableOption "removal of old runs, with everything that only they need, from state folders";

    stateRoots = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "/home/ci/project/.pikaci" ];
      description = ''
        Further state folders of {option}`services.pikaci.user`, for instance {file}`.pikaci` of projects. Missing
        folders are skipped.
      '';
    };

    keepRuns = mkOption {
      type = types.nullOr types.ints.unsigned;
      default = null;
      example = 50;
      description = "The number of newest runs that stay in each folder; null for pikaci's default.";
    };

    olderThan = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "30d";
      description = "The age from which runs are removed; null for pikaci's default.";
    };

    # Values that the module of each system reads.
    folders = mkOption {
      type = types.listOf types.str;
      internal = true;
      readOnly = true;
      description = "All state folders for garbage collection.";
    };

    script = mkOption {
      type = types.lines;
      internal = true;
      readOnly = true;
      description = "The script that collects garbage.";
    };
  };

  config = {
    services.pikaci.gc = {
      folders = stateRoots;
      # After a failure in one folder the others are still collected.
      script = ''
        status=0
        ${
          lib.concatMapStrings (root: "${lib.escapeShellArgs (gcCommand root)} || status=$?\n") stateRoots
        }exit $status
      '';
    };

    assertions = [
      {
        assertion = gc.enable -> stateRoots != [ ];
        message = ''
          services.pikaci.gc has no state folder.
          Set one: services.pikaci.stateRoot = "/var/lib/pikaci"; or services.pikaci.gc.stateRoots = [ … ];
        '';
      }
      {
        # The paths appear unquoted in a unit, a property list and a script.
        assertion = builtins.all isPlainPath stateRoots;
        message = ''
          services.pikaci has a state folder that is no plain absolute path, among ${toString stateRoots}
          Write an absolute path of letters, digits and . _ + @ - only, without a slash at its end: "/var/lib/pikaci".
        '';
      }
    ];

    environment = mkIf cfg.enable {
      systemPackages = [ cfg.package ];
      etc = lib.mkMerge [
        (mkIf (cfg.settings != { }) { "pikaci/settings.json".source = validated "settings" cfg.settings; })
        (mkIf (cfg.policy != { }) { "pikaci/policy.json".source = validated "policy" cfg.policy; })
      ];
    };
  };
}
