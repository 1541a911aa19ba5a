# The options of both modules, and what they have in common.
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

  isPlain = root: builtins.match "(/[A-Za-z0-9._+@-]+)+" root != null;

  collect =
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
  # Where the machine's pikaci can't run, one of the machine that builds reads the same.
  validator =
    if buildPlatform.canExecute hostPlatform then
      cfg.package
    else
      pkgs.buildPackages.callPackage ../package.nix { };

  # A file of /etc/pikaci; one that pikaci itself refuses doesn't reach a machine.
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
      description = "The pikaci to install and to run.";
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
        What pikaci's options are where neither the command line nor the environment says something, by their long
        names. The file, {file}`/etc/pikaci/settings.json`, is validated by pikaci when the system is built.
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
      What jobs may have that a project asks for; a key that isn't there is left to the project. The file,
      {file}`/etc/pikaci/policy.json`, is validated by pikaci when the system is built; `pikaci schema policy` prints its
      format.
    '';
  };

  options.services.pikaci = {
    stateRoot = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "/var/lib/pikaci";
      description = ''
        A folder that is made for the state of {option}`services.pikaci.user`, who names it with `--state-root` or
        `PIKACI_STATE_ROOT`. Nobody else may look into it.
      '';
    };

    user = mkOption {
      type = types.str;
      default = "root";
      example = "ci";
      description = "Who owns the state folders, and removes what isn't needed any more.";
    };
  };

  options.services.pikaci.gc = {
    enable = mkEnableOption "removing old runs, and what only they needed, from state folders";

    stateRoots = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "/home/ci/project/.pikaci" ];
      description = ''
        More state folders of {option}`services.pikaci.user` to look after, {file}`.pikaci` of projects for instance.
        One that isn't there is left out.
      '';
    };

    keepRuns = mkOption {
      type = types.nullOr types.ints.unsigned;
      default = null;
      example = 50;
      description = "How many runs stay in each folder, the newest; null leaves it to pikaci.";
    };

    olderThan = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "30d";
      description = "The age from which runs go; null leaves it to pikaci.";
    };

    # For the module of each system.
    folders = mkOption {
      type = types.listOf types.str;
      internal = true;
      readOnly = true;
      description = "All state folders to look after.";
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
      # One that fails doesn't keep the others from their turn.
      script = ''
        status=0
        ${
          lib.concatMapStrings (root: "${lib.escapeShellArgs (collect root)} || status=$?\n") stateRoots
        }exit $status
      '';
    };

    assertions = [
      {
        assertion = gc.enable -> stateRoots != [ ];
        message = ''
          services.pikaci.gc has no state folder to look after.
          Name one: services.pikaci.stateRoot = "/var/lib/pikaci"; or services.pikaci.gc.stateRoots = [ … ];
        '';
      }
      {
        # As they are, in a unit, a property list and a script.
        assertion = builtins.all isPlain stateRoots;
        message = ''
          services.pikaci has a state folder that is no plain absolute path, among ${toString stateRoots}
          Write the whole path, of letters, digits and . _ + @ - alone, without a slash at its end: "/var/lib/pikaci".
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
