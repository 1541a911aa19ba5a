# shellcheck shell=sh
# Puts the programs of Debian's newest PostgreSQL into PATH; psql in /usr/bin is a wrapper that needs files of /etc.
for folder in /usr/lib/postgresql/*/bin; do PATH=$folder:$PATH; done
export PATH
