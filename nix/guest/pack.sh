# Reads the artifacts for artifacts.sh: as the job's user, since what lies in the job's folders may lead anywhere, and
# writing nothing but to standard output. Runs under busybox ash; its argument is what to do.
# shellcheck shell=dash disable=SC1090,SC1091,SC2154,SC2317 # sources the request's files, which call a function of this one

newline='
'

# Prints the files below a folder; the request calls it as `under FOLDER`. A list of lines can't hold a newline.
under() {
    [ ! -e "./$1" ] || find "./$1" -type f \( -path "*$newline*" \
        -exec sh -c 'echo "pikaci: no artifact, for the newline in its name: $1" >&2' sh {} \; -o -print \)
}

# Passes on the names of files that the job's user can read.
readable() {
    while IFS= read -r name; do
        if [ -r "$name" ]; then
            printf '%s\n' "$name"
        else
            echo "pikaci: no artifact, since the job's user can't read it: $name" >&2
        fi
    done
}

# Prints inode, size and name of the files that the request's patterns match, but for those of repositories.
list() {
    . "$request"/roots | sed -E -e 's|^\./||' -e '\#(^|/)[.][gG][iI][tT](/|$)#d' | grep -E -f "$request"/patterns |
        sort -u | readable | tr '\n' '\0' | xargs -0 -r stat -c '%d:%i %s %n' --
}

# Writes a tar of the files that it reads the names of, up to so many bytes of names.
archive() { tr '\n' '\0' | xargs -0 -r -s "$1" tar -c -f - --; }

request=/pikaci/run/request
. "$request"/settings
cd "$artifacts_root" || exit 1
"$@"
