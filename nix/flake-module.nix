# The flake-parts module: `perSystem.pikaci` turns jobs into checks of the flake.
{
  self,
  lib,
  flake-parts-lib,
  ...
}:
let
  inherit (lib) mkOption types;
  jobOptions = import ./job-options.nix { inherit lib; };
in
{
  _class = "flake";

  options.perSystem = flake-parts-lib.mkPerSystemOption (
    { config, pkgs, ... }:
    let
      cfg = config.pikaci;
      jobFile = jobOptions.jobFile cfg;
      jobs =
        if jobFile == jobOptions.empty then
          { }
        else if jobFile.jobs == { } then
          throw "pikaci: perSystem.pikaci has defaults, guests or targets, and no jobs: add `jobs`, or write them in pikaci.nix"
        else
          { jobs = jobFile; };
    in
    {
      options.pikaci = jobOptions.options // {
        enable = lib.mkEnableOption "checks of the flake for the jobs of `jobs`, or of the job file in `src`";
        src = mkOption {
          type = types.raw;
          default = self;
          defaultText = lib.literalExpression "self";
          description = "The project: its flake, or a folder.";
        };
        select = mkOption {
          type = types.nullOr (types.listOf types.str);
          default = null;
          example = [ "pre-merge" ];
          description = "The targets and jobs that become checks; null for all jobs.";
        };
        unfit = mkOption {
          type = types.enum [
            "throw"
            "omit"
          ];
          default = "throw";
          description = "The treatment of a job that can't be a check: `throw` fails, `omit` leaves it out.";
        };
        more = mkOption {
          type = types.attrsOf types.raw;
          default = { };
          example = lib.literalExpression "{ microvm = inputs.microvm; requiredSystemFeatures = [ ]; }";
          description = "Further arguments of `lib.mkChecks`.";
        };
      };

      config.checks = lib.mkIf cfg.enable (
        import ./mk-checks.nix (
          {
            inherit pkgs;
            inherit (cfg) src unfit;
            targets = cfg.select;
          }
          // jobs
          // cfg.more
        )
      );
    }
  );
}
