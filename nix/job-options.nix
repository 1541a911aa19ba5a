# The job file as typed and documented module options.
{ lib }:
let
  inherit (lib) mkOption types;

  # A key with null counts as left out.
  key =
    type: description:
    mkOption {
      type = types.nullOr type;
      default = null;
      inherit description;
    };
  section =
    options: description:
    mkOption {
      type = types.attrsOf (types.submodule { inherit options; });
      default = { };
      inherit description;
    };

  inherit (types)
    bool
    int
    listOf
    str
    ;
  time = types.either str int;

  ofJobs = {
    timeout = key time "The time limit for the command: \"30m\", or seconds.";
    guest = key str "The guest that the job runs in, by its name in `guests`.";
    env = key (types.attrsOf str) "Environment variables of the command.";
    runAsRoot = key bool "True to run the command as root of the guest.";
    network = key (types.either bool (
      types.enum [ "host" ]
    )) "True for access to the network outside of this machine; \"host\" for this machine too.";
    retries = key int "The number of further attempts after a failed one.";
  };
  keys = {
    defaults = ofJobs;
    guests = {
      base = key (types.enum [
        "host"
        "nix"
        "nixos"
        "none"
      ]) "The origin of kernel and programs.";
      vcpu = key int "The number of CPUs.";
      memory = key (types.either str int) "The memory: \"2G\", or MiB.";
      prepareTimeout = key time "The time limit for Nix to build the guest.";
      bootTimeout = key time "The time limit for the boot.";
      collectTimeout = key time "The time limit for artifacts and power-off.";
      kernel = key str "The path of the kernel image, for base `host`.";
      packages = key (listOf str) "Programs, as attribute paths in nixpkgs.";
      devShell = key str "A dev shell of the project's flake, whose programs the guest gets.";
      modules = key (listOf str) "NixOS modules, as files of the project, for base `nixos`.";
    };
    jobs = ofJobs // {
      command = key (types.either str (listOf str)) "The command: a line of the shell, or a program and its arguments.";
      description = key str "The purpose of the job.";
      needs = key (listOf str) "The jobs that have to pass before this one starts.";
      paths = key (listOf str) "Globs of the files that the job depends on.";
      artifacts = key (listOf str) "Globs of the files that pikaci keeps as artifacts.";
    };
    targets = {
      jobs = key (listOf str) "The jobs of the target.";
      description = key str "The purpose of the target.";
    };
  };
in
{
  inherit keys;

  options = {
    defaults = mkOption {
      type = types.submodule { options = keys.defaults; };
      default = { };
      description = "The values of keys that a job leaves out.";
    };
    guests = section keys.guests "The virtual machines that jobs run in.";
    jobs = section keys.jobs "The jobs.";
    targets = section keys.targets "Named groups of jobs.";
  };

  # The empty job file.
  empty = builtins.mapAttrs (_: _: { }) keys;

  # Returns the job file that a configuration of these options describes.
  jobFile =
    config:
    let
      clean =
        value: if builtins.isAttrs value then lib.filterAttrs (_: each: each != null) value else value;
    in
    {
      defaults = clean config.defaults;
      guests = builtins.mapAttrs (_: clean) config.guests;
      jobs = builtins.mapAttrs (_: clean) config.jobs;
      targets = builtins.mapAttrs (_: clean) config.targets;
    };
}
