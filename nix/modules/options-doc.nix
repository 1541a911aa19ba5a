# The documentation of the options of each module, made by nixpkgs: `.nixos.optionsCommonMark`, `.darwin.optionsJSON`.
{ pkgs }:
let
  inherit (pkgs) lib;
  root = "${toString ../..}/";

  document =
    module:
    let
      evaluated = lib.evalModules {
        modules = [
          module
          {
            # The options of the system that the modules set aren't declared.
            _module.check = false;
            _module.args = { inherit pkgs; };
          }
        ];
      };
    in
    pkgs.nixosOptionsDoc {
      options = {
        inherit (evaluated.options) programs services;
      };
      # Relative paths, so that the result doesn't depend on the folder.
      transformOptions =
        option:
        option
        // {
          declarations = map (file: lib.removePrefix root (toString file)) option.declarations;
        };
    };
in
lib.mapAttrs (_: document) {
  nixos = ./nixos.nix;
  darwin = ./darwin.nix;
}
