# The runner of base "nixos": kernel, initrd and store disk by microvm.nix; pikaci starts the hypervisor itself.
{
  nixpkgs,
  microvm,
  project,
  host,
  guest,
  # The folder of the guest's modules.
  projectFiles ? ../project,
}:
let
  module =
    { pkgs, ... }:
    {
      nixpkgs.hostPlatform = guest.system;
      # The packages of the machine that boots the guest, which may be a Mac.
      microvm.vmHostPackages = nixpkgs.legacyPackages.${host};
      environment.systemPackages = import ./packages.nix { inherit pkgs project guest; };
    };

  os = nixpkgs.lib.nixosSystem {
    modules = [
      microvm.nixosModules.microvm
      ./guest-module.nix
      module
    ]
    ++ map (file: projectFiles + "/${file}") guest.modules;
  };

  inherit (os) config;
  busybox = "${os.pkgs.pkgsStatic.busybox}/bin/busybox";
in
derivation {
  name = "pikaci-runner";
  inherit (guest) system;
  builder = busybox;
  args = [
    "sh"
    ./link-runner.sh
  ];
  inherit busybox;
  kernel = "${config.boot.kernelPackages.kernel}/${config.system.boot.loader.kernelFile}";
  initrd = config.microvm.initrdPath;
  store = config.microvm.storeDisk;
  cmdline = builtins.toJSON (builtins.concatStringsSep " " config.microvm.kernelParams);
  preferLocalBuild = true;
}
