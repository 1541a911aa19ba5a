# The documentation of the options of each module, by nixpkgs: `.nixos.optionsCommonMark`, `.darwin.optionsJSON`.
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
            # What they set of the system isn't there.
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
      # The same wherever it is made.
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
