/**
  Evaluates a job file that is written as modules (`lib.evalModules`): its keys are typed and documented, and several
  modules are merged.

  # Example

  ```nix
  mkChecks {
    jobs = pikaci.lib.evalJobs {
      inherit (nixpkgs) lib;
      modules = [ ./ci/jobs.nix { jobs.lint.command = "make lint"; } ];
    };
    …
  }
  ```

  # Type

  ```
  evalJobs :: { lib, modules, specialArgs ? { } } -> AttrSet
  ```
*/
{
  lib,
  # Modules that set `defaults`, `guests`, `jobs` and `targets`.
  modules,
  # Further arguments of the modules.
  specialArgs ? { },
}:
let
  jobOptions = import ./job-options.nix { inherit lib; };
  evaluated = lib.evalModules {
    modules = [ { inherit (jobOptions) options; } ] ++ modules;
    inherit specialArgs;
  };
in
jobOptions.jobFile evaluated.config
