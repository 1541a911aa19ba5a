# The packages that a guest names, and those of the dev shell that it names.
{
  pkgs,
  project,
  guest,
}:
let
  # Finds an attribute by its path, names with dots between them.
  find =
    path:
    builtins.foldl' (
      set: name:
      set.${name}
        or (throw "pikaci: nixpkgs has no package ${builtins.toJSON path}, which the guest names")
    ) pkgs (builtins.filter builtins.isString (builtins.split "[.]" path));

  shell =
    project.devShells.${guest.system}.${guest.devShell}
      or (throw "pikaci: the project's flake.nix has no devShells.${guest.system}.${builtins.toJSON guest.devShell}, which the guest names");

  programs =
    (shell.nativeBuildInputs or [ ])
    ++ (shell.buildInputs or [ ])
    ++ (shell.propagatedNativeBuildInputs or [ ])
    ++ (shell.propagatedBuildInputs or [ ]);
in
map find guest.packages ++ (if guest.devShell == null then [ ] else programs)
