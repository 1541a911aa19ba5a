# Validates the value of a job file: refuses unknown keys, wrong types and undefined names, and fills in the defaults.
# `pikaci check` refuses more, for instance invalid globs.
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

  refuse = context: message: throw "pikaci: the job file: ${context}${message}";
  quoted = names: concatStringsSep ", " (map toJSON names);

  # The types of values, each with its description for messages.
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

  # A key with null counts as left out.
  withoutNull = set: removeAttrs set (filter (name: builtins.isNull set.${name}) (attrNames set));

  # Returns a set if all its keys are declared; checks the type of a value when the value is evaluated.
  typed =
    context: declared: set:
    let
      unknown = attrNames (removeAttrs set (attrNames declared));
      check =
        name: value:
        if declared.${name}.isOne value then
          value
        else
          refuse context "`${name}` must be ${declared.${name}.expected}";
    in
    if !isAttrs set then
      refuse context "it must be a set"
    else if unknown != [ ] then
      refuse context "unknown key `${head unknown}`; it may have ${concatStringsSep ", " (attrNames declared)}"
    else
      mapAttrs check (withoutNull set);

  sections =
    let
      unknown = attrNames (removeAttrs value (attrNames keys));
    in
    if !isAttrs value then
      refuse "" "it must be a set"
    else if unknown != [ ] then
      refuse "" "unknown key `${head unknown}`; it may have ${concatStringsSep ", " (attrNames keys)}"
    else
      withoutNull value;
  # Returns a section, which is a set of named sets of one kind.
  section =
    name: kind:
    let
      set = sections.${name} or { };
    in
    if isAttrs set then
      mapAttrs (each: typed "the ${kind} ${toJSON each}: " keys.${name}) set
    else
      refuse "" "`${name}` must be a set";

  defaults = typed "`defaults`: " keys.defaults (sections.defaults or { });
  guests = {
    default = { };
  }
  // section "guests" "guest";
  targets = mapAttrs (
    name: target:
    let
      undefined = filter (job: !(jobs ? ${job})) (target.jobs or [ ]);
    in
    if undefined == [ ] then
      target
    else
      refuse "the target ${toJSON name}: " "it has ${toJSON (head undefined)}, which is no job"
  ) (section "targets" "target");

  withDefaults =
    name: job:
    let
      context = "the job ${toJSON name}: ";
      full = {
        needs = [ ];
        paths = [ ];
        network = false;
        guest = "default";
      }
      // defaults
      // job;
      undefined = filter (need: !(jobs ? ${need})) full.needs;
    in
    if !(job ? command) then
      refuse context "it has no `command`"
    else if !(guests ? ${full.guest}) then
      refuse context "there is no guest ${toJSON full.guest}; there are ${quoted (attrNames guests)}"
    else if undefined != [ ] then
      refuse context "it needs ${toJSON (head undefined)}, which is no job"
    else
      full;
  jobSection = section "jobs" "job";
  jobs = mapAttrs withDefaults jobSection;

  # Removes jobs without needs in the set, again and again; the remaining ones are in a cycle or need one.
  withoutRunnable =
    left:
    let
      still = filter (name: builtins.any (need: left ? ${need}) jobs.${name}.needs) (attrNames left);
    in
    if builtins.length still == builtins.length (attrNames left) then
      left
    else
      withoutRunnable (builtins.intersectAttrs (builtins.groupBy (name: name) still) left);
  inCycle = withoutRunnable jobs;
  cycle =
    path: name:
    if elem name path then
      concatStringsSep " needs " (map toJSON (path ++ [ name ]))
    else
      cycle (path ++ [ name ]) (head (filter (need: inCycle ? ${need}) jobs.${name}.needs));

  # Returns the jobs of a target, or the job of this name.
  select =
    name:
    if targets ? ${name} then
      targets.${name}.jobs or [ ]
    else if jobs ? ${name} then
      [ name ]
    else
      refuse "" "no target or job is called ${toJSON name}; there are ${
        quoted (attrNames targets ++ attrNames jobs)
      }";

  isValid =
    if inCycle != { } then
      refuse "" "jobs wait for each other: ${cycle [ ] (head (attrNames inCycle))}"
    else
      # Command and environment stay unevaluated: they may name packages that only a check of the job needs.
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
assert isValid;
{
  inherit
    guests
    jobs
    keys
    select
    ;

  # Returns a job file with this job alone.
  only = name: {
    defaults = removeAttrs defaults [ "guest" ];
    guests.${jobs.${name}.guest} = removeAttrs guests.${jobs.${name}.guest} [
      "packages"
      "devShell"
      "modules"
    ];
    jobs.${name} =
      removeAttrs jobSection.${name} [
        "needs"
        "paths"
      ]
      // {
        inherit (jobs.${name}) guest;
      };
  };

  # Returns a job's name without the characters that a derivation's name can't have.
  derivationName =
    name:
    let
      parts = filter isString (builtins.split "[^a-zA-Z0-9+._?=-]+" name);
    in
    builtins.substring 0 150 (concatStringsSep "-" parts);
}
