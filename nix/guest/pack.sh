# Reads the artifacts for artifacts.sh: as the job's user, since what lies in the job's folders may lead anywhere, and
# writing nothing but to the descriptors that it is given. Runs under busybox ash with the request's folder as its
# environment; its argument is what to do.
# In a list, a line is a path: where a name has a newline, it stands as the byte 1.
# shellcheck shell=dash disable=SC1090,SC1091,SC2154,SC2317 # sources the request's files, which call a function of this one

newline='
'

# Prints all that is no folder below a folder, or the file itself; the request calls it as `under FOLDER`. Where it is a
# link, what it leads to counts.
under() {
    [ ! -e "./$1" ] || find -H "./$1" ! -type d \( -path "*$newline*" \
        -exec sh -c 'printf %s "$1" | tr "\n" "\001"; echo' sh {} \; -o -print \)
}

# Does the same where a folder is reached through a link; the request calls it for one in another folder.
under_link() { [ "$(readlink -f "./$1")" = "$(pwd -P)/$1" ] || under "$1"; }

# Prints those of its arguments that are files which the job's user can read, through a link too; says on descriptor 5
# why the others can't come. (Reading lines would take a system call for each byte.)
readable() {
    for path; do
        name=$path
        case $path in
        *"$newline"*) name=$(printf %s_ "$path" | tr '\n' '\001') && name=${name%_} ;;
        esac
        if [ -f "$path" ]; then
            if [ -r "$path" ]; then printf '%s\n' "$name"; else leave unreadable; fi
        elif [ -L "$path" ]; then
            leave link
        elif [ -e "$path" ]; then
            leave special
        else
            leave name
        fi
    done
}

leave() { printf '%s %s\n' "$1" "${name#./}" >&5; }

# Prints the paths of the files that the request's patterns match, but for those of repositories.
list() {
    . "$request"/roots | sed -E -e 's|^\./||' -e '\#(^|/)[.][gG][iI][tT](/|$)#d' | grep -E -f "$request"/patterns |
        sort -u | sed 's|^|./|' | each sh "$0" readable
}

# Runs a command with the paths of a list as its last arguments.
each() { tr '\n\001' '\0\n' | xargs -0 -r -s 131072 "$@"; }

# Prints device and inode, links and size of each file of a list.
sizes() { each stat -L -c '%d:%i %h %s' --; }

# Writes a tar of the files of a list.
archive() { each tar -c -h -f - --; }

request=/pikaci/run/request
. "$request"/settings
cd "$artifacts_root" || exit 1
"$@"
