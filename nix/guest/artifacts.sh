# The agent's packing of artifacts: functions that agent.sh sources and calls.
# shellcheck shell=dash disable=SC1090,SC1091,SC2154,SC2317 # the request's files call some; agent.sh has the rest

newline='
'

# Packs the files that the request's patterns match, as a tar of plain files, on the artifacts disk.
pack_artifacts() {
    [ -s "$request"/patterns ] || return 0
    guard 300 "packing the artifacts"
    cd "$artifacts_root" || fail "there is no $artifacts_root"
    . "$request"/roots | sed 's|^\./||' | grep -E -f "$request"/patterns | sort -u | tr '\n' '\0' >"$run"/files
    must xargs -0 -r stat -c '%h %s %n' <"$run"/files >"$run"/stats
    break_hard_links
    write_artifacts "$(device /sys/block serial pikaci-artifacts || echo /dev/vdb)"
    unguard
}

# Prints the files below a folder; the request calls it as `under FOLDER`. A list of lines can't hold a newline.
under() {
    [ ! -e "./$1" ] || find "./$1" -type f \( -path "*$newline*" \
        -exec sh -c 'echo "pikaci: no artifact, for the newline in its name: $1" >&2' sh {} \; -o -print \)
}

# Gives each file with several links an inode of its own, since tar would write links.
break_hard_links() {
    while IFS= read -r line; do
        case $line in "1 "*) continue ;; esac
        name=${line#* * }
        must cp -p "./$name" ./.pikaci-copy
        must mv -f ./.pikaci-copy "./$name"
    done <"$run"/stats
}

write_artifacts() {
    room=$(blockdev --getsize64 "$1")
    # Each file has a header; a name of 100 bytes or more has a header too.
    need=$(awk '{ n += 512 + int(($2 + 511) / 512) * 512; if (length($0) > 100) n += 1024 + length($0) }
        END { print n + 1024 }' "$run"/stats)
    if [ "$need" -gt "$room" ]; then
        tell "error artifacts don't fit: $need bytes on a disk of $room"
        return
    fi
    must xargs -0 -r -s $(($(wc -c <"$run"/files) * 2 + 4096)) tar -c -f "$1" -- <"$run"/files
    # Within the guard: what is said next is true, and powering off has little left to write.
    # Only of a file that is named does it tell that writing failed.
    sync "$1" 2>/dev/null || fail "the artifacts can't be written to their disk: the host's may be full"
    tell "artifacts $(wc -l <"$run"/stats)"
}
