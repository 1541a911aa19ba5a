# The runner of base "nix": nixpkgs' kernel and a static busybox, pikaci's agent, and the guest's packages.
# It has no input that Nix would lock.
{
  description = "A pikaci runner with nixpkgs' kernel";

  # The settings of the project's flake; Nix prompts its user before it applies them.
  nixConfig = {
    # {%- for (name, value) in settings %}
    "{{ name }}" = "{{ value }}";
    # {%- endfor %}
  };

  outputs = _: {
    packages."{{ host }}".runner = import ./guest/nix.nix {
      inherit (import ./guest/inputs.nix) nixpkgs project;
      guest = builtins.fromJSON (builtins.readFile ./guest.json);
    };
  };
}
