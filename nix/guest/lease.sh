#!/pikaci/bin/sh
# The script that udhcpc runs: applies a new lease.
# shellcheck disable=SC2154 # udhcpc's environment
[ "$1" = bound ] || exit 0
ip addr add "$ip/${mask:-24}" dev "$interface" || exit 1
[ -z "$router" ] || ip route add default via "${router%% *}" dev "$interface" || exit 1
for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
