# pikaci's own jobs. `make test` runs them in virtual machines (tests/suite/vm/own_jobs.rs).
let
  # The modules without effects: their tests need only the test binary and the expected files of the source tree.
  rooms = [
    "cancel::" "config::" "doctor::" "event::" "facts::" "flake::" "glob::" "guest::" "id::" "init::" "plan::" "policy::"
    "quota::" "record::" "report::" "secret::" "text::" "tools::"
  ];
  pure = rooms ++ [ "engine::schedule::" "execute::qemu::argv::" "execute::verdict::" "execute::vfkit::argv::" ];
in
{
  defaults.timeout = "10m";

  jobs = {
    unit = {
      description = "The unit tests of the rooms without effects";
      # The guest has no Rust, so the source tree includes the test binary.
      # The tests named `hostile` read large files, which takes minutes on an emulated processor.
      command = [ "./unit-tests" "--test-threads=1" "--skip=hostile" ] ++ pure;
      env.INSTA_WORKSPACE_ROOT = "/workspace";
      env.INSTA_UPDATE = "no";
      env.PROPTEST_CASES = "16";
    };
    shell = {
      description = "Every shell file is clean";
      command = "shellcheck nix/guest/*.sh .ci/*.sh .ci/run .ci/setup";
    };
  };

  targets.pre-merge = { jobs = [ "unit" "shell" ]; };
}
