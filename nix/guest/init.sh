#!/pikaci/bin/sh
# PID 1 of a guest without an init of its own: mounts what the kernel has, loads drivers, then is the agent.
# Written for busybox ash, whose applets are in /pikaci/bin; the guest's other tools are for the job alone.

# Enters the root once more, as a mount that can be left: pivot_root(2), and with it every container, refuses the one
# that the kernel made.
enter_root() { mount --bind / /pikaci/scratch && cd /pikaci/scratch && mount --move . / && exec chroot . /init entered; }

# Sends all that is said to the console; one whose driver is a module isn't there at first.
to_console() {
    console=/dev/null
    if (: >/dev/console) 2>/dev/null; then console=/dev/console; fi
    exec </dev/null >$console 2>&1 3>&1
}

mount_kernel_file_systems() {
    mount -t proc -o nosuid,nodev,noexec proc /proc
    read -r began _ </proc/uptime
    mount -t devtmpfs -o mode=0755,nosuid dev /dev
    to_console
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
    to_console
}

mount_own_file_systems() {
    must mount -t devpts -o gid=5,mode=620,ptmxmode=666,nosuid,noexec devpts /dev/pts
    must mount -t cgroup2 -o nosuid,nodev,noexec cgroup $cgroup
    must cp -a /pikaci/dev/* /dev/
    # As udev has it; only in a network or a mount of its own does a job get further with them.
    for node in /dev/fuse /dev/net/tun; do [ ! -e $node ] || chmod 0666 $node; done
    mount_scratch
    mkdir -p $scratch/tmp $scratch/shm $scratch/var/tmp $scratch/var/job
    chmod 1777 $scratch/tmp $scratch/shm $scratch/var/tmp
    must chown "$uid:$uid" $scratch/var/job
    must mount --bind $scratch/tmp /tmp
    must mount --bind $scratch/shm /dev/shm
    must mount --bind $scratch/var /var
    must ip link set lo up
    echo pikaci >/proc/sys/kernel/hostname
}

export PATH=/pikaci/bin
[ "$1" = entered ] || enter_root
# shellcheck source=nix/guest/agent.sh
. /pikaci/agent.sh
# All cgroups are the job's, since nothing else runs here.
job_cgroups='*'
mount_kernel_file_systems
[ "$1" = entered ] || fail "the root can't be entered once more"
load_drivers
serve "$began" "$drivers_began"
