# A runner of base "nix": nixpkgs' kernel and a static busybox, pikaci's agent, and the packages that the guest names.
{
  description = "A pikaci runner with nixpkgs' kernel";

  inputs = {
    # Which one stands in flake.lock.
    nixpkgs.url = "flake:nixpkgs";
    # The project's flake, for its dev shells.
    project.url = "path:./project";
  };

  outputs =
    {
      self,
      nixpkgs,
      project,
    }:
    {
      packages."{{ host }}".runner = import ./runner.nix {
        inherit self nixpkgs project;
        guest = builtins.fromJSON (builtins.readFile ./guest.json);
      };
    };
}
