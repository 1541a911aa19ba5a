#!/usr/bin/env bash
# The functions of .ci/setup that install and undo; .ci/setup sources this file.
# shellcheck disable=SC2154 # .ci/setup sets the variables

# ---- install ---------------------------------------------------------------------------------------------------------

# record WORD...: adds a line to the list that undo reads, before the thing in the line is made.
record() {
  grep -qsxF -- "$*" "$list" || echo "$*" >>"$list"
}

# place FROM TO: moves a complete file or folder, so that the next set-up repairs an interrupted one.
place() {
  record path "$2"
  mkdir -p "${2%/*}"
  rm -rf "$2"
  mv -T "$1" "$2"
}

# link FILE [NAME]: in /usr/local/bin.
link() {
  local to=/usr/local/bin/${2:-${1##*/}}
  if [[ -e $to || -L $to ]] && [[ $(readlink "$to") != "$home"/* ]]; then
    fail "$to is too old and no link of this script" "remove or rename it, then run .ci/setup again"
  fi
  mkdir -p /usr/local/bin
  record path "$to"
  ln -sfn "$1" "$to"
}

install_kernel() {
  local root=$staging/kernel name release modules
  name=$(apt-cache depends "$(kernel_package)" | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ {print $2; exit}')
  release=${name#linux-image-}
  mkdir "$root"
  (cd "$root" && apt_get download "$name")
  dpkg-deb -x "$root"/*.deb "$root"
  modules=$root/lib/modules
  [ -d "$modules" ] || modules=$root/usr/lib/modules
  [ -f "$modules/$release/modules.dep" ] || depmod -b "${modules%/lib/modules}" "$release"
  place "$modules/$release" "$home/lib/modules/$release"
  place "$root/boot/vmlinuz-$release" "$home/boot/vmlinuz-$release"
}

# install_crate CRATE VERSION PROGRAM
install_crate() {
  local root=$staging/$1
  mkdir "$root"
  chown "${SUDO_USER:-root}" "$root"
  as_developer "cargo install $1 --version $2 --locked --quiet --root $root --target-dir $root/target"
  install -D -m 755 "$root/bin/$3" "$staging/bin/$3"
  place "$staging/bin/$3" "$home/bin/$3"
}

install_virtiofsd() {
  install_from trixie virtiofsd virtiofsd usr/libexec/virtiofsd
  link "$home/virtiofsd/bin/virtiofsd"
}

install_nixfmt() {
  install_crate nixfmt_rs "$nixfmt_version" nixfmt
}

install_cargo_deny() {
  install_crate cargo-deny "$cargo_deny_version" cargo-deny
}

readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Prints the address of Debian's archive, from the apt sources of this machine.
debian_archive() {
  local archive
  # shellcheck disable=SC2016 # apt-get expands it
  archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian')
  [ -n "$archive" ] || fail "Debian's archive is none of this machine's apt sources" "add it to /etc/apt/sources.list"
  echo "${archive%%$'\n'*}"
}

# install_from SUITE PACKAGE NAME PROGRAM: installs a program of another Debian release in $home/NAME, with its
# libraries and the links to it. apt checks the signature of the release.
install_from() {
  local suite=$1 package=$2 to=$home/$3 work=$staging/$3 main=${4##*/} archive loader libraries other_apt
  archive=$(debian_archive)
  mkdir -p "$work"/{lists/partial,cache/archives/partial,root,new/bin,new/lib}
  : >"$work/status"
  echo "deb [signed-by=$keyring] $archive $suite main" >"$work/sources.list"
  other_apt=(-o Dir::State="$work" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache"
    -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null
    -o Dir::Etc::preferencesparts=/dev/null -o Acquire::Languages=none -o Debug::NoLocking=1)
  apt_get "${other_apt[@]}" update
  apt_get "${other_apt[@]}" --yes --download-only --no-install-recommends install "$package" >/dev/null
  # Packages of older releases have files in /lib.
  mkdir -p "$work"/root/usr/{lib,lib64}
  ln -s usr/lib usr/lib64 "$work/root"
  for archive in "$work"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$archive" | tar --extract --keep-directory-symlink --no-same-owner --directory "$work/root"
  done

  libraries=$work/root/usr/lib/x86_64-linux-gnu
  loader=$libraries/ld-linux-x86-64.so.2
  libraries+=:$work/root/usr/lib/nix
  cp -a "$work/root/$4"* "$work/new/bin"
  "$loader" --library-path "$libraries" --list "$work/new/bin/$main" |
    awk '$3 ~ /^\// && $1 !~ /ld-linux/ {print $3}' | xargs cp -L -t "$work/new/lib" "$loader"
  "$work/new/lib/${loader##*/}" --library-path "$work/new/lib" "$work/new/bin/$main" --version
  patchelf --set-interpreter "$to/lib/${loader##*/}" --force-rpath --set-rpath "$to/lib" "$work/new/bin/$main"
  # A library with an rpath of its own would search only there.
  find "$work/new/lib" -name 'libnix*' -exec patchelf --remove-rpath {} +
  place "$work/new" "$to"
}

# install_nix SUITE NAME
install_nix() {
  install_from "$1" nix-bin "$2" usr/bin/nix
}

install_rust_for_darwin() {
  record rust-target "$darwin"
  as_developer "rustup target add $darwin"
}

install_nix_links() {
  local command
  for command in "$home"/nix-oldest/bin/{nix-*,nix}; do link "$command"; done
}

install_nix_test_links() {
  local name
  for name in "${test_nixes[@]}"; do link "$home/$name/bin/nix" "$name"; done
}

install_nix_users() {
  local number
  record group nixbld
  groupadd --system nixbld
  for ((number = 1; number <= build_users; number++)); do
    record user "nixbld$number"
    useradd --system --no-create-home --home-dir /var/empty --shell /usr/sbin/nologin --no-user-group \
      --gid nixbld --groups nixbld --comment "Nix build user $number" "nixbld$number"
  done
}

install_nix_conf() {
  [ -d /etc/nix ] || record folder /etc/nix
  {
    echo "# Written by pikaci's .ci/setup, because nix.conf was missing."
    echo "experimental-features = nix-command flakes"
    echo "build-users-group = nixbld"
    echo "sandbox = true"
    echo "sandbox-paths = /bin/sh=/bin/busybox"
  } >"$staging/nix.conf"
  place "$staging/nix.conf" /etc/nix/nix.conf
}

# apt_install OPTION...: installs or upgrades packages and removes none.
apt_install() {
  apt_get --no-remove --no-install-recommends "$@" install "${packages[@]}"
}

# announce_packages [OPTION...]: prints the packages that apt-get would install or upgrade.
announce_packages() {
  local simulated
  [ ${#packages[@]} != 0 ] || return 0
  simulated=$(apt_install --simulate "$@") || return 1
  awk '$1 == "Inst" && $3 ~ /^\[/ {upgraded = upgraded " " $2} $1 == "Inst" && $3 !~ /^\[/ {new = new " " $2}
    END {if (new) print "  with what they need:" new; if (upgraded) print "  upgraded:" upgraded}' <<<"$simulated"
}

# install_packages [OPTION...]
install_packages() {
  announce_packages "$@" || fail "the packages can't be installed beside the present ones"
  apt_install --simulate "$@" | awk '$1 == "Inst" && $3 !~ /^\[/ {print $2}' |
    while read -r name; do record package "$name"; done
  apt_install --yes "$@"
}

# Installs QEMU from Debian's backports. A package of the backports that a machine has, such as qemu-utils, may break the
# older QEMU. The apt sources of the machine stay as they are.
install_qemu_of_backports() {
  local sources=$staging/sources.list suite archive packages=(qemu-system-x86)
  # shellcheck source=/dev/null
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME-backports")
  archive=$(debian_archive)
  echo "setup: taking QEMU from $suite, because an installed package breaks the older one"
  { cat /etc/apt/sources.list 2>/dev/null || true; } >"$sources"
  echo "deb [signed-by=$keyring] $archive $suite main" >>"$sources"
  apt_get -o "Dir::Etc::sourcelist=$sources" update
  install_packages -o "Dir::Etc::sourcelist=$sources" --target-release "$suite"
}

# Keeps Debian's package from making a database and starting a server on this machine.
prepare_postgresql() {
  local settings=/etc/postgresql-common/createcluster.conf
  if [[ " ${packages[*]} " != *" postgresql "* || -e $settings ]]; then return; fi
  record path "$settings"
  mkdir -p "${settings%/*}"
  echo "create_main_cluster = false" >"$settings"
}

install_all() {
  local part
  if [[ ${#packages[@]} != 0 || " ${parts[*]} " == *" kernel "* || " ${parts[*]} " == *" nix-"* ]]; then
    apt_get update || echo "setup: apt-get update failed in part, continuing with its results"
  fi
  if [ ${#packages[@]} != 0 ]; then
    dpkg --configure -a # completes an interrupted set-up
    if [[ " ${packages[*]} " == *" qemu-system-x86 "* ]] && ! apt_install --simulate >/dev/null 2>&1; then
      install_qemu_of_backports
      check_all
    fi
    prepare_postgresql
    [ ${#packages[@]} = 0 ] || install_packages
  fi
  for part in "${parts[@]}"; do
    echo "setup: installing $part"
    case $part in
      nix-oldest) install_nix trixie "$part" ;;
      nix-newest) install_nix sid "$part" ;;
      nix-strict-locks) install_nix bookworm "$part" ;;
      *) "install_$part" ;;
    esac
  done
}

list_missing() {
  [ ${#packages[@]} = 0 ] || echo "  packages by apt-get: ${packages[*]}"
  [ ${#texts[@]} = 0 ] || printf '  %s\n' "${texts[@]}"
}

# ---- undo ------------------------------------------------------------------------------------------------------------

# recorded KIND: prints the entries of a kind in the list.
recorded() {
  sed -n "s/^$1 //p" "$list"
}

undo() {
  local name paths
  if [ ! -s "$list" ]; then
    echo "setup: $list names nothing that the set-up made"
    return
  fi
  echo "setup: to be removed, since the set-up made it:"
  sed 's/^/  /' "$list"
  [ ! -d /nix ] || echo "(/nix stays: Nix made it, and others may use its contents)"
  confirm
  exec 9>"$home/.lock"
  flock 9
  # In reverse order.
  mapfile -t paths < <(recorded path | tac)
  for name in "${paths[@]}"; do rm -rf -- "${name:?}"; done
  for name in $(recorded folder); do [ ! -d "$name" ] || rmdir --ignore-fail-on-non-empty "$name"; done
  for name in $(recorded user); do ! getent passwd "$name" >/dev/null || userdel "$name"; done
  for name in $(recorded group); do ! getent group "$name" >/dev/null || groupdel "$name"; done
  for name in $(recorded rust-target); do as_developer "rustup target remove $name"; done
  remove_packages
  if [ -s "$list" ]; then
    fail "some packages stay, because others that were installed later need them" "they are listed in $list"
  fi
  rm -rf -- "${home:?}"/* "$home"/.[!.]*
  rmdir "$home" || true # it may be a mount
  echo "setup: undone"
}

# Removes the recorded packages; dpkg refuses those that another package needs.
remove_packages() {
  local names name
  mapfile -t names < <(recorded package)
  [ ${#names[@]} = 0 ] || dpkg --purge "${names[@]}" || true
  : >"$list"
  for name in "${names[@]}"; do
    [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$name" 2>/dev/null)" != installed ] || record package "$name"
  done
}
