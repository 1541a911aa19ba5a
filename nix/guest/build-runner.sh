# Builds a runner: kernel, initrd, boot.json, and a disk with the Nix store if `mkfs` is set. Runs as the builder of the
# runner's derivation, under a static busybox, which may be the only program in the sandbox.
#
# The environment is that of the derivation: `busybox` (the program), `scripts` (the folder of pikaci's scripts),
# `kernel` (the image) and `out`; and either
# - `modules` (names in load order) in the folder `moduleFiles`: the guest's userland is a share; or
# - `modulesTree` (a folder with lib/modules), `moduleNames`, and `userland` (a store path with bin): the guest's
#   userland is busybox and that store path. The file `closure` describes its closure; with `mkfs` the closure becomes a
#   disk, otherwise the runner lists its store paths so that the host shares them.
# shellcheck shell=dash disable=SC2154 # the derivation's environment
set -eu
mkdir tools
"$busybox" --install -s tools
export PATH="$PWD/tools"
mkdir "$out"
cp "$kernel" "$out/kernel"

fail() {
    echo "pikaci: $*" >&2
    exit 1
}

# Prints the files of the modules and of their dependencies, in load order, without built-in ones. A line of modules.dep
# names all direct and indirect dependencies of a module, the first one to load last.
print_load_order() {
    awk -v modules="$moduleNames" '
        function name(file) { sub(/.*\//, "", file); sub(/\.ko.*/, "", file); gsub(/-/, "_", file); return file }
        FILENAME ~ /builtin$/ { builtin[name($1)] = 1; next }
        {
            file = $1
            sub(/:$/, "", file)
            files[name(file)] = file
            needs[name(file)] = $0
            sub(/^[^:]*: */, "", needs[name(file)])
        }
        function load(file) { if (!(file in loaded)) { loaded[file] = 1; print file } }
        END {
            count = split(modules, names, " ")
            for (i = 1; i <= count; i++) {
                optional = sub(/\?$/, "", names[i])
                if (names[i] in builtin) continue
                if (!(names[i] in files)) {
                    if (optional) continue
                    print "pikaci: the kernel has no " names[i] >"/dev/stderr"
                    exit 1
                }
                for (n = split(needs[names[i]], need, " "); n > 0; n--) load(need[n])
                load(files[names[i]])
            }
        }' "$1/modules.builtin" "$1/modules.dep"
}

# Adds a module, uncompressed, to the modules that the agent loads.
add_module() {
    to=${1##*/}
    to=initrd/pikaci/modules/${to%.ko*}.ko
    case $1 in
    *.ko) cp "$1" "$to" ;;
    *.xz) unxz -c "$1" >"$to" ;;
    *.gz) gunzip -c "$1" >"$to" ;;
    *) fail "$1 has a compression that busybox can't read" ;;
    esac
    echo "${to##*/}" >>initrd/pikaci/modules.order
}

# The agent's files have a folder of their own, since the guest's userland is mounted over the others.
for folder in bin dev host modules run scratch; do mkdir -p initrd/pikaci/$folder; done
for folder in dev etc proc run/lock sys tmp usr var; do mkdir -p initrd/$folder; done
for folder in bin sbin lib lib64; do ln -s usr/$folder initrd/$folder; done
ln -s ../proc/self/mounts initrd/etc/mtab
ln -s /proc/self/fd initrd/pikaci/dev/fd
ln -s fd/0 initrd/pikaci/dev/stdin
ln -s fd/1 initrd/pikaci/dev/stdout
ln -s fd/2 initrd/pikaci/dev/stderr
echo pikaci >initrd/etc/hostname
printf '%s\n' '127.0.0.1 localhost pikaci' '::1 localhost' >initrd/etc/hosts
printf '%s\n' 'passwd: files' 'group: files' 'hosts: files dns' >initrd/etc/nsswitch.conf
printf '%s\n' root:x:0: daemon:x:1: bin:x:2: tty:x:5: nogroup:x:65534: >initrd/etc/group
cat >initrd/etc/passwd <<EOT
root:x:0:0:root:/var/job:/bin/sh
daemon:x:1:1:daemon:/:/usr/sbin/nologin
bin:x:2:2:bin:/:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/:/usr/sbin/nologin
EOT
cp "$busybox" initrd/pikaci/bin/busybox
"$busybox" --list | while read -r applet; do
    [ "$applet" = busybox ] || ln -s busybox "initrd/pikaci/bin/$applet"
done
cp "$scripts/init.sh" initrd/init
for script in launch lease pack start; do cp "$scripts/$script.sh" "initrd/pikaci/$script"; done
cp "$scripts/agent.sh" "$scripts/artifacts.sh" "$scripts/caches.sh" "$scripts/steps.sh" initrd/pikaci/
touch initrd/pikaci/modules.order

if [ -z "${userland:-}" ]; then
    for module in $modules; do add_module "$moduleFiles/$module"; done
else
    tree=$(echo "$modulesTree"/lib/modules/*)
    [ -f "$tree/modules.dep" ] || fail "$modulesTree doesn't have the modules of exactly one kernel"
    print_load_order "$tree" >order
    while read -r module; do add_module "$tree/$module"; done <order
    mkdir -p initrd/usr/bin initrd/usr/local initrd/nix/store
    ln -s bin initrd/usr/sbin
    "$busybox" --list | while read -r applet; do ln -s "/pikaci/bin/$applet" "initrd/usr/bin/$applet"; done
    ln -s "$userland/bin" initrd/usr/local/bin
    [ ! -e "$userland/etc/ssl" ] || ln -s "$userland/etc/ssl" initrd/etc/ssl
fi

# The bytes are the same at any time on any machine. The initrd isn't compressed: unpacking at every boot costs more
# than reading.
find initrd -type d -exec chmod 0755 {} +
find initrd -type f -exec chmod 0644 {} +
chmod 0755 initrd/init initrd/pikaci/bin/busybox initrd/pikaci/lease
find initrd -exec touch -h -d @1 {} +
(cd initrd && find . | sort | cpio -o -H newc -R 0:0 --renumber-inodes --ignore-devno) >"$out/initrd"

files="kernel initrd" store=null
if [ -n "${mkfs:-}" ]; then
    mkdir store
    grep '^/' closure | sort -u | while read -r path; do cp -a "$path" store/; done
    "$mkfs" --quiet --all-root -T 0 -U 00000000-0000-0000-0000-000000000000 "$out/store.erofs" store
    files="$files store.erofs" store='"store.erofs"'
elif [ -n "${userland:-}" ]; then
    grep '^/' closure | sort -u >"$out/closure"
    files="$files closure"
fi

sizes=''
for file in $files; do sizes="$sizes${sizes:+,}\"$file\":$(stat -c %s "$out/$file")"; done
cat >"$out/boot.json" <<EOT
{"schema_version":1,"kernel":"kernel","initrd":"initrd","store":$store,\
"cmdline":"quiet cryptomgr.notests","features":["wait"],"sizes":{$sizes}}
EOT
