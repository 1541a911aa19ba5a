# What makes a NixOS a guest of pikaci: drivers, a store on a disk, and the agent as a service.
{ lib, pkgs, ... }:
let
  busybox = pkgs.pkgsStatic.busybox;

  environment = builtins.toFile "environment" ''
    export PATH=/run/wrappers/bin:/run/current-system/sw/bin
  '';
in
{
  microvm = {
    # For the kernel's drivers alone: the hypervisor's command line is pikaci's own.
    hypervisor = "qemu";
    storeOnDisk = true;
    storeDiskType = "erofs";
  };

  boot = {
    initrd = {
      # The other one goes away with NixOS 26.11.
      systemd.enable = true;
      availableKernelModules = [
        "virtio_blk"
        "virtio_console"
        "virtio_pci"
      ];
    };
    kernelModules = [
      "overlay"
      "virtio_console"
      "virtio_net"
      "virtio_rng"
      "virtiofs"
    ];
  };

  networking = {
    hostName = "pikaci";
    # The agent brings the network up, and only for a job that asks.
    useDHCP = false;
    firewall.enable = false;
  };

  # A job begins when all that the guest's modules start has started.
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
        # However the agent ends, the guest does.
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
          ${busybox}/bin/ln -s ${./launch.sh} /pikaci/launch
          ${busybox}/bin/ln -s ${./lease.sh} /pikaci/lease
          ${busybox}/bin/ln -s ${./pack.sh} /pikaci/pack
          ${busybox}/bin/ln -s ${./start.sh} /pikaci/start
          exec ${busybox}/bin/sh ${./service.sh}
        '';
      };
      # Nobody sits at the console.
      "serial-getty@hvc0".enable = false;
    };
  };

  documentation.enable = false;
  # A guest keeps nothing that an update could break.
  system.stateVersion = lib.mkDefault lib.trivial.release;
}
