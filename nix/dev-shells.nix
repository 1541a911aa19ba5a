# The programs for work on pikaci, except Nix.
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
