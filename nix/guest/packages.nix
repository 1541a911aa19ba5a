# The packages of a guest: those of `packages` and those of its dev shell.
{
  pkgs,
  project,
  guest,
}:
let
  # Returns the package at an attribute path, which is names with dots between them.
  packageAt =
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
map packageAt guest.packages ++ (if guest.devShell == null then [ ] else programs)
