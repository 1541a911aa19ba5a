# A project whose jobs are its checks: `nix flake check` runs each in a virtual machine of its own, and the unchanged
# ones come from the store. `pikaci run` runs the same jobs on the files as they are now.
{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    pikaci = {
      # Name the place that you have it from.
      url = "flake:pikaci";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      pikaci,
    }:
    let
      systems = [
        "aarch64-linux"
        "x86_64-linux"
      ];
    in
    {
      checks = nixpkgs.lib.genAttrs systems (
        system:
        pikaci.lib.mkChecks {
          pkgs = nixpkgs.legacyPackages.${system};
          src = self;
        }
      );
    };
}
