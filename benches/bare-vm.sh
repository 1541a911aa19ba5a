#!/usr/bin/env bash
# Usage: [ACCEL=tcg|kvm] benches/bare-vm.sh RUNNER REQUEST [TAG=FOLDER]...
#
# Boots a runner of pikaci by hand, without pikaci: the bench compares `pikaci run` with this script. The machine is that
# of src/execute/qemu/argv.rs, with one CPU and 1 GiB of memory.
#   RUNNER      the store path of a runner, with kernel, initrd and boot.json
#   REQUEST     the tar for the request disk
#   TAG=FOLDER  a folder for the guest, read-only through a plain virtiofsd; over an empty folder `usr` in it the
#               host's /usr is mounted, in a mount namespace of that virtiofsd alone
# Prints the guest's control lines; fails unless its command ended with exit code 0.
set -euo pipefail

if [ $# -lt 2 ]; then
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" >&2
  exit 2
fi
runner=$1 request=$2
shift 2

folder=$(mktemp -d)
daemons=()
clean_up() {
  [ ${#daemons[@]} = 0 ] || kill "${daemons[@]}" 2>/dev/null || true
  wait
  rm -rf "$folder"
}
trap clean_up EXIT

virtiofsd=$(command -v virtiofsd || echo /usr/libexec/virtiofsd)
shares=()
for share in "$@"; do
  tag=${share%%=*} shared=${share#*=} start=() map=''
  if [ -d "$shared/usr" ] && [ -z "$(ls -A "$shared/usr")" ]; then
    # shellcheck disable=SC2016 # the inner shell expands them
    start=(unshare --mount sh -c 'mount --bind /usr "$0/usr" && exec "$@"' "$shared")
    if [ "$(id -u)" != 0 ]; then
      start=(unshare --map-root-user "${start[@]:1}")
      map=map:0:65534:1
    fi
  elif [ "$(id -u)" = 0 ]; then
    # In the guest, the job's user owns a tree of root.
    map=map:1000:0:1
  fi
  "${start[@]}" "$virtiofsd" --socket-path="$folder/$tag" --shared-dir="$shared" --readonly --sandbox=none \
    --cache=always --inode-file-handles=never --log-level=error \
    ${map:+--translate-uid "$map" --translate-gid "$map"} &
  daemons+=($!)
  shares+=(-chardev "socket,id=$tag,path=$folder/$tag" -device "vhost-user-fs-pci,chardev=$tag,tag=$tag")
done
for place in "${!daemons[@]}"; do
  tag=${*:place+1:1}
  until [ -S "$folder/${tag%%=*}" ]; do
    kill -0 "${daemons[place]}" || { echo "bare-vm: virtiofsd of $tag ended" >&2 && exit 1; }
    sleep 0.005
  done
done

cmdline=$(sed -n 's/.*"cmdline": *"\([^"]*\)".*/\1/p' "$runner/boot.json")
case ${ACCEL:=tcg} in
  kvm) cpu=host clock='' ;;
  *) cpu=max,la57=off clock=' tsc=reliable no_timer_check' ;;
esac
truncate -s 1G "$folder/artifacts"
qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none \
  -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny \
  -machine "q35,accel=$ACCEL,sata=off,usb=off,hpet=off,smbus=off,vmport=off,graphics=off,memory-backend=mem" \
  -cpu "$cpu" -smp 1 -m 1024M -object memory-backend-memfd,id=mem,size=1024M,share=on \
  -kernel "$runner/kernel" -initrd "$runner/initrd" \
  -append "$cmdline panic=-1 console=ttyS0 8250.nr_uarts=1$clock" \
  -serial "file:$folder/console" \
  -device virtio-serial-pci \
  -chardev "file,id=out,path=$folder/out" -device virtserialport,chardev=out,name=out \
  -chardev "file,id=control,path=$folder/control" -device virtserialport,chardev=control,name=control \
  -drive "if=none,id=request,format=raw,readonly=on,file=$request" \
  -device virtio-blk-pci,drive=request,serial=pikaci-request \
  -drive "if=none,id=artifacts,format=raw,cache=unsafe,file=$folder/artifacts" \
  -device virtio-blk-pci,drive=artifacts,serial=pikaci-artifacts \
  "${shares[@]}"

cat "$folder/control"
if ! grep -qx 'exit 0' "$folder/control"; then
  tail -n 20 "$folder/out" "$folder/console" >&2
  echo "bare-vm: the guest's command didn't end with exit code 0" >&2
  exit 1
fi
