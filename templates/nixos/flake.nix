# A runner of base "nixos": a NixOS with pikaci's agent as a service, and what the guest names.
{
  description = "A pikaci runner with a NixOS";

  inputs = {
    # Which ones stands in flake.lock.
    nixpkgs.url = "flake:nixpkgs";
    microvm = {
      url = "flake:microvm";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    # The project's flake, for its dev shells.
    project.url = "path:./project";
  };

  outputs =
    {
      self,
      nixpkgs,
      microvm,
      project,
    }:
    {
      packages."{{ host }}".runner = import ./runner.nix {
        inherit
          self
          nixpkgs
          microvm
          project
          ;
        host = "{{ host }}";
        guest = builtins.fromJSON (builtins.readFile ./guest.json);
      };
    };
}
