# Becomes the command of the job: sets the request's environment and executes the request's command. Runs as the job's
# user, whose name is its argument, under busybox ash with no environment but PATH.
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

# Sets the request's environment, pikaci_workdir and, as the positional parameters, the command.
# shellcheck source=/dev/null
. /pikaci/run/request/job
# shellcheck disable=SC2154 # set by the request
cd -- "$pikaci_workdir" || exit 126
unset OLDPWD
pikaci_program=$(resolve_program "$1") || {
    echo "pikaci: $1: not found" >&2
    exit 127
}
shift
exec "$pikaci_program" "$@"
