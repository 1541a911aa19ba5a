# The runner of base "nix", for a guest that runs Linux whatever evaluates this.
{
  nixpkgs,
  project,
  guest,
}:
let
  # A store path of its own, so that a runner depends on nothing else beside it.
  scripts = "${./.}";
  pkgs = nixpkgs.legacyPackages.${guest.system};
  inherit (pkgs.linuxPackages) kernel;
  busybox = "${pkgs.pkgsStatic.busybox}/bin/busybox";

  # What `make install` leaves in the kernel's package; vfkit takes an arm64 kernel only as it is.
  image =
    {
      aarch64-linux = "Image";
      x86_64-linux = "bzImage";
    }
    .${guest.system};

  # The drivers that a guest loads, in this order; what is marked is left out where the kernel hasn't got it.
  drivers = [
    "virtio_pci"
    "virtiofs"
    "virtio_console"
    "virtio_blk"
    "overlay"
    "virtio_net?"
    "virtio_rng?"
    "af_packet?"
    "fuse?"
    "loop?"
    "tun?"
    "veth?"
  ]
  ++ (
    if onDisk then
      [
        "crc32c_generic?"
        "erofs"
      ]
    else
      [ ]
  );

  userland = pkgs.buildEnv {
    name = "pikaci-userland";
    paths = import ./packages.nix { inherit pkgs project guest; };
    pathsToLink = [
      "/bin"
      "/etc/ssl"
      "/share"
    ];
  };

  onDisk = guest.store == "disk";

  # The file `closure` has the store paths that a guest sees, whether they are on a disk or come over a share.
  closure = {
    exportReferencesGraph = [
      "closure"
      userland
    ];
  };

  disk = if onDisk then { mkfs = "${pkgs.erofs-utils}/bin/mkfs.erofs"; } else { };
in
derivation (
  {
    name = "pikaci-runner";
    inherit (guest) system;
    builder = busybox;
    args = [
      "sh"
      "${scripts}/build-runner.sh"
    ];
    inherit busybox userland;
    kernel = "${kernel}/${image}";
    # A package of its own in newer versions of nixpkgs.
    modulesTree = kernel.modules or kernel;
    wantedModules = builtins.concatStringsSep " " drivers;
    inherit scripts;
  }
  // closure
  // disk
)
