# `nix fmt`: nixfmt on every Nix file but job files, which are laid out by hand, and tests' data, wrong on purpose.
{ pkgs, ... }:
pkgs.writeShellScriptBin "pikaci-format" ''
  set -euo pipefail
  find flake.nix nix templates tests/fixtures/microvm tests/fixtures/nixpkgs -name '*.nix' -print0 |
    xargs -0 ${pkgs.lib.getExe pkgs.nixfmt} "$@"
''
