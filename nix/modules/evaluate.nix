# Evaluates modules with a stand-in for the system: it has only the options that pikaci's modules set and read.
{ pkgs }:
modules:
let
  inherit (pkgs) lib;
  inherit (lib) mkOption types;

  option =
    type: default:
    mkOption {
      inherit type default;
      description = "An option of the system.";
    };
  list = option (types.listOf types.anything) [ ];
  set = option (types.attrsOf types.anything) { };
  lines = option types.lines "";

  system.options = {
    assertions = list;
    boot.kernelModules = list;
    boot.blacklistedKernelModules = list;
    environment = set;
    launchd = set;
    nix.buildMachines = list;
    nix.enable = option types.bool true;
    nix.linux-builder.enable = option types.bool false;
    nix.settings = set;
    services.udev.extraRules = lines;
    system.activationScripts.postActivation.text = lines;
    systemd = set;
    # The user of every system, and the user of the examples.
    users.users = option (types.attrsOf types.anything) {
      root = { };
      ci = { };
    };
  };

  evaluated = lib.evalModules {
    modules = [ system ] ++ modules;
    specialArgs = { inherit pkgs; };
  };
in
evaluated
// {
  # The messages of assertions that fail, which would fail a build of the system.
  refused = map (assertion: assertion.message) (
    builtins.filter (assertion: !assertion.assertion) evaluated.config.assertions
  );
}
