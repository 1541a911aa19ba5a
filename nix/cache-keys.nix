# The keys of caches, and the names of caches in jobs. The arguments are readers of job-keys.nix.
{ disk, globs }:
let
  inherit (builtins)
    attrNames
    elemAt
    isString
    length
    match
    stringLength
    ;
  inherit (import ./readers.nix)
    bool
    both
    hasControl
    is
    isPlainPath
    oneOf
    refuse
    strings
    ;

  folder = is "a folder of the project, or of the job's home with `~/` first" (
    value:
    let
      below = if isString value then match "(~/)?(.*[^/])/*" value else null;
      path = elemAt below 1;
    in
    below != null
    && stringLength value <= 4000
    && !hasControl value
    && isPlainPath path
    && match "(.*/)?~(/.*)?" path == null
  );
in
{
  # The names of the caches of a job.
  names = both strings (
    context: path: value:
    if length (attrNames (builtins.groupBy (name: name) value)) > 4 then
      refuse context "`${path}` has more than 4 caches"
    else
      value
  );

  keys = {
    path = folder;
    key = globs;
    size = disk;
    share = oneOf [ "safe" ];
    singleFlight = bool;
    onFailure = oneOf [ "keep" ];
  };
}
