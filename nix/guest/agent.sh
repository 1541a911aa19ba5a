# The agent's whole side of the guest contract (the project's design, section 5): functions, for what starts it.
# Written for busybox ash, whose applets are in /pikaci/bin; the guest's other tools are for the job alone.
# Whatever fails in here is said as `error …` on the control channel, then the machine powers off.
# shellcheck shell=dash disable=SC1090,SC1091,SC2317 # sources the request's files, and they call functions of this one

run=/pikaci/run
cgroup=/sys/fs/cgroup
request=$run/request
scratch=/pikaci/scratch
uid='' timeout='' epoch='' network='' # the request sets them
job_cgroups=job                       # the names of the cgroups that end with the job, as a pattern

# shellcheck source=nix/guest/artifacts.sh
. /pikaci/artifacts.sh

# Says one line on the control channel (descriptor 3, the console until the channel is there).
tell() { printf '%s\n' "$*" >&3; }

# Says that a phase begins.
phase() {
    read -r uptime _ </proc/uptime
    tell "phase $1 ${2:-$uptime}"
}

# Ends the guest, whoever calls it; its argument is what to say before.
finish() {
    # What is to be said or synced may be what hangs.
    (sleep 20 && poweroff -f -n) &
    [ -z "$1" ] || tell "$1"
    tell end
    poweroff -f
    exit 1
}

# Says what failed and ends the guest.
fail() {
    echo "pikaci: $*" >&2
    finish "error $(printf %s "$*" | tr '\n' ' ')"
}

# Runs a command; if it fails, what it wrote says why.
must() { "$@" 2>$run/stderr || fail "$* failed: $(cat $run/stderr)"; }

# Fails when what comes next, up to `unguard`, takes too long.
guard() {
    (sleep "$1" && fail "$2 took longer than $1 s") &
    guard_pid=$!
}
unguard() { kill "$guard_pid"; }

# --- boot phase: the same for every job of a guest ---

# Opens the control channel as descriptor 3 and the output as 4: virtio ports by name, else hvc2 and hvc1.
open_channels() {
    ports=/sys/class/virtio-ports tries=0
    until control=$(device $ports name control) && output=$(device $ports name out); do
        # There are nodes of hvc without a device behind them.
        if (: <>/dev/hvc1 <>/dev/hvc2) 2>/dev/null; then
            # Held open: at the last close a terminal forgets what it was set to.
            exec 3<>/dev/hvc2 4<>/dev/hvc1
            stty raw -echo <&3 && stty raw -echo <&4
            return
        fi
        tries=$((tries + 1))
        [ $tries -lt 500 ] || fail "no ports named control and out, no hvc2"
        usleep 10000
    done
    exec 3<>"$control" 4>"$output"
}

# Prints the device in a folder of /sys whose attribute has a value: `device FOLDER ATTRIBUTE VALUE`.
device() {
    for node in "$1"/*; do
        read -r value 2>/dev/null <"$node/$2"
        [ "$value" = "$3" ] && echo "/dev/${node##*/}" && return
    done
    return 1
}

# Waits for one line on the control channel, when the kernel command line asks for that.
wait_for_host() {
    grep -qw pikaci.wait /proc/cmdline || return 0
    guard 3600 "waiting for the host"
    until read -r _ <&3; do usleep 10000; done
    unguard
}

# --- job phase ---

read_request() {
    mkdir $request
    must tar -x -f "$(device /sys/block serial pikaci-request || echo /dev/vda)" -C $request
    [ -f $request/settings ] || fail "there is no request on the request disk"
    . $request/settings
    must date -s "@$epoch" >/dev/null
}

# All that the job can write; apart from what the agent writes, so that a full disk is the job's error alone.
mount_scratch() {
    # A file takes about 3 KiB of the kernel's memory: its own inode and name, and those of the overlay.
    must mount -t tmpfs -o "mode=0700,size=75%,nr_inodes=$(($(memory_kib) / 3)),nosuid,nodev" scratch $scratch
}

# Prints how much memory the machine has, in KiB.
memory_kib() {
    while read -r name value _; do
        if [ "$name" = MemTotal: ]; then echo "$value" && return; fi
    done </proc/meminfo
}

# Lets jobs watch as many files as a desktop does, and has a job leave the agent the processes and the time that it needs:
# in a group of its own it competes as one with each process of the agent. A kernel without one of these keeps its own.
set_limits() {
    echo 524288 >/proc/sys/fs/inotify/max_user_watches
    echo 1024 >/proc/sys/fs/inotify/max_user_instances
    for controller in cpu memory pids; do echo +$controller >$cgroup/cgroup.subtree_control; done
    # Not by `read`, which reads a byte at a time: of a sysctl only the first one comes.
    echo $(($(cat /proc/sys/kernel/threads-max) / 2)) >$cgroup/job/pids.max
} 2>/dev/null

# Mounts one share; the request calls it as `share TAG MOUNT_POINT read_only|overlay|disk`.
share() {
    [ "$1" != usr ] || set -- usr /pikaci/host userland
    must mkdir -p "$2"
    "share_$3" "$1" "$2"
}

share_read_only() { must mount -t virtiofs -o ro,nosuid,nodev "$1" "$2"; }

share_disk() { must mount -t erofs -o ro,nosuid,nodev "$(device /sys/block serial "pikaci-$1" || echo /dev/vdc)" "$2"; }

