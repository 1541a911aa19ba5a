# What it takes to work on pikaci, but for Nix.
{ pkgs, pikaci, ... }:
{
  default = pkgs.mkShell {
    inputsFrom = [ pikaci ];
    packages = pikaci.programs ++ [
      pkgs.clippy
      pkgs.nixfmt
      pkgs.rustfmt
      pkgs.shellcheck
    ];
  };
}
