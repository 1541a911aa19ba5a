# The NixOS module of every guest of base `nixos`: drivers, a store on a disk, and the agent as a service.
{ lib, pkgs, ... }:
let
  busybox = pkgs.pkgsStatic.busybox;

  environment = builtins.toFile "environment" ''
    export PATH=/run/wrappers/bin:/run/current-system/sw/bin
  '';
in
{
  microvm = {
    # Only chooses the kernel's drivers: pikaci writes the hypervisor's command line itself.
    hypervisor = "qemu";
    storeOnDisk = true;
    storeDiskType = "erofs";
  };

  boot = {
    initrd = {
      # NixOS 26.11 removes the other kind of initrd.
      systemd.enable = true;
      availableKernelModules = [
        "virtio_blk"
        "virtio_console"
        "virtio_pci"
      ];
    };
    kernelModules = [
      "ext4"
      "overlay"
      "virtio_console"
      "virtio_net"
      "virtio_rng"
      "virtiofs"
    ];
  };

  networking = {
    hostName = "pikaci";
    # The agent configures the network, and only for a job that requests it.
    useDHCP = false;
    firewall.enable = false;
  };

  # The job begins after all services of the guest's modules.
  systemd = {
    defaultUnit = "pikaci.target";
    targets.pikaci = {
      description = "pikaci's agent, after everything else";
      wants = [ "multi-user.target" ];
      after = [ "multi-user.target" ];
    };
    services = {
      pikaci-agent = {
        description = "pikaci's agent";
        wantedBy = [ "pikaci.target" ];
        after = [ "multi-user.target" ];
        # The guest ends with the agent, after a failure too.
        unitConfig = {
          SuccessAction = "poweroff-force";
          FailureAction = "poweroff-force";
        };
        serviceConfig.StandardOutput = "journal+console";
        script = ''
          ${busybox}/bin/mkdir -p /pikaci
          ${busybox}/bin/ln -sn ${busybox}/bin /pikaci/bin
          ${busybox}/bin/ln -s ${environment} /pikaci/environment
          ${busybox}/bin/ln -s ${./agent.sh} /pikaci/agent.sh
          ${busybox}/bin/ln -s ${./artifacts.sh} /pikaci/artifacts.sh
          ${busybox}/bin/ln -s ${./caches.sh} /pikaci/caches.sh
          ${busybox}/bin/ln -s ${./launch.sh} /pikaci/launch
          ${busybox}/bin/ln -s ${./lease.sh} /pikaci/lease
          ${busybox}/bin/ln -s ${./pack.sh} /pikaci/pack
          ${busybox}/bin/ln -s ${./start.sh} /pikaci/start
          ${busybox}/bin/ln -s ${./steps.sh} /pikaci/steps.sh
          exec ${busybox}/bin/sh ${./service.sh}
        '';
      };
      # Nobody logs in at the console.
      "serial-getty@hvc0".enable = false;
    };
  };

  documentation.enable = false;
  # A guest keeps no state that an update could break.
  system.stateVersion = lib.mkDefault lib.trivial.release;
}
