#!/pikaci/bin/sh
# PID 1 of a guest without another init: mounts the kernel's file systems, loads drivers, and becomes the agent.
# Written for busybox ash, whose applets are in /pikaci/bin; the guest's other tools are for the job alone.

# Makes the root a second mount and enters it: pivot_root(2), which every container needs, refuses the kernel's own root
# mount.
enter_root() {
    mount --bind / /pikaci/scratch && cd /pikaci/scratch && mount --move . / && exec chroot . /init entered
}

# Redirects all output to the console. A console whose driver is a module is missing at first.
redirect_to_console() {
    console=/dev/null
    if (: >/dev/console) 2>/dev/null; then console=/dev/console; fi
    exec </dev/null >$console 2>&1 3>&1
}

mount_kernel_file_systems() {
    mount -t proc -o nosuid,nodev,noexec proc /proc
    read -r began _ </proc/uptime
    mount -t devtmpfs -o mode=0755,nosuid dev /dev
    redirect_to_console
    mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
    mkdir /dev/pts /dev/shm
    rmdir /root # the kernel makes it
    echo -1000 >/proc/self/oom_score_adj
}

load_drivers() {
    read -r drivers_began _ </proc/uptime
    while read -r module; do
        must insmod /pikaci/modules/"$module"
    done </pikaci/modules.order
    redirect_to_console
}

mount_own_file_systems() {
    must mount -t devpts -o gid=5,mode=620,ptmxmode=666,nosuid,noexec devpts /dev/pts
    must mount -t cgroup2 -o nosuid,nodev,noexec cgroup $cgroup
    must cp -a /pikaci/dev/* /dev/
    # The modes of udev; a job can use these devices only in its own network or mount namespace.
    for node in /dev/fuse /dev/net/tun; do [ ! -e $node ] || chmod 0666 $node; done
    mount_scratch
    must mkdir -p $scratch/tmp $scratch/shm $scratch/var/tmp $scratch/var/job
    must chmod 1777 $scratch/tmp $scratch/shm $scratch/var/tmp
    must chown "$uid:$uid" $scratch/var/job
    must mount --bind $scratch/tmp /tmp
    # Shared memory is memory, with a disk too.
    [ "$has_disk" = true ] || must mount --bind $scratch/shm /dev/shm
    [ "$has_disk" != true ] || must mount -t tmpfs -o mode=1777,nosuid,nodev shm /dev/shm
    must mount --bind $scratch/var /var
    must ip link set lo up
    echo pikaci >/proc/sys/kernel/hostname
}

export PATH=/pikaci/bin
[ "$1" = entered ] || enter_root
# shellcheck source=nix/guest/agent.sh
. /pikaci/agent.sh
# All cgroups belong to the job, since no service runs here.
job_cgroups='*'
mount_kernel_file_systems
[ "$1" = entered ] || fail "the root can't be entered once more"
load_drivers
serve "$began" "$drivers_began"
