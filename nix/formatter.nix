# `nix fmt`: formats the named files and folders, or else every Nix file of the repository except job files, which are
# formatted by hand, and the tests' data, which is wrong on purpose.
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
