# Reads the artifacts for artifacts.sh. Runs as the job's user, since links in the job's folders may lead anywhere, and
# writes only to the descriptors that it gets. Runs under busybox ash and sources the request's settings; its arguments
# are a function and the function's arguments.
# Each line of a list is a path; the byte 1 stands for a newline in a name.
# shellcheck shell=dash disable=SC1090,SC1091,SC2154,SC2317 # sources files of the request, which call its functions

newline='
'

# Prints everything below a folder except folders, or the path of a file; follows a link at the path itself. The request
# calls this function as `under PATH`.
under() {
    [ ! -e "./$1" ] || find -H "./$1" ! -type d \( -path "*$newline*" \
        -exec sh -c 'printf %s "$1" | tr "\n" "\001"; echo' sh {} \; -o -print \)
}

# Does the same if the path leads through a link. The request calls this function for a path below another one, where
# `under` of the outer path prints the rest.
under_link() { [ "$(readlink -f "./$1")" = "$(pwd -P)/$1" ] || under "$1"; }

# Prints those arguments that are files that the job's user can read; writes links to descriptor 6, and the reasons for
# leaving out the others to descriptor 5. A glob that names a link itself means what the link leads to. (Reading lines
# would take a system call for each byte.)
readable() {
    for path; do
        name=$path
        case $path in
        *"$newline"*) name=$(printf %s_ "$path" | tr '\n' '\001') && name=${name%_} ;;
        esac
        if [ -L "$path" ] && ! grep -qxF -e "under '${name#./}'" -e "under_link '${name#./}'" "$request"/roots; then
            printf '%s\n' "$name" >&6
        elif [ -f "$path" ]; then
            if [ -r "$path" ]; then printf '%s\n' "$name"; else leave_out unreadable; fi
        elif [ -L "$path" ]; then
            leave_out link
        elif [ -e "$path" ]; then
            leave_out special
        else
            leave_out name
        fi
    done
}

leave_out() { printf '%s %s\n' "$1" "${name#./}" >&5; }

# Prints the paths of the files that match the request's patterns, except those in `.git` folders.
list() {
    . "$request"/roots | sed -E -e 's|^\./||' -e '\#(^|/)[.][gG][iI][tT](/|$)#d' | grep -E -f "$request"/patterns |
        sort -u | sed 's|^|./|' | each sh "$0" readable
}

# Runs a command with the paths of a list as its last arguments.
each() { tr '\n\001' '\0\n' | xargs -0 -r -s 131072 "$@"; }

# Prints device and inode, number of links and size of each file of a list.
sizes() { each stat -L -c '%d:%i %h %s' --; }

# Writes a tar of the files of a list, or of its links.
archive() { each tar -c -h -f - --; }
archive_links() { each tar -c -f - --; }

request=/pikaci/run/request
. "$request"/settings
cd "$artifacts_root" || exit 1
"$@"
