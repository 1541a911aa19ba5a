# The inputs of a runner: the project's flake, and nixpkgs and microvm.nix from the project's lock or, if the lock has
# none, from the pinned lock.
let
  read = file: builtins.fromJSON (builtins.readFile file);
  lock = ../project/flake.lock;

  own = import ./call-flakes.nix {
    root = "${../project}";
    lock =
      if builtins.pathExists lock then
        read lock
      else
        {
          root = "root";
          nodes.root = { };
        };
  };

  pinned = import ./call-flakes.nix {
    lock = read ../pinned.lock.json;
    replace = builtins.intersectAttrs { nixpkgs = null; } own.inputs;
  };

  nixpkgs = own.inputs.nixpkgs or pinned.inputs.nixpkgs;
in
{
  inherit nixpkgs;
  microvm =
    own.inputs.microvm or (
      if nixpkgs.lib ? replaceString then
        pinned.inputs.microvm
      else
        throw "pikaci: the project's nixpkgs is ${nixpkgs.lib.trivial.release}, and microvm.nix takes 25.05 or newer: update it, nix flake update nixpkgs, or add a microvm.nix of the same age as the input `microvm`"
    );
  project = own.flake;
}
