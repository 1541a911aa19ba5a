# Validates the value of a job file: refuses unknown keys, wrong values and undefined names, fills in the defaults and
# makes a job of each leg of a matrix.
value:
let
  inherit (builtins)
    attrNames
    attrValues
    concatLists
    concatMap
    concatStringsSep
    elem
    filter
    groupBy
    head
    length
    listToAttrs
    map
    mapAttrs
    toJSON
    ;
  inherit (import ./readers.nix)
    checkName
    checkVariable
    record
    refuse
    setOf
    ;
  inherit (import ./job-checks.nix)
    checkCaches
    checkServices
    checkSize
    withoutRunnable
    ;
  inherit (import ./inputs.nix) sourcesOf;
  inherit (import ./matrix.nix) legs maxLegs parse;
  keys = import ./job-keys.nix;
  secretsOf = import ./secrets.nix;

  quoted = names: concatStringsSep ", " (map toJSON names);

  raw =
    _: _: each:
    each;
  file = {
    caches = setOf checkName raw;
    defaults = record keys.defaults [ ];
    groups = setOf checkName raw;
    guests = setOf checkName raw;
    jobs = setOf checkName raw;
    secrets = setOf checkVariable raw;
    snapshot = record keys.snapshot [ ];
    targets = setOf checkName raw;
  };
  sections = record file [ ] "" "" value;
  # Returns a section, which is a set of named sets of one kind.
  section =
    name: kind: required:
    mapAttrs (each: record keys.${name} required "the ${kind} ${toJSON each}: " "") (
      sections.${name} or { }
    );

  defaults = sections.defaults or { };
  caches = section "caches" "cache" [ "path" ];
  snapshot = sections.snapshot or { };
  groups = section "groups" "group" [ "limit" ];
  secrets = secretsOf.checkSources (section "secrets" "secret" [ ]);
  # The bases whose guests may have a key; all bases if the key isn't here.
  bases = rec {
    hostFolders = [ "host" ];
    kernel = [ "host" ];
    modules = [ "nixos" ];
    packages = [ "nix" ] ++ modules;
    devShell = packages;
    prepareTimeout = hostFolders ++ packages;
    bootTimeout = prepareTimeout;
    collectTimeout = prepareTimeout;
    disk = prepareTimeout;
  };
  guests = {
    default = { };
  }
  // mapAttrs (
    name: guest:
    let
      base = guest.base or "host";
      unfit = filter (key: guest ? ${key} && !(elem base bases.${key})) (attrNames bases);
      of = if guest ? base then "of base `${base}`" else "without a `base`";
    in
    if unfit == [ ] then
      guest
    else
      refuse "the guest ${toJSON name}: " "a guest ${of} can't have `${head unfit}`"
  ) (section "guests" "guest" [ ]);

  allLegs = concatLists (attrValues (mapAttrs legs (sections.jobs or { })));
  legsByName = groupBy (leg: leg.name) allLegs;
  # The jobs as they are written: a leg is a job.
  written = listToAttrs (
    map (leg: {
      name = leg.id;
      value = record keys.jobs [ ] "the job ${toJSON leg.id}: " "" leg.job;
    }) allLegs
  );

  # Returns the legs that a name stands for. The message of an error begins with a subject.
  resolve =
    context: subject: text:
    let
      selector = parse text;
      named = legsByName.${selector.name};
      matching = filter (leg: selector.matches leg.axes) named;
    in
    if selector == null || !(legsByName ? ${selector.name}) then
      refuse context "${subject} ${toJSON text}, which is no job"
    else if matching == [ ] then
      refuse context "${subject} ${toJSON text}, which is no leg of that job; one of its legs is ${toJSON (head named).id}"
    else
      matching;
  # Returns the distinct ids of the legs that names stand for, without legs that are left out.
  idsOf =
    context: subject: names:
    attrNames (
      groupBy (leg: leg.id) (filter (leg: leg.skip == null) (concatMap (resolve context subject) names))
    );

  targets = mapAttrs (
    name: target:
    let
      context = "the target ${toJSON name}: ";
    in
    if sections.jobs or { } ? ${name} then
      refuse context "a job has this name too; name one of them differently"
    else if target.jobs == [ ] then
      refuse context "it has no jobs"
    else
      target // { jobs = idsOf context "it has" target.jobs; }
  ) (section "targets" "target" [ "jobs" ]);

  # Refuses undefined guests, groups, caches and secrets.
  undefinedCaches = settings: filter (name: !(caches ? ${name})) settings.caches;
  checkNames =
    context: settings:
    if settings ? guest && !(guests ? ${settings.guest}) then
      refuse context "there is no guest ${toJSON settings.guest}; there are ${quoted (attrNames guests)}"
    else if settings ? group && !(groups ? ${settings.group}) then
      refuse context "there is no group ${toJSON settings.group}; there are ${quoted (attrNames groups)}"
    else if settings ? caches && undefinedCaches settings != [ ] then
      refuse context "there is no cache ${toJSON (head (undefinedCaches settings))}; there are ${quoted (attrNames caches)}"
    else
      secretsOf.checkNames context secrets settings;

  jobOf =
    leg:
    let
      context = "the job ${toJSON leg.id}: ";
      job = written.${leg.id};
      hasCommand = job ? command;
      inputs = job.inputs or { };
      env = defaults.env or { } // job.env or { } // leg.axes;
      services = checkServices context (defaults.services or { } // job.services or { });
    in
    assert secretsOf.checkVariables context (job.secrets or defaults.secrets or [ ]) env;
    if hasCommand == job ? steps then
      refuse context "it has ${if hasCommand then "a `command` and `steps`" else "no `command`"}"
    else
      builtins.seq services {
        paths = [ ];
        network = false;
        guest = "default";
        secrets = [ ];
        when = "passed";
      }
      // defaults
      // checkNames context job
      // {
        caches = checkCaches context caches (guests.${(defaults // job).guest or "default"} or { }) (
          (defaults // job).caches or [ ]
        );
        needs = idsOf context "it needs" (job.needs or [ ] ++ map (input: input.from) (attrValues inputs));
        # The jobs of the inputs, each with the folder for its artifacts.
        sources = sourcesOf {
          inherit context resolve;
          artifactsOf =
            leg:
            let
              artifacts = written.${leg.id}.artifacts or defaults.artifacts or [ ];
            in
            artifacts.paths or artifacts;
        } inputs;
        inherit env services;
      };
  # All jobs except legs that are left out.
  jobs = listToAttrs (
    map (leg: {
      name = leg.id;
      value = jobOf leg;
    }) (filter (leg: leg.skip == null) allLegs)
  );

  inCycle = withoutRunnable (name: jobs.${name}.needs) jobs;
  cycle =
    path: name:
    if elem name path then
      concatStringsSep " needs " (map toJSON (path ++ [ name ]))
    else
      cycle (path ++ [ name ]) (head (filter (need: inCycle ? ${need}) jobs.${name}.needs));

  # Returns the jobs of a target, or the jobs that a name stands for.
  select =
    name:
    let
      selector = parse name;
    in
    if targets ? ${name} then
      targets.${name}.jobs
    else if selector != null && legsByName ? ${selector.name} then
      idsOf "" "`targets` has" [ name ]
    else
      refuse "" "no target or job is called ${toJSON name}; there are ${
        quoted (attrNames targets ++ attrNames jobs)
      }";

  # Commands and environments stay unevaluated: they may name packages that only a check of the job needs.
  lazyKeys = [
    "command"
    "env"
    "services"
    "shell"
    "steps"
  ];
  isValid =
    if length (filter (leg: leg.axes != { }) allLegs) > maxLegs then
      refuse "" "it has more than ${toString maxLegs} legs of matrices"
    else if inCycle != { } then
      refuse "" "jobs wait for each other: ${cycle [ ] (head (attrNames inCycle))}"
    else
      builtins.deepSeq [
        (removeAttrs (checkNames "`defaults`: " defaults) lazyKeys)
        caches
        (attrNames (checkServices "`defaults`: " (defaults.services or { })))
        groups
        guests
        secrets
        snapshot
        targets
        (mapAttrs (_: job: removeAttrs job lazyKeys) jobs)
      ] true;
in
assert isValid;
{
  inherit guests jobs select;
  inherit snapshot;
  # The names of the keys of each set, for the tests.
  keys = mapAttrs (_: attrNames) (keys // { inherit file; });

  # Returns a job file with this job alone, as far as its check depends on it.
  only =
    id:
    let
      # Keys that matter to other jobs only.
      others = [
        "caches"
        "group"
        "inputs"
        "needs"
        "paths"
        "secrets"
        "when"
      ];
      inherit (jobs.${id}) guest;
      leg = head (filter (leg: leg.id == id) legsByName.${(parse id).name});
    in
    assert checkSize "the job ${toJSON id}: " jobs.${id};
    {
      defaults = removeAttrs defaults ([ "guest" ] ++ others);
      guests.${guest} = removeAttrs guests.${guest} [
        "packages"
        "devShell"
        "modules"
      ];
      jobs.${leg.name} = removeAttrs written.${id} others // {
        inherit guest;
      };
    };
}
