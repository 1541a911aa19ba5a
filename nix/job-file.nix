# Reads the value of a job file: refuses unknown keys, wrong types and names that lead nowhere, and fills in the defaults.
# `pikaci check` refuses more, globs for instance.
value:
let
  inherit (builtins)
    attrNames
    attrValues
    concatStringsSep
    elem
    filter
    head
    isAttrs
    isBool
    isInt
    isList
    isString
    map
    mapAttrs
    toJSON
    ;

  refuse = where: what: throw "pikaci: the job file: ${where}${what}";
  quoted = names: concatStringsSep ", " (map toJSON names);

  # The types of values, each with the words for it.
  type = expected: isOne: { inherit expected isOne; };
  string = type "a string" isString;
  strings = type "a list of strings" (value: isList value && builtins.all isString value);
  bool = type "true or false" isBool;
  integer = type "an integer" isInt;
  time = type "a string such as \"30m\", or an integer of seconds" (
    value: isString value || isInt value
  );
  size = type "a string such as \"2G\", or an integer of MiB" (value: isString value || isInt value);
  env = type "a set of strings" (value: isAttrs value && builtins.all isString (attrValues value));
  network = type "true, false or \"host\"" (value: isBool value || value == "host");
  command = type "a string, or a list of strings" (value: isString value || strings.isOne value);

  base = type "\"host\", \"nix\", \"nixos\" or \"none\"" (
    value:
    elem value [
      "host"
      "nix"
      "nixos"
      "none"
    ]
  );

  ofJobs = {
    inherit env network;
    timeout = time;
    guest = string;
    runAsRoot = bool;
    retries = integer;
  };
  keys = {
    defaults = ofJobs;
    jobs = ofJobs // {
      inherit command;
      description = string;
      needs = strings;
      paths = strings;
      artifacts = strings;
    };
    guests = {
      inherit base;
      vcpu = integer;
      memory = size;
      prepareTimeout = time;
      bootTimeout = time;
      collectTimeout = time;
      kernel = string;
      packages = strings;
      devShell = string;
      modules = strings;
    };
    targets = {
      jobs = strings;
      description = string;
    };
  };

  # Null is the same as leaving a key out.
  withoutNull = set: removeAttrs set (filter (name: builtins.isNull set.${name}) (attrNames set));

  # Returns a set once all its keys are known; each value has the right type once it is looked at.
  typed =
    where: known: set:
    let
      strangers = attrNames (removeAttrs set (attrNames known));
      check =
        name: value:
        if known.${name}.isOne value then
          value
        else
          refuse where "`${name}` is to be ${known.${name}.expected}";
    in
    if !isAttrs set then
      refuse where "it is to be a set"
    else if strangers != [ ] then
      refuse where "unknown key `${head strangers}`; it may have ${concatStringsSep ", " (attrNames known)}"
    else
      mapAttrs check (withoutNull set);

  sections =
    let
      strangers = attrNames (removeAttrs value (attrNames keys));
    in
    if !isAttrs value then
      refuse "" "it is to be a set"
    else if strangers != [ ] then
      refuse "" "unknown key `${head strangers}`; it may have ${concatStringsSep ", " (attrNames keys)}"
    else
      withoutNull value;
  # A section of named sets, each of which is one of the given kind.
  section =
    name: kind:
    let
      set = sections.${name} or { };
    in
    if isAttrs set then
      mapAttrs (each: typed "the ${kind} ${toJSON each}: " keys.${name}) set
    else
      refuse "" "`${name}` is to be a set";

  defaults = typed "`defaults`: " keys.defaults (sections.defaults or { });
  guests = {
    default = { };
  }
  // section "guests" "guest";
  targets = mapAttrs (
    name: target:
    let
      strangers = filter (job: !(jobs ? ${job})) (target.jobs or [ ]);
    in
    if strangers == [ ] then
      target
    else
      refuse "the target ${toJSON name}: " "it has ${toJSON (head strangers)}, which is no job"
  ) (section "targets" "target");

  fill =
    name: job:
    let
      where = "the job ${toJSON name}: ";
      full = {
        needs = [ ];
        paths = [ ];
        network = false;
        guest = "default";
      }
      // defaults
      // job;
      strangers = filter (need: !(jobs ? ${need})) full.needs;
    in
    if !(job ? command) then
      refuse where "it has no `command`"
    else if !(guests ? ${full.guest}) then
      refuse where "there is no guest ${toJSON full.guest}; there are ${quoted (attrNames guests)}"
    else if strangers != [ ] then
      refuse where "it needs ${toJSON (head strangers)}, which is no job"
    else
      full;
  written = section "jobs" "job";
  jobs = mapAttrs fill written;

  # Takes jobs out of a set whose needs aren't in it, again and again; what stays is in a cycle or waits for one.
  waiting =
    left:
    let
      still = filter (name: builtins.any (need: left ? ${need}) jobs.${name}.needs) (attrNames left);
    in
    if builtins.length still == builtins.length (attrNames left) then
      left
    else
      waiting (builtins.intersectAttrs (builtins.groupBy (name: name) still) left);
  inCycle = waiting jobs;
  cycle =
    path: name:
    if elem name path then
      concatStringsSep " needs " (map toJSON (path ++ [ name ]))
    else
      cycle (path ++ [ name ]) (head (filter (need: inCycle ? ${need}) jobs.${name}.needs));

  named =
    name:
    if targets ? ${name} then
      targets.${name}.jobs or [ ]
    else if jobs ? ${name} then
      [ name ]
    else
      refuse "" "no target or job is called ${toJSON name}; there are ${
        quoted (attrNames targets ++ attrNames jobs)
      }";

  sound =
    if inCycle != { } then
      refuse "" "jobs wait for each other: ${cycle [ ] (head (attrNames inCycle))}"
    else
      # Command and environment stay unevaluated: they may name packages, which only a check of the job needs.
      builtins.deepSeq [
        (removeAttrs defaults [ "env" ])
        guests
        targets
        (mapAttrs (
          _: job:
          removeAttrs job [
            "command"
            "env"
          ]
        ) jobs)
      ] true;
in
assert sound;
{
  inherit
    guests
    jobs
    keys
    named
    ;

  # The job file of one job alone.
  only = name: {
    defaults = removeAttrs defaults [ "guest" ];
    guests.${jobs.${name}.guest} = removeAttrs guests.${jobs.${name}.guest} [
      "packages"
      "devShell"
      "modules"
    ];
    jobs.${name} =
      removeAttrs written.${name} [
        "needs"
        "paths"
      ]
      // {
        inherit (jobs.${name}) guest;
      };
  };

  # A job's name without characters that no derivation's name may have.
  derivationName =
    name:
    let
      parts = filter isString (builtins.split "[^a-zA-Z0-9+._?=-]+" name);
    in
    builtins.substring 0 150 (concatStringsSep "-" parts);
}
