# The runner of base "host": the host's kernel and busybox, and pikaci's agent. It has no input.
{
  description = "A pikaci runner with the host's kernel";

  outputs =
    { self }:
    let
      guest = builtins.fromJSON (builtins.readFile ./guest.json);
    in
    {
      packages."{{ system }}".runner = derivation {
        name = "pikaci-runner";
        system = "{{ system }}";
        builder = "${self}/bin/busybox";
        args = [
          "sh"
          "${self}/guest/build-runner.sh"
        ];
        busybox = "${self}/bin/busybox";
        kernel = "${self}/kernel";
        modules = builtins.concatStringsSep " " guest.modules;
        moduleFiles = "${self}/modules";
        scripts = "${self}/guest";
        allowSubstitutes = false;
        preferLocalBuild = true;
      };
    };
}
