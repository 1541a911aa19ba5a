# Makes a derivation of each job: its builder is `pikaci exec`, with QEMU inside Nix' sandbox.
{
  pkgs,
  # The project: its own flake, or a folder.
  src,
  # What the job file evaluates to.
  jobs ? import "${src}/pikaci.nix",
  # Where dev shells come from.
  project ? src,
  # For guests of base `nixos`: microvm.nix's flake.
  microvm ? null,
  # What a machine must offer that builds a check.
  requiredSystemFeatures ? [ "kvm" ],
  # By KVM where a guest boots with it: a machine offers "kvm" as soon as there is a /dev/kvm. Else the processor is
  # emulated, which is slower.
  accel ? "auto",
  pikaci ? pkgs.callPackage ./package.nix { },
}:
let
  inherit (pkgs.stdenv.hostPlatform) system;
  inherit (import ./glob.nix) selects;
  busybox = "${pkgs.pkgsStatic.busybox}/bin/busybox";
  defaults = jobs.defaults or { };

  # Refuses what a build of Nix hasn't got.
  checked =
    name: job: guest:
    let
      base = guest.base or "host";
      network = job.network or defaults.network or false;
      refuse = why: throw "pikaci: the job ${builtins.toJSON name} can't be a check: ${why}";
    in
    if base == "host" || base == "none" then
      refuse "its guest is of base `${base}`, which is the machine's own system; give the guest `base = \"nix\";`"
    else if base == "nixos" && microvm == null then
      refuse "a guest of base `nixos` needs microvm.nix: mkChecks { microvm = inputs.microvm; … }"
    else if network != false then
      refuse "it has `network = ${builtins.toJSON network};`, and a build of Nix has no network"
    else if job ? caches then
      refuse "it has `caches`, which a build of Nix would not find again"
    else if job ? secrets then
      refuse "it has `secrets`, which would lie in the store"
    else
      guest;

  runner =
    guest:
    let
      asked = {
        inherit system;
        packages = guest.packages or [ ];
        devShell = guest.devShell or null;
        modules = guest.modules or [ ];
        store = "host";
      };
      nixpkgs.legacyPackages.${system} = pkgs;
    in
    if guest.base == "nix" then
      import ./guest/nix.nix {
        guest = asked;
        inherit nixpkgs project;
      }
    else
      import ./guest/nixos.nix {
        guest = asked;
        host = system;
        nixpkgs = nixpkgs // {
          lib.nixosSystem =
            args: import "${pkgs.path}/nixos/lib/eval-config.nix" ({ system = null; } // args);
        };
        projectFiles = "${src}";
        inherit microvm project;
      };

  # What a job sees of the project; an edit elsewhere changes nothing of its check.
  source =
    job:
    let
      root = "${src}";
      relative = path: builtins.substring (builtins.stringLength root + 1) (-1) path;
      hidden = [
        ".git"
        ".pikaci"
      ];
      isSeen = if (job.paths or [ ]) == [ ] then _: _: true else selects job.paths;
    in
    builtins.path {
      name = "source";
      path = root;
      filter = path: type: !(builtins.elem (relative path) hidden) && isSeen (relative path) type;
    };

  check =
    name: job:
    let
      guestName = job.guest or defaults.guest or "default";
      guest = checked name job (jobs.guests.${guestName} or { });
      # A job file of this job alone: what is said of others changes nothing either.
      alone = {
        defaults = removeAttrs defaults [ "guest" ];
        guests.${guestName} = removeAttrs guest [
          "packages"
          "devShell"
          "modules"
        ];
        jobs.${name} =
          removeAttrs job [
            "needs"
            "paths"
          ]
          // {
            guest = guestName;
          };
      };
    in
    derivation {
      name = "pikaci-${builtins.replaceStrings [ "/" "[" "]" "=" " " ] [ "-" "-" "-" "-" "-" ] name}";
      inherit
        system
        requiredSystemFeatures
        accel
        busybox
        ;
      builder = busybox;
      args = [
        "sh"
        ./check.sh
      ];
      pikaci = "${pikaci}/bin/pikaci";
      # A file, since it may be long; what it names of the store, the job finds there.
      jobs = builtins.toJSON alone;
      passAsFile = [ "jobs" ];
      job = name;
      runner = runner guest;
      source = source job;
      # Built before.
      needs = map (need: checks.${need}) (job.needs or [ ]);
    };

  checks = builtins.mapAttrs check jobs.jobs;
in
checks
