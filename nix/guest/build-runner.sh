# Makes a runner: kernel, initrd and boot.json. Runs as the builder of the runner's derivation, under the flake's
# own static busybox, which is all that the sandbox holds. The environment is the derivation's:
# `src` (the flake's folder), `modules` (names in load order) and `out`.
# shellcheck shell=dash
set -eu
# shellcheck disable=SC2154 # the derivation's environment
busybox=$src/bin/busybox
mkdir tools
"$busybox" --install -s tools
export PATH="$PWD/tools"

# shellcheck disable=SC2154 # the derivation's environment
mkdir "$out"
cp "$src/kernel" "$out/kernel"

# The agent's own is in a folder of its own, since the host's userland comes to lie over the rest.
for folder in bin cgroup host modules run scratch; do mkdir -p initrd/pikaci/$folder; done
for folder in dev etc proc run/lock sys tmp usr var; do mkdir -p initrd/$folder; done
for folder in bin sbin lib lib64; do ln -s usr/$folder initrd/$folder; done
ln -s ../proc/self/mounts initrd/etc/mtab
echo pikaci >initrd/etc/hostname
printf '%s\n' '127.0.0.1 localhost pikaci' '::1 localhost' >initrd/etc/hosts
printf '%s\n' 'passwd: files' 'group: files' 'hosts: files dns' >initrd/etc/nsswitch.conf
printf '%s\n' root:x:0: daemon:x:1: bin:x:2: tty:x:5: nogroup:x:65534: >initrd/etc/group
cat >initrd/etc/passwd <<EOF
root:x:0:0:root:/var/job:/bin/sh
daemon:x:1:1:daemon:/:/usr/sbin/nologin
bin:x:2:2:bin:/:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/:/usr/sbin/nologin
EOF
cp "$busybox" initrd/pikaci/bin/busybox
for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "initrd/pikaci/bin/$applet"
done
cp "$src/agent.sh" initrd/init
cp "$src/launch.sh" initrd/pikaci/launch
# shellcheck disable=SC2154 # the derivation's environment
for module in $modules; do
    cp "$src/modules/$module" initrd/pikaci/modules/
    echo "$module" >>initrd/pikaci/modules.order
done

# Equal bytes whenever and wherever it is made. Not compressed: unpacking costs more at every boot than reading.
find initrd -type d -exec chmod 0755 {} +
find initrd -type f -exec chmod 0644 {} +
chmod 0755 initrd/init initrd/pikaci/bin/busybox
find initrd -exec touch -h -d @1 {} +
(cd initrd && find . | sort | cpio -o -H newc -R 0:0 --renumber-inodes --ignore-devno) >"$out/initrd"

cat >"$out/boot.json" <<EOF
{"schema_version":1,"kernel":"kernel","initrd":"initrd",\
"cmdline":"quiet cryptomgr.notests","features":["wait"],\
"sizes":{"kernel":$(stat -c %s "$out/kernel"),"initrd":$(stat -c %s "$out/initrd")}}
EOF
