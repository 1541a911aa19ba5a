# The agent's packing of artifacts: functions that agent.sh sources and calls.
# shellcheck shell=dash disable=SC2154,SC2317 # agent.sh has the rest

# Packs the files that the request's patterns match, as a tar of plain files, on the artifacts disk. Only pack.sh, as
# the job's user, goes near them; names and sizes are kept in a folder of root's.
pack_artifacts() {
    [ -s "$request"/patterns ] || return 0
    guard 300 "packing the artifacts"
    pack list >"$run"/list || fail "the artifacts can't be listed"
    disk=$(device /sys/block serial pikaci-artifacts || echo /dev/vdb)
    room=$(blockdev --getsize64 "$disk")
    # Each file has a header; a name of 100 bytes or more has a header too.
    awk '{ size = $2; name = length($0) - length($1) - length($2) - 2
        bytes += 512 + int((size + 511) / 512) * 512; if (name > 99) bytes += 1024 + name
        if (++links[$1] > rounds) rounds = links[$1] }
        END { print bytes + 1024, rounds + 0 }' "$run"/list >"$run"/need
    read -r need rounds <"$run"/need
    if [ "$need" -gt "$room" ]; then
        tell "error artifacts don't fit: $need bytes on a disk of $room"
    else
        write_artifacts >"$disk"
        # Within the guard: what is said next is true, and powering off has little left to write.
        # Only of a file that is named does it tell that writing failed.
        sync "$disk" 2>/dev/null || fail "the artifacts can't be written to their disk: the host's may be full"
        tell "artifacts $(wc -l <"$run"/list)"
    fi
    unguard
}

# Runs pack.sh as the job's user.
pack() { nsenter -F -S "$uid" -G "$uid" -- sh /pikaci/pack "$@"; }

# Writes the tar. Of a file with several names tar would write links, so each name has a round of its own, of which all
# but the last lose the end of an archive.
write_artifacts() {
    while [ "$rounds" -gt 1 ]; do
        write_round "$rounds" | head -c -1024
        rounds=$((rounds - 1))
    done
    write_round 1
}

# Writes an archive of the files in a round: in the second are those of which an earlier line has another name.
write_round() {
    awk -v round="$1" '++links[$1] == round' "$run"/list | cut -d ' ' -f 3- >"$run"/round
    must pack archive $(($(wc -c <"$run"/round) * 2 + 4096)) <"$run"/round
}
