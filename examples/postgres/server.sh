# shellcheck shell=sh
# Makes a new database that only this guest reaches, by a socket in /tmp, and becomes its server.
set -eu
# shellcheck source=examples/postgres/programs.sh
. ./programs.sh
initdb --auth=trust --no-sync >/dev/null
exec postgres -c listen_addresses= -c unix_socket_directories=/tmp -c fsync=off
