# A test of a NixOS with the module, for `testers.runNixOSTest`; needs a machine with KVM.
{
  name = "pikaci";

  nodes.machine = {
    imports = [ ./nixos.nix ];
    users.users.ci.isNormalUser = true;
    programs.pikaci = {
      enable = true;
      settings.jobs = 2;
    };
    services.pikaci = {
      stateRoot = "/var/lib/pikaci";
      user = "ci";
      gc.enable = true;
    };
  };

  testScript = ''
    machine.wait_for_unit("multi-user.target")
    machine.succeed("pikaci check --settings /etc/pikaci/settings.json")
    machine.succeed("install -d -o ci /tmp/project")
    machine.succeed("echo '{ guests.default.base = \"none\"; jobs.a.command = \"true\"; }' >/tmp/project/pikaci.nix")
    run = "pikaci -C /tmp/project --state-root /var/lib/pikaci run --allow-unisolated"
    machine.succeed(f"su ci -c '{run}'")
    machine.succeed("systemctl start pikaci-gc.service")
    machine.succeed("systemctl is-active pikaci-gc.timer")
  '';
}
