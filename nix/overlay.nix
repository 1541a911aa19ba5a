# Adds pikaci to the packages of a nixpkgs.
final: _: { pikaci = final.callPackage ./package.nix { }; }
