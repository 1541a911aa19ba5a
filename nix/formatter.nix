# `nix fmt`: formats the named files and folders, or else every Nix file of the repository. Leaves out job files, which
# are formatted by hand, and the job files of the tests, some of which are wrong on purpose.
{ pkgs, ... }:
pkgs.writeShellScriptBin "pikaci-format" ''
  set -euo pipefail
  options=() paths=()
  while [ $# != 0 ]; do
    case $1 in
      -w | --width | --indent)
        [ $# != 1 ] || { echo "nix fmt: $1 needs a number, for example: $1 100" >&2; exit 1; }
        options+=("$1" "$2")
        shift
        ;;
      -*) options+=("$1") ;;
      *) paths+=("$(realpath -- "$1")") ;;
    esac
    shift
  done
  if [ ''${#paths[@]} = 0 ]; then
    while [ ! -e flake.nix ] && [ "$PWD" != / ]; do cd ..; done
    paths=("$PWD"/{flake.nix,nix,templates,tests})
  fi
  # A state folder has flakes that pikaci would render again once they are formatted.
  find "''${paths[@]}" -name .pikaci -prune -o \
    -name '*.nix' ! -name pikaci.nix ! -path '*/tests/fixtures/config/*' -print0 |
    xargs -0 -r ${pkgs.lib.getExe pkgs.nixfmt} ''${options[@]+"''${options[@]}"}
''
