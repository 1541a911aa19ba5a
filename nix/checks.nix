# What `nix flake check` builds.
{
  self,
  pkgs,
  pikaci,
}:
let
  sources = import ./source.nix { inherit (pkgs) lib; };

  # The package's sources with the tests and what clippy and rustfmt go by.
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

  # Something else that cargo does with it.
  cargo =
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

  # A look at files.
  look =
    name: tools: command:
    pkgs.runCommand "pikaci-${name}" { nativeBuildInputs = tools; } ''
      cd ${self}
      ${command}
      touch $out
    '';
  # A project whose jobs are checks, as its user has it. Where there is no KVM the processor is emulated.
  jobs = import ./mk-checks.nix {
    inherit pkgs pikaci;
    src = ./template;
    requiredSystemFeatures = [ ];
  };
in
{
  package = pikaci;

  # Those that need a machine or Nix are in the repository's `make test`; some ask for a second group, for /etc or
  # for programs of the system, which a build hasn't got.
  tests = cargo "tests" [ pkgs.git ] ''
    cargo test --offline --lib -- \
      --skip private_copy::tests::nothing_outside_is_touched \
      --skip share::tests::the_userland_shows_of_etc \
      --skip package_files::tests \
      --skip process::tests::a_process_has_the_score
  '';

  clippy = cargo "clippy" [ pkgs.clippy ] ''
    cargo clippy --offline --all-targets --all-features -- --deny warnings
  '';

  docs = cargo "docs" [ ] ''
    RUSTDOCFLAGS="--deny warnings" cargo doc --offline --no-deps --all-features
  '';

  rust-format = cargo "rust-format" [ pkgs.rustfmt ] "cargo fmt --all --check";

  nix-format =
    look "nix-format" [ ]
      "${pkgs.lib.getExe (import ./formatter.nix { inherit pkgs; })} --check";

  shellcheck = look "shellcheck" [ pkgs.shellcheck ] ''
    { find . -name '*.sh'; grep -rlE --binary-files=without-match '^#!.*[/ ](ba|da|k)?sh( |$)' .; } |
      sort -u | xargs shellcheck
  '';

  modules = import ./modules/check.nix { inherit pkgs; };
}
// pkgs.lib.optionalAttrs pkgs.stdenv.hostPlatform.isLinux {
  # From the job file to what a virtual machine says.
  vm = jobs.greet;
}
