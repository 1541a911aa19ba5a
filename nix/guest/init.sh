#!/pikaci/bin/sh
# PID 1 of a guest without an init of its own: mounts what the kernel has, loads drivers, then is the agent.
# Written for busybox ash, whose applets are in /pikaci/bin; the guest's other tools are for the job alone.

# Sends all that is said to the console; one whose driver is a module isn't there at first.
to_console() {
    console=/dev/null
    if (: >/dev/console) 2>/dev/null; then console=/dev/console; fi
    exec </dev/null >$console 2>&1 3>&1
}

mount_kernel_file_systems() {
    mount -t proc proc /proc
    read -r began _ </proc/uptime
    mount -t devtmpfs -o mode=0755 dev /dev
    to_console
    mount -t sysfs sysfs /sys
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
    must mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
    ln -s /proc/self/fd /dev/fd
    ln -s fd/0 /dev/stdin && ln -s fd/1 /dev/stdout && ln -s fd/2 /dev/stderr
    mount_scratch
    mkdir -p $scratch/tmp $scratch/shm $scratch/var/tmp $scratch/var/job
    chmod 1777 $scratch/tmp $scratch/shm $scratch/var/tmp
    must chown "$uid:$uid" $scratch/var/job
    must mount --bind $scratch/tmp /tmp
    must mount --bind $scratch/shm /dev/shm
    must mount --bind $scratch/var /var
    must ip link set lo up
    must hostname -F /etc/hostname
}

export PATH=/pikaci/bin
# shellcheck source=nix/guest/agent.sh
. /pikaci/agent.sh
mount_kernel_file_systems
load_drivers
serve "$began" "$drivers_began"
