# A runner of base "nixos": a NixOS with pikaci's agent as a service, and what the guest names.
# It has no input that Nix would lock.
{
  description = "A pikaci runner with a NixOS";

  # Those of the project's flake; Nix asks its user before it heeds them.
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
