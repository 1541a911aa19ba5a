# What a runner is made from: the project's flake, its own nixpkgs and microvm.nix, and pinned ones where it has none.
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
in
{
  nixpkgs = own.inputs.nixpkgs or pinned.inputs.nixpkgs;
  microvm = own.inputs.microvm or pinned.inputs.microvm;
  project = own.flake;
}
