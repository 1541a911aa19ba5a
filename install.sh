#!/bin/sh
# Usage: install.sh install PIKACI PREFIX    pikaci with its manual pages and its completions
#        install.sh debug PIKACI PREFIX      its lines of code, from PIKACI.debug, for debuggers and backtraces
#        install.sh share PIKACI SHARE       the manual pages and the completions, in a folder such as /usr/share
#        install.sh uninstall PREFIX         removes all of them
# PIKACI is the program. It prints the files itself, so it has to run on this machine.
set -eu

# write FILE ARGUMENT...: the output of pikaci.
write() {
  file=$1
  shift
  mkdir -p "${file%/*}"
  "$pikaci" "$@" >"$file"
  chmod 644 "$file"
}

# share PIKACI SHARE
share() {
  pikaci=$1
  "$pikaci" man --to "$2/man/man1"
  chmod 644 "$2"/man/man1/pikaci.1 "$2"/man/man1/pikaci-*.1
  write "$2/bash-completion/completions/pikaci.bash" completions bash
  write "$2/fish/vendor_completions.d/pikaci.fish" completions fish
  write "$2/zsh/site-functions/_pikaci" completions zsh
}

case ${1-}/$# in
  install/3)
    mkdir -p "$3/bin"
    install -m 755 "$2" "$3/bin/pikaci"
    share "$2" "$3/share"
    ;;
  debug/3)
    # Debuggers and backtraces search this folder.
    mkdir -p "$3/bin/.debug"
    install -m 644 "$2.debug" "$3/bin/.debug/pikaci.debug"
    ;;
  share/3)
    share "$2" "$3"
    ;;
  uninstall/2)
    rm -f "$2/bin/pikaci" "$2/bin/.debug/pikaci.debug"
    rm -f "$2/share/man/man1/pikaci.1" "$2/share/man/man1"/pikaci-*.1
    rm -f "$2/share/bash-completion/completions/pikaci.bash"
    rm -f "$2/share/fish/vendor_completions.d/pikaci.fish"
    rm -f "$2/share/zsh/site-functions/_pikaci"
    # Folders that are empty now, deepest first; others stay.
    for folder in bin/.debug bin share/man/man1 share/man share/bash-completion/completions share/bash-completion \
      share/fish/vendor_completions.d share/fish share/zsh/site-functions share/zsh share; do
      rmdir "$2/$folder" 2>/dev/null || true
    done
    ;;
  *)
    echo "usage: ${0##*/} install PIKACI PREFIX | debug PIKACI PREFIX | share PIKACI SHARE | uninstall PREFIX" >&2
    exit 2
    ;;
esac
