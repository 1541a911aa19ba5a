# The agent's packing of artifacts: functions that agent.sh sources and calls.
# shellcheck shell=dash disable=SC2154,SC2317 # agent.sh has the rest

# The limits of the host (src/guest/contract.rs).
max_files=100000 max_depth=100

# Packs the files that match the request's patterns onto the artifacts disk: tars of plain files, hard links and symbolic
# links, one after the other, each with a batch of the files. Only pack.sh, which runs as the job's user, opens the files; the
# lists of them lie in a folder of root. A file that can't be packed is reported and doesn't affect the others.
pack_artifacts() {
    [ -s "$request"/patterns ] || return 0
    guard 300 "packing the artifacts"
    pack list >"$run"/list 5>"$run"/left-out 6>"$run"/all-links || fail "the artifacts can't be listed"
    pack sizes <"$run"/list >"$run"/sizes || fail "the artifacts can't be examined"
    disk=$(device /sys/block serial pikaci-artifacts || echo /dev/vdb)
    select_files "$(blockdev --getsize64 "$disk")" || fail "the artifacts can't be selected"
    read -r files batches <"$run"/selected
    write_batches >"$disk"
    # Within the guard, so that the next lines are true and powering off has little left to write.
    # `sync` reports a failed write only for a file that it gets as an argument.
    sync "$disk" 2>/dev/null || fail "the artifacts can't be written to their disk: the host's may be full"
    send_left_out
    send "artifacts $files"
    unguard
}

# Runs pack.sh as the job's user.
pack() { nsenter -F -S "$uid" -G "$uid" -- sh /pikaci/pack "$@"; }

# Selects files in the order of their paths, each that fits onto a disk of this size in bytes. Cuts them into batches
# that fit into an argument list, and writes the numbers of files and batches.
select_files() {
    paste -d ' ' "$run"/sizes "$run"/list | awk -v room="$1" -v max_files="$max_files" -v max_depth="$max_depth" \
        -v batches="$run"/batch -v left_out="$run"/left-out -v all="$run"/all-links -v links="$run"/links '
        # A name of 100 bytes or more, of a file or of a link, has its own header.
        function name_cost(length_of_name) { return length_of_name > 99 ? 1024 + length_of_name : 0 }
        function leave_out(reason) { print reason, substr(name, 3) >>left_out }
        BEGIN { batch = 1; used = 1024 }
        # The text of a link is not measured.
        FILENAME == all {
            name = $0
            if (split(name, parts, "/") - 1 > max_depth) leave_out("deep")
            else if (files == max_files) leave_out("many")
            else if (used + 8192 > room) leave_out("large")
            else {
                used += 8192
                files++
                print name >links
            }
            next
        }
        {
            name = substr($0, length($1) + length($2) + length($3) + 4)
            if (bytes + length(name) > 32768) {
                close(batches batch)
                batch++
                used += 1024
                bytes = 0
                split("", first)
            }
            cost = 512 + name_cost(length(name))
            # tar writes a link for a file that it has already written under another name.
            if ($2 > 1 && $1 in first) cost += name_cost(length(first[$1]))
            else cost += int(($3 + 511) / 512) * 512
            # The name begins with a dot and a slash.
            if (split(name, parts, "/") - 1 > max_depth) leave_out("deep")
            else if (files == max_files) leave_out("many")
            else if (used + cost > room) leave_out("large")
            else {
                used += cost
                bytes += length(name) + 9
                files++
                if ($2 > 1 && !($1 in first)) first[$1] = name
                print name >(batches batch)
            }
        }
        END { print files + 0, (bytes ? batch : batch - 1) }' - "$run"/all-links >"$run"/selected
}

write_batches() {
    batch=1
    while [ "$batch" -le "$batches" ]; do
        must pack archive <"$run/batch$batch"
        batch=$((batch + 1))
    done
    [ ! -s "$run"/links ] || must pack archive_links <"$run"/links
}

# Sends the first of the left-out files, and the number of the others.
send_left_out() {
    count=$(wc -l <"$run"/left-out)
    sort -k 2 "$run"/left-out | head -n 20 >"$run"/first-left-out
    while IFS= read -r line; do
        echo "pikaci: no artifact: $line" >&2
        send "left-out $line"
    done <"$run"/first-left-out
    [ "$count" -le 20 ] || send "left-out-more $((count - 20))"
}
