# The jobs of the project. Run them with `pikaci run` or `nix flake check`.
{
  guests.default = {
    base = "nix";
    packages = [ "hello" ];
  };

  jobs.greet = {
    description = "Says hello";
    command = "hello";
  };
}
