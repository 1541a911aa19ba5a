# Becomes a command of the request: sets its environment and executes it. Its arguments are the name of the job's user,
# as which it runs, and the command. Runs under busybox ash with no environment but PATH.
# A request can't set variables named pikaci_…, so it can't change this script's own.
# shellcheck shell=dash

# Prints the path of a program in PATH: the exec of busybox would prefer its applets to the host's programs.
resolve_program() {
    case $1 in */*) echo "$1" && return ;; esac
    IFS=:
    for folder in $PATH; do
        [ -f "$folder/$1" ] && [ -x "$folder/$1" ] && echo "$folder/$1" && return
    done
    return 1
}

unset SHLVL
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/var/job USER="$1" LOGNAME="$1" SHELL=/bin/sh LANG=C.UTF-8 TERM=xterm CI=true PIKACI=1
# shellcheck source=/dev/null
[ ! -f /pikaci/environment ] || . /pikaci/environment

pikaci_command=$2
# Sets the job's environment and pikaci_workdir.
# shellcheck source=/dev/null
. /pikaci/run/request/job
# Sets the positional parameters, and the environment of a service.
# shellcheck source=/dev/null
. "/pikaci/run/request/$pikaci_command"
# shellcheck disable=SC2154 # set by the request
cd -- "$pikaci_workdir" || exit 126
unset OLDPWD
pikaci_program=$(resolve_program "$1") || {
    echo "pikaci: $1: not found" >&2
    exit 127
}
shift
exec "$pikaci_program" "$@"
