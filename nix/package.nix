{
  lib,
  callPackage,
  stdenv,
  rustPlatform,
  installShellFiles,
  makeBinaryWrapper,
  nix-update-script,
  rustc,
  testers,
  versionCheckHook,
  bubblewrap,
  git,
  # QEMU without emulation of other processors.
  qemu_kvm,
  vfkit,
  virtiofsd,
}:
let
  inherit (stdenv.hostPlatform) isDarwin;
  cargo = builtins.fromTOML (builtins.readFile ../Cargo.toml);

  # Not Nix: the user's own Nix manages the store.
  programs = [
    git
  ]
  ++ (
    if isDarwin then
      [ vfkit ]
    else
      [
        bubblewrap
        qemu_kvm
        virtiofsd
      ]
  );
in
lib.throwIf (lib.versionOlder rustc.version cargo.package.rust-version)
  "pikaci is written in Rust ${cargo.package.rust-version}, and this nixpkgs has ${rustc.version}: use a newer nixpkgs"
  rustPlatform.buildRustPackage
  (finalAttrs: {
    pname = cargo.package.name;
    inherit (cargo.package) version;
    __structuredAttrs = true;
    strictDeps = true;

    # The binary includes the guest's scripts and the templates.
    src = import ./source.nix { inherit lib; } [
      "Cargo.lock"
      "Cargo.toml"
      "nix/guest"
      "src"
      "templates"
    ];
    cargoLock.lockFile = ../Cargo.lock;

    # The tests are a check of the flake, so that a plain build compiles pikaci only once.
    doCheck = false;

    nativeBuildInputs = [
      installShellFiles
      makeBinaryWrapper
    ];

    # The build machine has to run the new pikaci for these files.
    postInstall = lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
      $out/bin/pikaci man --to .
      installManPage pikaci*.1
      for shell in bash fish zsh; do $out/bin/pikaci completions $shell >pikaci.$shell; done
      installShellCompletion pikaci.bash pikaci.fish --zsh --name _pikaci pikaci.zsh
    '';

    # Not in PATH, which jobs of base `none` get.
    postFixup = ''
      wrapProgram $out/bin/pikaci --set-default PIKACI_PROGRAMS ${lib.makeBinPath programs}
    '';

    doInstallCheck = true;
    nativeInstallCheckInputs = [ versionCheckHook ];

    passthru = {
      inherit programs;
      tests = {
        modules = callPackage ./modules/tests.nix { };
        nixos = testers.runNixOSTest ./modules/nixos-test.nix;
      };
      updateScript = nix-update-script { };
    };

    meta = {
      inherit (cargo.package) description;
      license = lib.licenses.mit;
      maintainers = [ ];
      mainProgram = finalAttrs.pname;
      platforms = [
        "aarch64-darwin"
        "aarch64-linux"
        "x86_64-darwin"
        "x86_64-linux"
      ];
    };
  })
