# The agent's caches: functions that agent.sh sources and calls. A cache has a disk of its own, which the job writes, and
# below it the read-only layers of a generation: disks that earlier jobs wrote.
# shellcheck shell=dash disable=SC1091,SC2154,SC2317 # agent.sh has the rest; the request calls functions

# Mounts all caches. Merging layers copies all of their files.
mount_caches() {
    [ -s "$request"/caches ] || return 0
    grep -qw ext4 /proc/filesystems || fail "this kernel has no ext4, which a cache needs"
    cache_step=mount
    guard 600 "mounting the caches"
    . "$request"/caches
    unguard
}

# Unmounts all caches, so that their disks are whole, and reports the changed ones.
save_caches() {
    [ -s "$request"/caches ] || return 0
    cache_step=save
    guard 300 "saving the caches"
    . "$request"/caches
    unguard
}

# The request calls this function as `cache NUMBER FOLDER LAYERS stack|merge`.
cache() { "${cache_step}_cache" "$@"; }

# Prints the disk of a layer: `cache_disk CACHE LAYER`; the layer 0 is the job's own, 1 the newest of the generation.
cache_disk() { device /sys/block serial "pikaci-cache-$1-$2"; }

mount_cache() {
    files=$run/cache-$1
    must mkdir -p "$files/own"
    must mount -t ext4 -o nosuid,nodev,noatime,barrier=0 "$(cache_disk "$1" 0)" "$files/own"
    must mkdir "$files/own/upper" "$files/own/work"
    must chown "$uid:$uid" "$files/own/upper"
    # As the job's user, since the project may have links on the way.
    must nsenter -F -S "$uid" -G "$uid" -- mkdir -p "$2"
    [ "$(readlink -f "$2")" = "$2" ] || fail "the folder of a cache leads through a link: $2"
    if [ "$3" != 0 ] && mount_layers "$1" "$3" && "$4_layers" "$2"; then return; fi
    [ "$3" = 0 ] || send "cache-dropped $1"
    must mount --bind "$files/own/upper" "$2"
}

# Mounts the layers of a generation. An earlier job wrote them, so that they may be broken.
mount_layers() {
    layer=0 lower=''
    while [ $layer -lt "$2" ]; do
        layer=$((layer + 1))
        mkdir "$files/$layer" || return
        mount -t ext4 -o ro,noload,nosuid,nodev "$(cache_disk "$1" $layer)" "$files/$layer" || return
        lower=$lower:$files/$layer/upper
    done
    lower=${lower#:}
    chown "$(stat -c %u:%g "$files/1/upper")" "$files/own/upper" && chmod "$(stat -c %a "$files/1/upper")" "$files/own/upper"
}

stack_layers() {
    mount -t overlay overlay "$1" \
        -o "nosuid,nodev,redirect_dir=on,lowerdir=$lower,upperdir=$files/own/upper,workdir=$files/own/work"
}

# Copies the files of all layers to the job's own disk, which becomes the only layer.
merge_layers() {
    case $lower in
    *:*)
        merged=$files/merged
        mkdir "$merged" && mount -t overlay -o "ro,nosuid,nodev,redirect_dir=follow,lowerdir=$lower" overlay "$merged" || return
        ;;
    *) merged=$lower ;;
    esac
    if cp -a "$merged/." "$files/own/upper/"; then
        must mount --bind "$files/own/upper" "$1"
        return
    fi
    must rm -rf "$files/own/upper"
    must mkdir "$files/own/upper"
    must chown "$uid:$uid" "$files/own/upper"
    return 1
}

# A file system that can't be unmounted, because a process in another namespace uses it, isn't saved.
save_cache() {
    files=$run/cache-$1
    umount "$2" || return 0
    if [ "$4" = stack ] && [ -z "$(ls -A "$files/own/upper")" ]; then
        send "cache-same $1"
        return
    fi
    own=$(cache_disk "$1" 0)
    umount "$files/own" || return 0
    if ! dmesg | grep -q "I/O error, dev ${own##*/},"; then send "cache-saved $1"; fi
}
