# Returns a store path with these files and folders of the repository, so that an edit of another file rebuilds nothing.
{ lib }:
parts:
let
  root = ../.;
in
builtins.path {
  name = "pikaci-source";
  path = root;
  filter =
    path: _:
    let
      name = lib.removePrefix "${toString root}/" path;
      is = part: name == part || lib.hasPrefix "${part}/" name || lib.hasPrefix "${name}/" part;
    in
    builtins.any is parts;
}
