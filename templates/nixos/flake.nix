# The runner of base "nixos": a NixOS with pikaci's agent as a service, and the guest's modules and packages.
# It has no input that Nix would lock.
{
  description = "A pikaci runner with a NixOS";

  # The settings of the project's flake; Nix prompts its user before it applies them.
  nixConfig = {
    # {%- for (name, value) in settings %}
    "{{ name }}" = "{{ value }}";
    # {%- endfor %}
  };

  outputs = _: {
    packages."{{ host }}".runner = import ./guest/nixos.nix {
      inherit (import ./guest/inputs.nix) nixpkgs microvm project;
      host = "{{ host }}";
      guest = builtins.fromJSON (builtins.readFile ./guest.json);
    };
  };
}
