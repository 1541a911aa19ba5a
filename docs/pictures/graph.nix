# The jobs of the picture in the README.
{
  guests.default.base = "nix";
  groups.database.limit = 1;

  jobs = {
    lint.command = "make lint";
    build = {
      matrix = {
        cc = [
          "gcc"
          "clang"
        ];
        libc = [
          "glibc"
          "musl"
        ];
      };
      adjust = [
        {
          "with" = {
            cc = "clang";
            libc = "musl";
          };
          skip = "there is no clang for musl";
        }
      ];
      steps = [
        {
          name = "configure";
          command = "./configure";
        }
        {
          name = "make";
          command = "make";
        }
      ];
    };
    test = {
      needs = [ "build" ];
      command = "make check";
      group = "database";
    };
    fuzz = {
      needs = [ "build" ];
      command = "make fuzz";
      allowFailure = true;
    };
    package = {
      needs = [
        "lint"
        "test"
      ];
      command = "make dist";
    };
    report = {
      needs = [
        "fuzz"
        "package"
      ];
      command = "./report";
      when = "always";
    };
  };
}
