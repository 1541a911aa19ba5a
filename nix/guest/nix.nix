# The runner of base "nix", for a guest that runs Linux whatever evaluates this.
{
  self,
  nixpkgs,
  project,
  guest,
}:
let
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

  userland = pkgs.buildEnv {
    name = "pikaci-userland";
    paths = import ./packages.nix { inherit pkgs project guest; };
    pathsToLink = [
      "/bin"
      "/etc/ssl"
      "/share"
    ];
  };

  disk =
    if guest.store == "disk" then
      {
        mkfs = "${pkgs.erofs-utils}/bin/mkfs.erofs";
        exportReferencesGraph = [
          "closure"
          userland
        ];
      }
    else
      { };
in
derivation (
  {
    name = "pikaci-runner";
    inherit (guest) system;
    builder = busybox;
    args = [
      "sh"
      "${self}/build-runner.sh"
    ];
    inherit busybox userland;
    kernel = "${kernel}/${image}";
    # A package of its own in newer versions of nixpkgs.
    modulesTree = kernel.modules or kernel;
    wantedModules = builtins.concatStringsSep " " guest.modules;
    scripts = self;
    preferLocalBuild = true;
  }
  // disk
)
