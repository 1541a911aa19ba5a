# pikaci's own jobs. `make test` runs them in virtual machines (tests/suite/dogfood.rs).
let
  # What is without effects: its tests need nothing but themselves and the goldens beside them.
  rooms = [
    "cancel::" "config::" "doctor::" "event::" "flake::" "glob::" "guest::" "id::" "plan::" "policy::" "quota::" "record::" "report::"
  ];
  pure = rooms ++ [ "engine::schedule::" "execute::qemu::" "execute::verdict::" "execute::vfkit::" ];
in
{
  defaults.timeout = "10m";

  jobs = {
    unit = {
      description = "The unit tests of the rooms without effects";
      # The guest has no Rust: the test binary comes with the tree.
      # The files of `hostile` are large on purpose: minutes where the processor is emulated.
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
