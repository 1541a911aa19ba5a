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
    attrsOf
    bool
    either
    enum
    int
    listOf
    str
    submodule
    ;
  time = either str int;
  program = either str (listOf str);
  command = key program "The command: a script for the shell, or a program and its arguments.";
  when = enum [
    "passed"
    "failed"
    "always"
  ];

  # The keys of jobs that `defaults` may have.
  common = {
    allowFailure = key (either bool (listOf int)) "True, or exit codes: the failures of the job that don't make its run fail.";
    artifacts = key (either (listOf str) (submodule {
      options = keys.artifacts;
    })) "Globs of the files that pikaci keeps as artifacts; or a set with them and more keys.";
    cache = key (either bool (enum [
      "trust"
    ])) "True to take the result of an earlier run with the same input; \"trust\" also with a network.";
    caches = key (listOf str) "The caches whose content the job gets and leaves; a check has none.";
    env = key (attrsOf (
      either str (submodule {
        options = keys.inherited;
      })
    )) "Environment variables of the command.";
    git = key bool "True if the workspace has a `.git` of the project's repository.";
    group = key str "The group that limits how many of its jobs run at the same time.";
    guest = key str "The guest that the job runs in, by its name in `guests`.";
    network = key (either bool (enum [
      "host"
    ])) "True for access to the network outside of this machine; \"host\" for this machine too.";
    paths = key (listOf str) "Globs of the files that the job depends on.";
    retries = key int "The number of further attempts after a failed one.";
    runAsRoot = key bool "True to run the command as root of the guest.";
    secrets = key (listOf str) "The secrets that the command gets as variables, by their names in `secrets`.";
    services = key (attrsOf (submodule {
      options = keys.services;
    })) "Programs that run beside the steps.";
    shell = key (either (enum [
      "sh"
      "bash"
    ]) (listOf str)) "The shell of scripts; a list gets the script as its last argument.";
    stall = key time "The time without output after which the job is ended: \"5m\", or seconds.";
    timeout = key time "The time limit for the command: \"30m\", or seconds.";
    when = key when "The outcome of the needed jobs with which the job runs.";
    workdir = key str "The folder of the project in which the command starts.";
  };
  # The keys of jobs that adjustments may have.
  adjustable = common // {
    inherit command;
    description = key str "The purpose of the job.";
    inputs = key (attrsOf (submodule {
      options = keys.inputs;
    })) "The artifacts of other jobs that are in the workspace.";
    needs = key (listOf str) "The jobs that have to end before this one starts.";
    steps = key (listOf (submodule {
      options = keys.steps;
    })) "The commands that run one after another, instead of `command`.";
  };

  keys = {
    defaults = common;
    jobs = adjustable // {
      adjust = key (listOf (submodule {
        options = keys.adjust;
      })) "The exceptions of the matrix; later ones win.";
      matrix = key (attrsOf (listOf str)) "The values of each axis; each combination is a job.";
    };
    adjust = adjustable // {
      skip = key str "The reason for which these legs are left out.";
      "with" = key (attrsOf str) "The values of axes that choose the legs.";
    };
    steps = {
      inherit command;
      name = key str "The name of the step.";
      timeout = key time "The time limit for the step: \"5m\", or seconds.";
      when = key when "The outcome of the steps before with which the step runs.";
    };
    services = {
      inherit command;
      env = key (attrsOf str) "Environment variables of the service, added to those of the job.";
      needs = key (listOf str) "The services that have to be ready before this one starts.";
      ready = key program "The command that passes once the service is ready.";
      timeout = key time "The time limit until the service is ready: \"60s\", or seconds.";
    };
    artifacts = {
      paths = key (listOf str) "Globs of the files that pikaci keeps.";
      required = key bool "True if the job fails unless each glob has a match and every match is kept.";
      size = key (either str int) "The limit on the size of the files: \"20G\", or MiB.";
    };
    inputs = {
      from = key str "The job that leaves the artifacts, by its name.";
      to = key str "The folder of the project for the artifacts.";
    };
    inherited = {
      default = key str "The value if the variable isn't set.";
      "inherit" = key bool "True to take the value from the environment of pikaci.";
    };
    caches = {
      path = key str "The folder: of the project, or of the job's home with `~/` first.";
      key = key (listOf str) "Globs of the files whose content selects a generation.";
      size = key (either str int) "The maximum size: \"20G\", or MiB.";
      share = key (enum [ "safe" ]) "\"safe\" to keep the content after each end of a job.";
      singleFlight = key bool "False if jobs without content don't wait for the first one.";
      onFailure = key (enum [ "keep" ]) "\"keep\" to keep the content after a failure too.";
    };
    secrets = {
      env = key str "The variable in the environment of pikaci that has the value.";
      file = key str "The file of this machine that has the value.";
      command = key (listOf str) "The command on this machine whose output is the value.";
      asFile = key bool "True to give jobs the value as a file, and its path as the variable.";
    };
    groups.limit = key int "The number of jobs that may run at the same time.";
    guests = {
      base = key (enum [
        "host"
        "nix"
        "nixos"
        "none"
      ]) "The origin of kernel and programs.";
      vcpu = key int "The number of CPUs.";
      memory = key (either str int) "The memory: \"2G\", or MiB.";
      disk = key (either str int) "A disk for what the job writes: \"20G\", or MiB.";
      prepareTimeout = key time "The time limit for Nix to build the guest.";
      bootTimeout = key time "The time limit for the boot.";
      collectTimeout = key time "The time limit for artifacts and power-off.";
      kernel = key str "The path of the kernel image, for base `host`.";
      hostFolders = key (listOf str) "Folders of this machine that the guest sees, for base `host`.";
      packages = key (listOf str) "Programs, as attribute paths in nixpkgs.";
      devShell = key str "A dev shell of the project's flake, whose programs the guest gets.";
      modules = key (listOf str) "NixOS modules, as files of the project, for base `nixos`.";
    };
    snapshot = {
      include = key (listOf str) "Globs of files that jobs get although git ignores them.";
      exclude = key (listOf str) "Globs of files that jobs don't get.";
    };
    targets = {
      jobs = key (listOf str) "The jobs of the target.";
      description = key str "The purpose of the target.";
    };
  };

  options = {
    defaults = mkOption {
      type = submodule { options = keys.defaults; };
      default = { };
      description = "The values of keys that a job leaves out.";
    };
    caches = section keys.caches "Folders whose content outlives the jobs that use them.";
    groups = section keys.groups "Groups of jobs, of which a limited number runs at the same time.";
    guests = section keys.guests "The virtual machines that jobs run in.";
    jobs = section keys.jobs "The jobs.";
    secrets = section keys.secrets "Values that jobs get and that pikaci writes nowhere.";
    snapshot = mkOption {
      type = submodule { options = keys.snapshot; };
      default = { };
      description = "Changes to the files that jobs get.";
    };
    targets = section keys.targets "Named groups of jobs.";
  };

  withoutNulls =
    value:
    if builtins.isList value then
      map withoutNulls value
    else if builtins.isAttrs value then
      builtins.mapAttrs (_: withoutNulls) (lib.filterAttrs (_: each: each != null) value)
    else
      value;
in
{
  inherit options;
  # The names of the keys of each set, for the tests.
  keys = builtins.mapAttrs (_: builtins.attrNames) (keys // { file = options; });

  # The empty job file.
  empty = builtins.mapAttrs (_: _: { }) options;

  # Returns the job file that a configuration of these options describes.
  jobFile = config: withoutNulls (builtins.intersectAttrs options config);
}
