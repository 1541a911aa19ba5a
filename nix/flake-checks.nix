# The checks of the flake, which `nix flake check` builds.
{
  self,
  pkgs,
  pikaci,
}:
let
  sources = import ./source.nix { inherit (pkgs) lib; };

  # The package's sources with the tests and the configuration of clippy and rustfmt.
  src = sources [
    "Cargo.lock"
    "Cargo.toml"
    "benches"
    "clippy.toml"
    "fuzz"
    "nix/guest"
    "pikaci.nix"
    "rustfmt.toml"
    "src"
    "templates"
    "tests"
  ];

  # Makes a check that runs cargo in the package's build environment.
  cargoCheck =
    name: tools: command:
    pikaci.overrideAttrs (old: {
      pname = "pikaci-${name}";
      inherit src;
      nativeBuildInputs = old.nativeBuildInputs ++ tools;
      buildPhase = command;
      installPhase = "touch $out";
      postFixup = "";
      doInstallCheck = false;
      nativeInstallCheckInputs = [ ];
    });

  # Makes a check that runs a command in the repository.
  fileCheck =
    name: tools: command:
    pkgs.runCommand "pikaci-${name}" { nativeBuildInputs = tools; } ''
      cd ${self}
      ${command}
      touch $out
    '';
  # The checks of the template project, as a user gets them; emulated if the machine has no KVM.
  jobs = import ./mk-checks.nix {
    inherit pkgs pikaci;
    src = ./template;
    requiredSystemFeatures = [ ];
  };
in
{
  package = pikaci;

  # The unit tests; `make test` runs those that need a virtual machine or Nix. The skipped ones need a second group,
  # /etc or programs of the system, which a build doesn't have.
  tests = cargoCheck "tests" [ pkgs.git ] ''
    cargo test --offline --lib -- \
      --skip private_copy::tests::files_behind_a_link_stay_unchanged \
      --skip userland::tests::the_userland_has_no_secret_of_etc \
      --skip package_files::tests \
      --skip capture::tests::the_oom_score_reaches_the_process
  '';

  clippy = cargoCheck "clippy" [ pkgs.clippy ] ''
    cargo clippy --offline --all-targets --all-features -- --deny warnings
  '';

  docs = cargoCheck "docs" [ ] ''
    RUSTDOCFLAGS="--deny warnings" cargo doc --offline --no-deps --all-features
  '';

  rust-format = cargoCheck "rust-format" [ pkgs.rustfmt ] "cargo fmt --all --check";

  nix-format =
    fileCheck "nix-format" [ ]
      "${pkgs.lib.getExe (import ./formatter.nix { inherit pkgs; })} --check";

  shellcheck = fileCheck "shellcheck" [ pkgs.shellcheck ] ''
    { find . -name '*.sh'; grep -rlE --binary-files=without-match '^#!.*[/ ](ba|da|k)?sh( |$)' .; } |
      sort -u | xargs shellcheck
  '';

  modules = import ./modules/tests.nix { inherit pkgs; };
}
// pkgs.lib.optionalAttrs pkgs.stdenv.hostPlatform.isLinux {
  # Runs a job from the job file to the output of its virtual machine.
  vm = jobs.greet;
}
