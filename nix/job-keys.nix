# The keys of a job file, each with its reader, by the sets that have them.
let
  inherit (builtins)
    all
    attrNames
    elemAt
    filter
    head
    isAttrs
    isBool
    isList
    isString
    length
    match
    stringLength
    toJSON
    ;
  inherit (import ./readers.nix)
    bool
    both
    checkName
    checkVariable
    hasControl
    integer
    is
    isBetween
    isPlainPath
    listOf
    oneOf
    record
    refuse
    setOf
    string
    strings
    ;
  inherit (import ./amounts.nix) disk size time;
  inherit (import ./commands.nix)
    argument
    checkLength
    command
    shell
    ;
  inherit (import ./glob.nix) problemOf;

  line = is "a string of one line" (
    value:
    isString value
    && (
      let
        trimmed = match "[[:space:]]*([^[:space:]](.*[^[:space:]])?)[[:space:]]*" value;
      in
      trimmed == null || !hasControl (head trimmed)
    )
  );
  glob = both string (
    context: path: value:
    if problemOf value == null then
      value
    else
      refuse context "${toJSON value} in `${path}` ${problemOf value}"
  );
  globs = listOf "a list of strings: globs" glob;
  fewGlobs = both globs (
    context: path: value:
    if isBetween 0 100 (length value) then value else refuse context "`${path}` has more than 100 globs"
  );

  isFolder =
    value:
    let
      trimmed = if isString value then match "(.*[^/])/*" value else null;
    in
    trimmed != null && !hasControl value && (trimmed == [ "." ] || isPlainPath (head trimmed));
  workdir = is "a folder of the project" isFolder;
  when = oneOf [
    "passed"
    "failed"
    "always"
  ];
  # Reads a name from nixpkgs or of a file.
  nameOf =
    expected: isOne:
    is expected (
      value: isString value && isBetween 1 255 (stringLength value) && !hasControl value && isOne value
    );
  package = nameOf "an attribute path in nixpkgs" (
    value: all (part: part != "") (filter isString (builtins.split "[.]" value))
  );
  moduleFile = nameOf "the path of a .nix file in the project" (
    value: match "(.*/)?[^/]+[.]nix" value != null && isPlainPath value
  );
  hostFolder = nameOf "a folder below `/` or `~/`" (
    value:
    let
      below = match "(~?/)(.*[^/])/*" value;
    in
    below != null && isPlainPath (elemAt below 1)
  );

  network = is "true, false or \"host\"" (value: isBool value || value == "host");
  cache = is "true, false or \"trust\"" (value: isBool value || value == "trust");
  allowFailure = is "true, false or a list of exit codes from 1 to 255" (
    value: isBool value || isList value && all (isBetween 1 255) value
  );

  # The last part of the path of a variable is its name.
  checkVariableLength =
    context: path: value:
    builtins.seq (checkLength context path "${elemAt (match "(.*[.])?([^.]*)" path) 1}=${value}") value;
  variable =
    context: path: value:
    let
      inherited = record keys.inherited [ ] context path value;
    in
    if !isAttrs value then
      both (is "a string, or { \"inherit\" = true; }" isString) checkVariableLength context path value
    else if inherited."inherit" or false then
      inherited
    else
      refuse context "`${path}` has no value: write a string, or { \"inherit\" = true; }";
  env = setOf checkVariable variable;

  steps =
    both
      (listOf "a list of sets" (
        record keys.steps [
          "name"
          "command"
        ]
      ))
      (
        context: path: value:
        let
          names = map (step: builtins.seq (checkName context path step.name) step.name) value;
          distinct = attrNames (builtins.groupBy (name: name) names);
        in
        if !isBetween 1 40 (length value) then
          refuse context "`${path}` must have 1 to 40 steps"
        else if length distinct != length names then
          refuse context "two steps in `${path}` have the same name"
        else
          value
      );
  services = setOf checkName (record keys.services [ "command" ]);
  inputFolder = is "a folder of the project that isn't `.git`" (
    value: isFolder value && match "(.*/)?[.][gG][iI][tT](/.*)?" value == null
  );

  # The values of an axis become parts of the id of a leg.
  axisValue = is "1 to 100 visible characters without `,`, `[` and `]`" (
    value:
    isString value
    && stringLength value <= 100
    && match "[^][:cntrl:][:space:],[]([^][:cntrl:],[]*[^][:cntrl:][:space:],[])?" value != null
  );
  axis = both (listOf "a list of strings" axisValue) (
    context: path: value:
    if value == [ ] then
      refuse context "`${path}` has no value"
    else if length (attrNames (builtins.groupBy (each: each) value)) != length value then
      refuse context "`${path}` has a value twice"
    else
      value
  );
  matrix = both (setOf checkVariable axis) (
    context: path: value:
    if value == { } then refuse context "`${path}` has no axis" else value
  );
  # An adjustment stays as it is written, because null in it removes a key of the job.
  adjustment =
    context: path: value:
    let
      read = record keys.adjust [ "with" ] context path value;
    in
    value
    // {
      "with" = read."with";
      skip = read.skip or null;
    };

  # The keys of jobs that `defaults` may have.
  common = {
    inherit
      allowFailure
      cache
      env
      network
      services
      shell
      when
      workdir
      ;
    artifacts =
      context: path: value:
      (if isAttrs value then record keys.artifacts [ "paths" ] else globs) context path value;
    caches = cacheKeys.names;
    git = bool;
    group = string;
    guest = string;
    paths = globs;
    retries = integer 0 10;
    secrets = strings;
    runAsRoot = bool;
    stall = time;
    timeout = time;
  };
  # The keys of jobs that adjustments may have.
  adjustable = common // {
    inherit command steps;
    description = line;
    inputs = setOf checkName (record keys.inputs [ "from" ]);
    needs = strings;
  };

  cacheKeys = import ./cache-keys.nix { inherit disk globs; };

  keys = {
    defaults = common;
    jobs = adjustable // {
      inherit matrix;
      adjust = listOf "a list of sets" adjustment;
    };
    adjust = adjustable // {
      skip = line;
      "with" = setOf (
        _: _: _:
        true
      ) string;
    };
    steps = {
      inherit command when;
      name = line;
      timeout = time;
    };
    services = {
      inherit command;
      env = setOf checkVariable (both string checkVariableLength);
      needs = strings;
      ready = command;
      timeout = time;
    };
    artifacts = {
      paths = globs;
      required = bool;
      size = disk;
    };
    inputs.from = string;
    inputs.to = inputFolder;
    inherited = {
      "inherit" = bool;
      default = argument;
    };
    caches = cacheKeys.keys;
    groups.limit = integer 1 1000;
    secrets = (import ./secrets.nix).keys;
    snapshot.include = fewGlobs;
    snapshot.exclude = fewGlobs;
    guests = {
      base = oneOf [
        "host"
        "nix"
        "nixos"
        "none"
      ];
      vcpu = integer 1 256;
      memory = size;
      inherit disk;
      prepareTimeout = time;
      bootTimeout = time;
      collectTimeout = time;
      kernel = is "an absolute path" (value: isString value && match "/.*" value != null);
      hostFolders = listOf "a list of strings" hostFolder;
      packages = listOf "a list of strings" package;
      devShell = nameOf "the name of a dev shell" (_: true);
      modules = listOf "a list of strings" moduleFile;
    };
    targets = {
      jobs = strings;
      description = line;
    };
  };
in
keys
