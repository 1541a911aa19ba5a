# The agent as a service of a guest with its own init, which has mounted the file systems and loaded the drivers.
# Runs under busybox ash, as root.
# shellcheck shell=dash

mount_own_file_systems() {
    mount_scratch
    must mkdir -p /var/job
    # The services of the system have the rest of /var.
    if [ "$has_disk" = true ]; then
        for folder in /tmp /var/tmp /var/job; do
            must mkdir -p $scratch$folder
            must mount --bind $scratch$folder $folder
        done
        must chmod 1777 /tmp /var/tmp
    fi
    must chown "$uid:$uid" /var/job
}

export PATH=/pikaci/bin
# shellcheck source=nix/guest/agent.sh
. /pikaci/agent.sh
mkdir -p /pikaci/run /pikaci/scratch
exec </dev/null 3>&1
read -r began _ </proc/uptime
serve "$began" "$began"
