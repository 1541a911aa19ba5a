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
  # The one without the processors that this machine isn't.
  qemu_kvm,
  vfkit,
  virtiofsd,
}:
let
  inherit (stdenv.hostPlatform) isDarwin;
  cargo = builtins.fromTOML (builtins.readFile ../Cargo.toml);

  # Nix is left to the user, whose store it is.
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
  "pikaci is written in Rust ${cargo.package.rust-version}, and this nixpkgs has ${rustc.version}: take a newer one"
  rustPlatform.buildRustPackage
  (finalAttrs: {
    pname = cargo.package.name;
    inherit (cargo.package) version;
    __structuredAttrs = true;
    strictDeps = true;

    # With what goes into the binary: a guest's scripts and templates.
    src = import ./source.nix { inherit lib; } [
      "Cargo.lock"
      "Cargo.toml"
      "nix/guest"
      "src"
      "templates"
    ];
    cargoLock.lockFile = ../Cargo.lock;

    # They are one of the flake's checks: who only wants to run pikaci compiles it once.
    doCheck = false;

    nativeBuildInputs = [
      installShellFiles
      makeBinaryWrapper
    ];

    # Where what is built can't run here, there is neither.
    postInstall = lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
      $out/bin/pikaci man >pikaci.1
      installManPage pikaci.1
      for shell in bash fish zsh; do $out/bin/pikaci completions $shell >pikaci.$shell; done
      installShellCompletion pikaci.bash pikaci.fish --zsh --name _pikaci pikaci.zsh
    '';

    # Not in PATH, which is that of jobs without a machine.
    postFixup = ''
      wrapProgram $out/bin/pikaci --set-default PIKACI_PROGRAMS ${lib.makeBinPath programs}
    '';

    doInstallCheck = true;
    nativeInstallCheckInputs = [ versionCheckHook ];

    passthru = {
      inherit programs;
      tests = {
        modules = callPackage ./modules/check.nix { };
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
