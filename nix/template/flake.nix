# A project whose jobs are its checks: `nix flake check` runs each job in its own virtual machine and takes the results
# of unchanged jobs from the store. `pikaci run` runs the same jobs on the current files.
{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    pikaci = {
      # A name for which the lock has the address: nix flake lock --override-input pikaci /path/to/pikaci
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
