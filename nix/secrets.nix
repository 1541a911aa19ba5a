# The secrets of a job file: the readers of their keys, and checks.
let
  inherit (builtins)
    attrNames
    filter
    head
    isString
    length
    mapAttrs
    match
    stringLength
    toJSON
    ;
  inherit (import ./readers.nix)
    bool
    hasControl
    is
    isPlainPath
    isStrings
    refuse
    ;

  isHostFile =
    value:
    isString value
    && stringLength value <= 255
    && !hasControl value
    && (
      let
        below = match "~?/(.*)" value;
      in
      below != null && isPlainPath (head below)
    );
in
{
  keys = {
    env = is "the name of an environment variable" (
      value: isString value && match "[a-zA-Z_][a-zA-Z0-9_]*" value != null
    );
    file = is "a file below `/` or `~/`" isHostFile;
    command = is "a list of strings, the first of them a program" (
      value: isStrings value && value != [ ] && head value != ""
    );
    asFile = bool;
  };

  # Refuses secrets with no source or several ones.
  checkSources = mapAttrs (
    name: secret:
    if length (attrNames (removeAttrs secret [ "asFile" ])) == 1 then
      secret
    else
      refuse "the secret ${toJSON name}: " "it needs one of `env`, `file` and `command`"
  );

  # Refuses the names of secrets that a file doesn't define, in the settings of a job.
  checkNames =
    context: secrets: settings:
    let
      undefined = filter (name: !(secrets ? ${name})) (settings.secrets or [ ]);
    in
    if undefined == [ ] then
      settings
    else
      refuse context "there is no secret ${toJSON (head undefined)}; define it in `secrets`";

  # Refuses secrets of a job that have the name of a variable of it.
  checkVariables =
    context: names: env:
    let
      twice = filter (name: env ? ${name}) names;
    in
    twice == [ ]
    || refuse context "${toJSON (head twice)} is a secret and a variable in `env` of this job";
}