# The upper folder becomes the mount's root, so it needs the lower one's owner and mode.
share_overlay() {
    layers=$scratch/overlay/$1
    must mkdir -p "$layers/lower" "$layers/upper" "$layers/work"
    share_read_only "$1" "$layers/lower"
    must chown "$(stat -c %u:%g "$layers/lower")" "$layers/upper"
    must chmod "$(stat -c %a "$layers/lower")" "$layers/upper"
    layers=lowerdir=$layers/lower,upperdir=$layers/upper,workdir=$layers/work
    must mount -t overlay -o "nosuid,nodev,redirect_dir=on,$layers" overlay "$2"
}

# The host's /usr and its allow-list of /etc, but for the files that the initrd has, become this machine's.
share_userland() {
    share_read_only "$1" "$2"
    must mount --bind "$2/usr" /usr
    host=$2
    set --
    for entry in "$host"/etc/*; do
        [ -e "/etc/${entry##*/}" ] || set -- "$@" "$entry"
    done
    must ln -s "$@" /etc/
    if [ -d "$host/dpkg" ]; then must mkdir -p /var/lib && must ln -s "$host/dpkg" /var/lib/dpkg; fi
}

add_user() {
    [ "$uid" != 0 ] || return 0
    # First, so that the job's user has this name even if the id is another's.
    must sed -i "1i job:x:$uid:$uid:job:/var/job:/bin/sh" /etc/passwd
    must sed -i "1i job:x:$uid:" /etc/group
}

bring_up_network() {
    [ "$network" = true ] || return 0
    must ip link set eth0 up
    must udhcpc -i eth0 -n -q -f -t 10 -T 1 -S -s /pikaci/lease
}

# Runs the command in a cgroup of its own. Its output goes through a FIFO of the job's user, so that
# /dev/stderr can be opened by name, and a pump outside of the cgroup, which lives until all has gone out.
run_job() {
    must mkdir $cgroup/job
    [ -e $cgroup/job/cgroup.kill ] || fail "this kernel's cgroups have no cgroup.kill"
    set_limits
    must mkfifo -m 600 $run/fifo
    must chown "$uid:$uid" $run/fifo
    pump &
    pump_pid=$!
    deadline &
    deadline_pid=$!
    listen &
    listen_pid=$!
    phase job
    # In the foreground, since the shell makes background commands ignore SIGINT. `time` tells a signal from an exit
    # code above 128, which the shell can't.
    # shellcheck disable=SC2023 # busybox's
    time -f %e -o $run/ended env -i PATH="$PATH" sh /pikaci/launch "$uid" \
        </dev/null >$run/fifo 2>&1 3>&- 4>&-
    kill $deadline_pid $listen_pid
    phase collect
    tell_of_memory
    tell "$(outcome)"
    guard 60 "ending what the command left behind"
    kill_job
    # shellcheck disable=SC2086 # a pattern
    while grep -q "populated 1" $cgroup/$job_cgroups/cgroup.events; do usleep 10000; done
    wait $pump_pid || fail "the output channel broke"
    unguard
    tell "output $(cat $run/pumped)"
}

# Copies the output and leaves the number of its bytes, which the kernel adds up for finished children.
pump() {
    dd bs=64k status=none <$run/fifo >&4 || exit 1
    while read -r key value; do
        [ "$key" != wchar: ] || echo "$value" >$run/pumped
    done </proc/self/io
}

# Ends the job when its time is up.
deadline() {
    sleep "$timeout"
    tell deadline
    end_job
}

# Ends the job when the host asks for that.
listen() {
    until read -r word <&3 && [ "$word" = cancel ]; do usleep 200000; done
    end_job
}

# TERM to all of the job, KILL 5 s later.
end_job() {
    while read -r pid; do kill -TERM "$pid"; done <$cgroup/job/cgroup.procs 2>/dev/null
    sleep 5
    kill_job
    sleep 30
    fail "the command outlived SIGKILL"
}

# KILL to all of the job, and to what a root's containers are in.
kill_job() {
    # shellcheck disable=SC2086 # a pattern
    for kill in $cgroup/$job_cgroups/cgroup.kill; do echo 1 >"$kill"; done
}

# Says that the kernel ended a process of the job for lack of memory.
tell_of_memory() {
    while read -r name count; do
        if [ "$name" = oom_kill ] && [ "$count" -gt 0 ]; then tell out-of-memory; fi
    done <$cgroup/job/memory.events
} 2>/dev/null

# Prints how the command ended, from the first line that `time` wrote.
outcome() {
    read -r line <$run/ended
    case $line in
    "Command terminated by signal "*) echo "signal ${line##* }" ;;
    "Command exited with non-zero status "*) echo "exit ${line##* }" ;;
    [0-9]*) echo "exit 0" ;;
    *) echo "error the end of the command is unknown" ;;
    esac
}

# Carries out one request: from drivers to power-off. Told when the guest began, and when its drivers did.
serve() {
    open_channels
    phase init "$1"
    phase drivers "$2"
    tell ready
    wait_for_host
    phase request
    guard 120 "setting up the guest"
    read_request
    mount_own_file_systems
    phase shares
    . $request/shares
    add_user
    bring_up_network
    unguard
    run_job
    pack_artifacts
    phase end
    finish ''
}
