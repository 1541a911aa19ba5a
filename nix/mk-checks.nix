/**
  Makes a derivation for each job: its builder is `pikaci exec`, with QEMU inside Nix's sandbox.

  # Example

  ```nix
  checks.x86_64-linux = pikaci.lib.mkChecks {
    pkgs = nixpkgs.legacyPackages.x86_64-linux;
    src = self;
    targets = [ "pre-merge" ];
    unfit = "omit";
  };
  ```

  # Type

  ```
  mkChecks :: AttrSet -> AttrSet Derivation
  ```
*/
{
  pkgs,
  # The project: its own flake, or a folder.
  src,
  # The value of the job file.
  jobs ? import (src + "/pikaci.nix"),
  # The names of targets and jobs; null for all jobs.
  targets ? null,
  # The treatment of a job that can't be a check: "throw" fails, "omit" leaves it out.
  unfit ? "throw",
  # The flake with the dev shells.
  project ? src,
  # For guests of base `nixos`: microvm.nix's flake.
  microvm ? null,
  # The system features that a machine needs to build a check.
  requiredSystemFeatures ? [ "kvm" ],
  # "auto" is KVM if a guest boots with it, since a machine with a /dev/kvm always offers "kvm"; or else emulation,
  # which is slower.
  accel ? "auto",
  # The nixpkgs of guests and checks: on a Mac, nixpkgs for Linux on the same processor, which a Linux builder builds.
  linuxPkgs ? (
    if pkgs.stdenv.hostPlatform.isLinux then
      pkgs
    else
      import pkgs.path {
        system = builtins.replaceStrings [ "-darwin" ] [ "-linux" ] pkgs.stdenv.hostPlatform.system;
        inherit (pkgs) config overlays;
      }
  ),
  pikaci ? linuxPkgs.callPackage ./package.nix { },
}:
let
  inherit (builtins)
    attrNames
    concatMap
    filter
    listToAttrs
    map
    mapAttrs
    toJSON
    ;
  inherit (linuxPkgs.stdenv.hostPlatform) system;
  inherit (import ./glob.nix) excludes selects;

  busybox = "${linuxPkgs.pkgsStatic.busybox}/bin/busybox";
  # The path of the project. A folder isn't copied into the store: an evaluation that builds nothing couldn't read it there.
  root = if builtins.isPath src then toString src else "${src}";
  file = import ./job-file.nix jobs;

  guestOf = job: file.guests.${job.guest};

  # The reason for which each job can't be a check; null for a job that can.
  refusals = mapAttrs (
    _: job:
    let
      base = (guestOf job).base or "host";
      isWithoutValue = variable: variable."inherit" or false && !(variable ? default);
      withoutValue = filter (name: isWithoutValue job.env.${name}) (attrNames job.env);
      refusedNeeds = filter (need: refusals.${need} != null) job.needs;
    in
    if base == "host" || base == "none" then
      "its guest is of base `${base}`, which is the machine's own system; give the guest `base = \"nix\";`"
    else if base == "nixos" && microvm == null then
      "a guest of base `nixos` needs microvm.nix: mkChecks { microvm = inputs.microvm; … }"
    else if file.snapshot.include or [ ] != [ ] then
      "`snapshot.include` names files that git ignores, and a check gets the files of a flake, which has none of them"
    else if job.git or false then
      "it has `git = true;`, and the source of a flake has no `.git`"
    else if job.network != false then
      "it has `network = ${toJSON job.network};`, and a build of Nix has no network"
    else if job.secrets != [ ] then
      "it has the secret ${builtins.head job.secrets}, which a build of Nix can't keep: its result and its log are public"
    else if job.when != "passed" then
      "it has `when = ${toJSON job.when};`, and Nix builds a check only after what it needs passed"
    else if withoutValue != [ ] then
      "a build of Nix inherits no variable; give `env.${builtins.head withoutValue}` a default"
    else if refusedNeeds != [ ] then
      "it needs ${toJSON (builtins.head refusedNeeds)}, which can't be a check"
    else
      null
  ) file.jobs;

  # Calls a function once for each distinct argument and returns the results by the arguments' keys.
  keyOf = argument: builtins.unsafeDiscardStringContext (toJSON argument);
  memoize =
    function: arguments:
    listToAttrs (
      map (argument: {
        name = keyOf argument;
        value = function argument;
      }) arguments
    );

  runnerArguments =
    guest:
    {
      packages = [ ];
      devShell = null;
      modules = [ ];
    }
    // builtins.intersectAttrs {
      base = null;
      packages = null;
      devShell = null;
      modules = null;
    } guest
    // {
      inherit system;
      store = "host";
    };

  nixpkgs.legacyPackages.${system} = linuxPkgs;
  makeRunner =
    guest:
    if guest.base == "nix" then
      import ./guest/nix.nix { inherit guest nixpkgs project; }
    else
      import ./guest/nixos.nix {
        inherit guest microvm project;
        host = system;
        nixpkgs = nixpkgs // {
          lib.nixosSystem =
            args: import (linuxPkgs.path + "/nixos/lib/eval-config.nix") ({ system = null; } // args);
        };
        projectFiles = root;
      };
  runners = memoize makeRunner (map runnerArguments (builtins.attrValues file.guests));

  # Returns the files of the project that a job with these `paths` gets; an edit of other files doesn't rebuild its
  # check.
  makeSource =
    paths:
    let
      relative = path: builtins.substring (builtins.stringLength root + 1) (-1) path;
      hidden = [
        ".git"
        ".pikaci"
      ];
      isSelected = if paths == [ ] then _: _: true else selects paths;
      isExcluded = excludes (file.snapshot.exclude or [ ]);
    in
    builtins.path {
      name = "source";
      path = root;
      filter =
        path: type:
        let
          name = relative path;
        in
        !(builtins.elem name hidden) && isSelected name type && !(isExcluded name type);
    };
  sources = memoize makeSource (map (job: job.paths) (builtins.attrValues file.jobs));

  # Returns a job's name without the characters that a derivation's name can't have.
  derivationName =
    name:
    let
      parts = builtins.filter builtins.isString (builtins.split "[^a-zA-Z0-9+._?=-]+" name);
    in
    builtins.substring 0 150 (builtins.concatStringsSep "-" parts);

  check =
    name: job:
    let
      runner = runners.${keyOf (runnerArguments (guestOf job))};
      drv = derivation {
        name = "pikaci-${derivationName name}";
        inherit system requiredSystemFeatures;
        __structuredAttrs = true;
        # Logs and artifacts may name store paths that the result doesn't need.
        unsafeDiscardReferences.out = true;
        builder = busybox;
        args = [
          "sh"
          ./run-job.sh
          busybox
          "${pikaci}/bin/pikaci"
          name
          runner
          sources.${keyOf job.paths}
          accel
          (builtins.placeholder "out")
        ]
        ++ concatMap (source: [
          source.job
          checks.${source.job}
          source.to
        ]) job.sources;
        # Only this job, so that an edit of another job doesn't rebuild this check. Store paths in its command become
        # inputs of the derivation.
        jobFile = file.only name;
        # Inputs, so that Nix builds them before.
        needs = map (need: checks.${need}) job.needs;
      };
    in
    if refusals.${name} == null then
      drv // { inherit runner; }
    else
      throw "pikaci: the job ${toJSON name} can't be a check: ${refusals.${name}}";
  checks = mapAttrs check file.jobs;

  selected = if targets == null then attrNames file.jobs else concatMap file.select targets;
  isIncluded = name: unfit == "throw" || refusals.${name} == null;
in
assert builtins.elem unfit [
  "throw"
  "omit"
];
listToAttrs (
  map (name: {
    inherit name;
    value = checks.${name};
  }) (filter isIncluded selected)
)
