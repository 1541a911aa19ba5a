# Starts a command of the request: runs as root, joins a cgroup of the job, drops root's privileges and continues in
# start.sh as the job's user. Its arguments are the id of that user, the cgroup and the command. Runs under busybox ash
# with no environment but PATH.
# shellcheck shell=dash

echo 0 >"/sys/fs/cgroup/job/$2/cgroup.procs" || exit 126
echo 0 >/proc/self/oom_score_adj
ulimit -H -n 524288
ulimit -S -n 1024
[ "$1" != 0 ] || exec sh /pikaci/start root "$3"
# With no_new_privs no setuid program restores the privileges.
exec setpriv --nnp nsenter -F -S "$1" -G "$1" -- sh /pikaci/start job "$3"
