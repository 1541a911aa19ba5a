{
  lib,
  stdenv,
  rustPlatform,
  installShellFiles,
  makeWrapper,
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
rustPlatform.buildRustPackage {
  pname = cargo.package.name;
  inherit (cargo.package) version;

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
    makeWrapper
  ];

  # Where what is built can't run here, there is neither.
  postInstall = lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    $out/bin/pikaci man >pikaci.1
    installManPage pikaci.1
    for shell in bash fish zsh; do $out/bin/pikaci completions $shell >pikaci.$shell; done
    installShellCompletion pikaci.bash pikaci.fish --zsh --name _pikaci pikaci.zsh
  '';

  postFixup = ''
    wrapProgram $out/bin/pikaci --prefix PATH : ${lib.makeBinPath programs}
  '';

  passthru = { inherit programs; };

  meta = {
    inherit (cargo.package) description;
    license = lib.licenses.mit;
    mainProgram = "pikaci";
    platforms = [
      "aarch64-darwin"
      "aarch64-linux"
      "x86_64-darwin"
      "x86_64-linux"
    ];
  };
}
