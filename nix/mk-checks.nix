/**
  Makes a derivation of each job: its builder is `pikaci exec`, with QEMU inside Nix's sandbox.

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
  # What the job file evaluates to.
  jobs ? import (src + "/pikaci.nix"),
  # The names of targets and jobs; null for all jobs.
  targets ? null,
  # The fate of a job that can't be a check: "throw", or "omit".
  unfit ? "throw",
  # Where dev shells come from.
  project ? src,
  # For guests of base `nixos`: microvm.nix's flake.
  microvm ? null,
  # What a machine must offer that builds a check.
  requiredSystemFeatures ? [ "kvm" ],
  # By KVM where a guest boots with it: a machine offers "kvm" as soon as there is a /dev/kvm. Else the processor is
  # emulated, which is slower.
  accel ? "auto",
  # The nixpkgs of guests and checks: on a Mac that of Linux on the same processor, which a builder builds.
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
  inherit (import ./glob.nix) selects;

  busybox = "${linuxPkgs.pkgsStatic.busybox}/bin/busybox";
  # The project's store path.
  root = "${src}";
  file = import ./job-file.nix jobs;

  guestOf = job: file.guests.${job.guest};

  # The reason why each job can't be a check; null for one that can.
  misfits = mapAttrs (
    _: job:
    let
      base = (guestOf job).base or "host";
      unfitNeeds = filter (need: misfits.${need} != null) job.needs;
    in
    if base == "host" || base == "none" then
      "its guest is of base `${base}`, which is the machine's own system; give the guest `base = \"nix\";`"
    else if base == "nixos" && microvm == null then
      "a guest of base `nixos` needs microvm.nix: mkChecks { microvm = inputs.microvm; … }"
    else if job.network != false then
      "it has `network = ${toJSON job.network};`, and a build of Nix has no network"
    else if unfitNeeds != [ ] then
      "it needs ${toJSON (builtins.head unfitNeeds)}, which can't be one"
    else
      null
  ) file.jobs;

  # Makes a value of each origin, by the origin's JSON: equal origins share a value.
  keyOf = from: builtins.unsafeDiscardStringContext (toJSON from);
  once =
    make: all:
    listToAttrs (
      map (from: {
        name = keyOf from;
        value = make from;
      }) all
    );

  runnerOrigin =
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
  runners = once makeRunner (map runnerOrigin (builtins.attrValues file.guests));

  # The part of the project that a job with these `paths` sees; an edit elsewhere changes nothing of its check.
  makeSource =
    paths:
    let
      relative = path: builtins.substring (builtins.stringLength root + 1) (-1) path;
      hidden = [
        ".git"
        ".pikaci"
      ];
      isSeen = if paths == [ ] then _: _: true else selects paths;
    in
    builtins.path {
      name = "source";
      path = root;
      filter = path: type: !(builtins.elem (relative path) hidden) && isSeen (relative path) type;
    };
  sources = once makeSource (map (job: job.paths) (builtins.attrValues file.jobs));

  check =
    name: job:
    let
      runner = runners.${keyOf (runnerOrigin (guestOf job))};
      made = derivation {
        name = "pikaci-${file.derivationName name}";
        inherit system requiredSystemFeatures;
        __structuredAttrs = true;
        # Logs and artifacts may name store paths; the result is complete without them.
        unsafeDiscardReferences.out = true;
        builder = busybox;
        args = [
          "sh"
          ./check.sh
          busybox
          "${pikaci}/bin/pikaci"
          name
          runner
          sources.${keyOf job.paths}
          accel
          (builtins.placeholder "out")
        ];
        # Only this job, so that an edit of another one rebuilds nothing. Store paths in its command are there when it runs.
        jobFile = file.only name;
        # Built before.
        needs = map (need: checks.${need}) job.needs;
      };
    in
    if misfits.${name} == null then
      made // { inherit runner; }
    else
      throw "pikaci: the job ${toJSON name} can't be a check: ${misfits.${name}}";
  checks = mapAttrs check file.jobs;

  chosen = if targets == null then attrNames file.jobs else concatMap file.named targets;
  isShown = name: unfit == "throw" || misfits.${name} == null;
in
assert builtins.elem unfit [
  "throw"
  "omit"
];
listToAttrs (
  map (name: {
    inherit name;
    value = checks.${name};
  }) (filter isShown chosen)
)
