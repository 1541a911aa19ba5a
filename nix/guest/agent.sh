# The agent's side of the guest contract (src/guest/contract.rs): functions for init.sh and service.sh, which source it.
# Written for busybox ash, whose applets are in /pikaci/bin; the guest's other tools are for the job alone.
# After a failure the agent sends `error …` on the control channel and powers the machine off.
# shellcheck shell=dash disable=SC1090,SC1091,SC2317 # sources the request's files, which call functions of this file

run=/pikaci/run
cgroup=/sys/fs/cgroup
request=$run/request
scratch=/pikaci/scratch
uid='' timeout='' epoch='' network='' has_disk='' # the request sets them
upper_layers=''                                   # each with a colon after it
job_cgroups=job                                   # a pattern of the cgroups that end with the job

# shellcheck source=nix/guest/steps.sh
. /pikaci/steps.sh
# shellcheck source=nix/guest/artifacts.sh
. /pikaci/artifacts.sh
# shellcheck source=nix/guest/caches.sh
. /pikaci/caches.sh

# Sends one line on the control channel (descriptor 3; the console until the channel is open).
send() { printf '%s\n' "$*" >&3; }

# Reports the beginning of a phase: `begin_phase NAME [UPTIME]`.
begin_phase() {
    read -r uptime _ </proc/uptime
    send "phase $1 ${2:-$uptime}"
}

# Sends its argument, if it isn't empty, and powers the guest off.
finish() {
    # Sending or syncing may hang.
    (sleep 20 && poweroff -f -n) &
    [ -z "$1" ] || send "$1"
    send end
    poweroff -f
    exit 1
}

# Reports a failure and powers the guest off.
fail() {
    echo "pikaci: $*" >&2
    finish "error $(printf %s "$*" | tr '\n' ' ')"
}

# Runs a command; if it fails, reports its standard error and powers the guest off.
must() { "$@" 2>$run/stderr || fail "$* failed: $(cat $run/stderr)"; }

# Fails if the steps up to `unguard` take longer than the limit: `guard SECONDS DESCRIPTION`.
guard() {
    (sleep "$1" && fail "$2 took longer than $1 s") &
    guard_pid=$!
}
unguard() { kill "$guard_pid"; }

# --- boot: the same for every job of a guest ---

# Opens the control channel as descriptor 3 and the output as 4: virtio ports by name, or else hvc2 and hvc1.
open_channels() {
    ports=/sys/class/virtio-ports tries=0
    until control=$(device $ports name control) && output=$(device $ports name out); do
        # A node of hvc may have no device.
        if (: <>/dev/hvc1 <>/dev/hvc2) 2>/dev/null; then
            # A terminal loses its settings at the last close, so it is kept open.
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

# Prints the device below a folder of /sys whose attribute has a value: `device FOLDER ATTRIBUTE VALUE`.
device() {
    for node in "$1"/*; do
        read -r value 2>/dev/null <"$node/$2"
        [ "$value" = "$3" ] && echo "/dev/${node##*/}" && return
    done
    return 1
}

# Waits for one line on the control channel if the kernel's command line requests that.
wait_for_host() {
    grep -qw pikaci.wait /proc/cmdline || return 0
    guard 3600 "waiting for the host"
    until read -r _ <&3; do usleep 10000; done
    unguard
}

# --- job ---

read_request() {
    mkdir $request
    must tar -x -f "$(device /sys/block serial pikaci-request || echo /dev/vda)" -C $request
    [ -f $request/settings ] || fail "there is no request on the request disk"
    . $request/settings
    # It may have secrets, which are the job's alone.
    must chown "0:$uid" $request
    must chmod 0750 $request
    [ ! -d $request/secrets ] || must chown "$uid:$uid" $request/secrets/*
    must date -s "@$epoch" >/dev/null
}

# Mounts the file system for everything that the job writes. The agent writes elsewhere, so that a full disk is the
# job's error alone.
mount_scratch() {
    if [ "$has_disk" = true ]; then
        scratch_disk=$(device /sys/block serial pikaci-scratch || echo /dev/vdd)
        grep -qw ext4 /proc/filesystems || fail "this kernel has no ext4, which the disk of a guest needs"
        # The disk ends with the machine, so that its cache is as good as the disk.
        must mount -t ext4 -o nosuid,nodev,barrier=0 "$scratch_disk" $scratch
        return
    fi
    # A file takes about 3 KiB of the kernel's memory: its own inode and name, and those of the overlay.
    must mount -t tmpfs -o "mode=0700,size=75%,nr_inodes=$(($(memory_kib) / 3)),nosuid,nodev" scratch $scratch
}

# Fails if the disk lost what the job wrote, which no command may have noticed.
check_scratch() {
    [ "$has_disk" != true ] || ! dmesg | grep -q "I/O error, dev ${scratch_disk##*/}," ||
        fail "the guest's disk can't be written: the host's may be full"
}

