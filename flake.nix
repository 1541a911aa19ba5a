{
  description = "Local-first CI: each job runs in a throwaway virtual machine that Nix built and cached";

  # The only input, for development too.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib legacyPackages;

      # nixpkgs is going to drop x86_64-darwin.
      systems = builtins.filter (system: legacyPackages ? ${system}) [
        "aarch64-darwin"
        "aarch64-linux"
        "x86_64-darwin"
        "x86_64-linux"
      ];

      eachSystem =
        make:
        lib.genAttrs systems (
          system:
          make {
            inherit self;
            pkgs = legacyPackages.${system};
            inherit (self.packages.${system}) pikaci;
          }
        );
    in
    {
      packages = eachSystem (
        { pkgs, pikaci, ... }:
        {
          pikaci = pkgs.callPackage ./nix/package.nix { };
          default = pikaci;
        }
      );
      apps = eachSystem (
        { pikaci, ... }:
        {
          default = {
            type = "app";
            program = lib.getExe pikaci;
            meta = { inherit (pikaci.meta) description; };
          };
        }
      );
      checks = eachSystem (import ./nix/flake-checks.nix);
      devShells = eachSystem (import ./nix/dev-shells.nix);
      formatter = eachSystem (import ./nix/formatter.nix);

      hydraJobs = { inherit (self.checks) aarch64-linux x86_64-linux; };

      lib = {
        evalJobs = import ./nix/eval-jobs.nix;
        mkChecks = import ./nix/mk-checks.nix;
      };
      flakeModules = lib.genAttrs [ "default" "pikaci" ] (_: ./nix/flake-module.nix);
      nixosModules = lib.genAttrs [ "default" "pikaci" ] (_: ./nix/modules/nixos.nix);
      darwinModules = lib.genAttrs [ "default" "pikaci" ] (_: ./nix/modules/darwin.nix);
      overlays = lib.genAttrs [ "default" "pikaci" ] (_: import ./nix/overlay.nix);
      templates.default = {
        path = ./nix/template;
        description = "A project whose jobs are its flake's checks";
      };
    };
}
