# `nix fmt`: nixfmt on the files and folders that are named, else on every Nix file of the repository but job files, which
# are laid out by hand, and tests' data, wrong on purpose.
{ pkgs, ... }:
pkgs.writeShellScriptBin "pikaci-format" ''
  set -euo pipefail
  options=() paths=()
  for word in "$@"; do
    case $word in
      -*) options+=("$word") ;;
      *) paths+=("$word") ;;
    esac
  done
  if [ ''${#paths[@]} = 0 ]; then
    while [ ! -e flake.nix ] && [ "$PWD" != / ]; do cd ..; done
    paths=(flake.nix nix templates tests/fixtures/microvm tests/fixtures/nixpkgs)
  fi
  find "''${paths[@]}" -name '*.nix' ! -name pikaci.nix -print0 |
    xargs -0 -r ${pkgs.lib.getExe pkgs.nixfmt} ''${options[@]+"''${options[@]}"}
''