# Prints the memory of the machine, in KiB.
memory_kib() {
    while read -r name value _; do
        if [ "$name" = MemTotal: ]; then echo "$value" && return; fi
    done </proc/meminfo
}

# Lets jobs watch as many files as on a desktop, and limits the job's cgroup so that the agent keeps enough processes
# and CPU time: the whole cgroup competes as one with each process of the agent. A kernel without one of these settings
# keeps its defaults.
set_limits() {
    echo 524288 >/proc/sys/fs/inotify/max_user_watches
    echo 1024 >/proc/sys/fs/inotify/max_user_instances
    for controller in cpu memory pids; do echo +$controller >$cgroup/cgroup.subtree_control; done
    # `read` reads a byte at a time, and a sysctl returns only its first byte that way.
    echo $(($(cat /proc/sys/kernel/threads-max) / 2)) >$cgroup/job/pids.max
} 2>/dev/null

# Mounts one share; the request calls this function as `share TAG MOUNT_POINT read_only|layer|overlay|disk|repository`.
share() {
    [ "$1" != usr ] || set -- usr /pikaci/host userland
    must mkdir -p "$2"
    "share_$3" "$1" "$2"
}

share_read_only() { must mount -t virtiofs -o ro,nosuid,nodev "$1" "$2"; }

# Mounts a share whose files the next overlay has above those of its own share.
share_layer() {
    share_read_only "$1" "$2"
    upper_layers=$upper_layers$2:
}

share_disk() { must mount -t erofs -o ro,nosuid,nodev "$(device /sys/block serial "pikaci-$1" || echo /dev/vdc)" "$2"; }

# Mounts a share under a writable overlay. The upper folder becomes the root of the mount, so it needs the lower
# folder's owner and mode.
share_overlay() {
    layers=$scratch/overlay/$1
    must mkdir -p "$layers/lower" "$layers/upper" "$layers/work"
    share_read_only "$1" "$layers/lower"
    must chown "$(stat -c %u:%g "$layers/lower")" "$layers/upper"
    must chmod "$(stat -c %a "$layers/lower")" "$layers/upper"
    layers=lowerdir=$upper_layers$layers/lower,upperdir=$layers/upper,workdir=$layers/work
    must mount -t overlay -o "nosuid,nodev,redirect_dir=on,$layers" overlay "$2"
}

# Copies the repository of the job into the workspace. Git reads only repositories of its own user.
share_repository() {
    share_read_only "$1" "$2"
    must cp -a "$2" /workspace/.git
    must chown -R "$uid:$uid" /workspace/.git
}

# Makes the host's /usr and the shared part of its /etc those of this machine; files of the initrd stay.
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
    # Before the first line, so that the id has this name even if another user has the same id.
    must sed -i "1i job:x:$uid:$uid:job:/var/job:/bin/sh" /etc/passwd
    must sed -i "1i job:x:$uid:" /etc/group
}

configure_network() {
    [ "$network" = true ] || return 0
    must ip link set eth0 up
    must udhcpc -i eth0 -n -q -f -t 10 -T 1 -S -s /pikaci/lease
}

# Runs one request until power-off: `serve UPTIME_OF_INIT UPTIME_OF_DRIVERS`.
serve() {
    open_channels
    begin_phase init "$1"
    begin_phase drivers "$2"
    send ready
    wait_for_host
    begin_phase request
    guard 120 "setting up the guest"
    read_request
    mount_own_file_systems
    begin_phase shares
    . $request/shares
    add_user
    configure_network
    unguard
    mount_caches
    run_job
    check_scratch
    pack_artifacts
    save_caches
    begin_phase end
    finish ''
}
