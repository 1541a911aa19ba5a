# Fetches and calls the flakes of a flake.lock as Nix does for the flake beside it (`call-flake.nix` in Nix's libflake).
# In pure evaluation `fetchTree` takes only locked references.
{
  # The decoded lock.
  lock,
  # The folder of the flake beside the lock.
  root ? throw "pikaci: only the inputs of this lock can be used",
  # Flakes that replace those of the lock, by their nodes.
  replace ? { },
}:
let
  inherit (lock) nodes;

  # The node of each input, by node and input.
  inputs = builtins.mapAttrs (_: node: builtins.mapAttrs (_: resolve) (node.inputs or { })) nodes;
  resolve = input: if builtins.isList input then follow input else input;
  # Returns the node at a path of inputs from the root.
  follow = builtins.foldl' (node: name: inputs.${node}.${name}) lock.root;

  call =
    name: node:
    let
      locked = node.locked or { };
      isRelative = locked.type or null == "path" && builtins.substring 0 1 locked.path != "/";
      parent = flakes.${follow (node.parent or [ ])};

      # The attributes that Nix adds to a source, without a commit and with a fixed time.
      ownSource = {
        outPath = root;
        lastModified = 1;
        lastModifiedDate = "19700101000001";
      };
      source =
        if name == lock.root then
          ownSource
        else if isRelative then
          parent.source
        else
          builtins.fetchTree (removeAttrs locked [ "dir" ]);
      folder = if isRelative then locked.path else locked.dir or "";
      outPath =
        (if isRelative then parent.outPath else source.outPath)
        + (if folder == "" then "" else "/${folder}");

      flake = import (outPath + "/flake.nix");
      own = builtins.mapAttrs (_: input: flakes.${input}.result) inputs.${name};
      arguments = own // {
        self = result;
      };
      needed = builtins.functionArgs flake.outputs;
      isMissing = name: !(needed.${name} || arguments ? ${name});
      missing = builtins.filter isMissing (builtins.attrNames needed);
      outputs =
        if missing == [ ] then
          flake.outputs arguments
        else
          throw "pikaci: flake.lock has no input ${builtins.toJSON (builtins.head missing)}, which flake.nix takes: run nix flake lock";
      result = (if node.flake or true then outputs // source // called else source) // {
        inherit outPath;
        sourceInfo = source;
      };
      called = {
        inherit outputs;
        inputs = own;
        _type = "flake";
      };
    in
    {
      inherit
        source
        outPath
        own
        result
        ;
    };

  flakes = builtins.mapAttrs call nodes // builtins.mapAttrs (_: result: { inherit result; }) replace;
in
{
  # The inputs of the root, by name.
  inputs = flakes.${lock.root}.own;
  # The root.
  flake = flakes.${lock.root}.result;
}
