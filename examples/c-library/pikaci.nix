# Four jobs for `pikaci run`, each in its own virtual machine and on its own copy of the project.
{
  defaults.timeout = "10m";
  guests.default = { base = "host"; vcpu = 1; memory = "1G"; };

  jobs = {
    build = {
      description = "Static library, warnings are errors";
      command = "make";
      artifacts = [ "build/libutf8.a" ];
    };
    test = {
      description = "Unit tests";
      command = "make test";
      needs = [ "build" ];
    };
    sanitize = {
      description = "Unit tests under the undefined behaviour sanitizer";
      command = "make sanitize";
      needs = [ "build" ];
    };
    api = {
      description = "The library exports what its header declares";
      command = [ "make" "check-api" ];
      env.PYTHONDONTWRITEBYTECODE = "1";
    };
  };

  targets.pre-merge = {
    description = "All that must pass before a merge";
    jobs = [ "build" "test" "sanitize" "api" ];
  };
}
