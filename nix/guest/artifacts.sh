# The agent's packing of artifacts: functions that agent.sh sources and calls.
# shellcheck shell=dash disable=SC2154,SC2317 # agent.sh has the rest

# The limits of the host (src/execute/collect/limits.rs).
most_files=100000 deepest_file=100

# Packs the files that the request's patterns match on the artifacts disk: tars of plain files and hard links, one after
# the other, each of a batch of them. Only pack.sh, as the job's user, goes near the files; what is written about them is
# in a folder of root's. What can't come is said, and takes nothing from what can.
pack_artifacts() {
    [ -s "$request"/patterns ] || return 0
    guard 300 "packing the artifacts"
    pack list >"$run"/list 5>"$run"/left-out || fail "the artifacts can't be listed"
    pack sizes <"$run"/list >"$run"/sizes || fail "the artifacts can't be looked at"
    disk=$(device /sys/block serial pikaci-artifacts || echo /dev/vdb)
    choose "$(blockdev --getsize64 "$disk")" || fail "the artifacts can't be chosen"
    read -r files batches <"$run"/chosen
    write_batches >"$disk"
    # Within the guard: what is said next is true, and powering off has little left to write.
    # Only of a file that is named does it tell that writing failed.
    sync "$disk" 2>/dev/null || fail "the artifacts can't be written to their disk: the host's may be full"
    tell_left_out
    tell "artifacts $files"
    unguard
}

# Runs pack.sh as the job's user.
pack() { nsenter -F -S "$uid" -G "$uid" -- sh /pikaci/pack "$@"; }

# Chooses the files that come, in the order of their paths: each that has room on a disk of so many bytes. Cuts them into
# batches for which an argument list is long enough, and says how many of both there are.
choose() {
    paste -d ' ' "$run"/sizes "$run"/list | awk -v room="$1" -v most="$most_files" -v deepest="$deepest_file" \
        -v batches="$run"/batch -v left_out="$run"/left-out '
        # A name or the name of a link of 100 bytes or more has a header of its own.
        function named(bytes_of_name) { return bytes_of_name > 99 ? 1024 + bytes_of_name : 0 }
        function leave(reason) { print reason, substr(name, 3) >>left_out }
        BEGIN { batch = 1; used = 1024 }
        {
            name = substr($0, length($1) + length($2) + length($3) + 4)
            if (bytes + length(name) > 32768) {
                close(batches batch)
                batch++
                used += 1024
                bytes = 0
                split("", first)
            }
            cost = 512 + named(length(name))
            # tar writes a link for a file that it has written by another name.
            if ($2 > 1 && $1 in first) cost += named(length(first[$1]))
            else cost += int(($3 + 511) / 512) * 512
            # The name begins with a dot and a slash.
            if (split(name, parts, "/") - 1 > deepest) leave("deep")
            else if (files == most) leave("many")
            else if (used + cost > room) leave("large")
            else {
                used += cost
                bytes += length(name) + 9
                files++
                if ($2 > 1 && !($1 in first)) first[$1] = name
                print name >(batches batch)
            }
        }
        END { print files + 0, (bytes ? batch : batch - 1) }' >"$run"/chosen
}

write_batches() {
    batch=1
    while [ "$batch" -le "$batches" ]; do
        must pack archive <"$run/batch$batch"
        batch=$((batch + 1))
    done
}

# Names some of what can't come, and counts the rest.
tell_left_out() {
    count=$(wc -l <"$run"/left-out)
    sort -k 2 "$run"/left-out | head -n 20 >"$run"/first-left-out
    while IFS= read -r line; do
        echo "pikaci: no artifact: $line" >&2
        tell "left-out $line"
    done <"$run"/first-left-out
    [ "$count" -le 20 ] || tell "left-out-more $((count - 20))"
}
