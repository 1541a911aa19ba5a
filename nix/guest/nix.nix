# The runner of base "nix": a Linux guest, on any system that evaluates this file.
{
  nixpkgs,
  project,
  guest,
}:
let
  # A store path of its own, so that a runner depends on no other file of the flake.
  scripts = "${./.}";
  pkgs = nixpkgs.legacyPackages.${guest.system};
  inherit (pkgs.linuxPackages) kernel;
  busybox = "${pkgs.pkgsStatic.busybox}/bin/busybox";

  # The image in the kernel's package; vfkit takes only an uncompressed arm64 kernel.
  image =
    {
      aarch64-linux = "Image";
      x86_64-linux = "bzImage";
    }
    .${guest.system};

  # The drivers that a guest loads, in order; `?` marks a driver that the kernel may lack.
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
    "crc32c_generic?"
    "ext4?"
  ]
  ++ (
    if onDisk then
      [
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

  # The file `closure` describes the store paths of a guest, which come on a disk or over a share.
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
    # Newer versions of nixpkgs have the modules in a package of their own.
    modulesTree = kernel.modules or kernel;
    moduleNames = builtins.concatStringsSep " " drivers;
    inherit scripts;
  }
  // closure
  // disk
)
