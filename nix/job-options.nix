# The job file as options of modules: typed and documented.
{ lib }:
let
  inherit (lib) mkOption types;

  # Null is the same as leaving a key out.
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
    timeout = key time "The time that the command may take: \"30m\", or seconds.";
    guest = key str "The guest that it runs in, by its name in `guests`.";
    env = key (types.attrsOf str) "Variables of its environment.";
    runAsRoot = key bool "Runs the command as the guest's root.";
    network = key (types.either bool (
      types.enum [ "host" ]
    )) "Lets it reach the outside; \"host\": this machine too.";
    retries = key int "The number of tries after one that failed.";
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
      prepareTimeout = key time "The time that Nix may take to build it.";
      bootTimeout = key time "The time until it is ready.";
      collectTimeout = key time "The time for artifacts and power-off.";
      kernel = key str "The kernel's image, for base `host`.";
      packages = key (listOf str) "Programs, as attribute paths in nixpkgs.";
      devShell = key str "A dev shell of the project's flake, whose programs it has.";
      modules = key (listOf str) "NixOS modules, as files of the project, for base `nixos`.";
    };
    jobs = ofJobs // {
      command = key (types.either str (listOf str)) "The command: a line of the shell, or a program and its arguments.";
      description = key str "The purpose of the job.";
      needs = key (listOf str) "The jobs that have to pass before.";
      paths = key (listOf str) "The files that it depends on, as globs.";
      artifacts = key (listOf str) "The files that it brings back, as globs.";
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
    guests = section keys.guests "The machines that jobs run in.";
    jobs = section keys.jobs "The jobs.";
    targets = section keys.targets "Named groups of jobs.";
  };

  # A job file that says nothing.
  empty = builtins.mapAttrs (_: _: { }) keys;

  # Returns the job file of a configuration with these options.
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
