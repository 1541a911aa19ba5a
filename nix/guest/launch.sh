# Starts the job: runs as root, joins the job's cgroup, drops root's privileges and continues in start.sh as the job's
# user. Its argument is the id of that user. Runs under busybox ash with no environment but PATH.
# shellcheck shell=dash

echo 0 >/sys/fs/cgroup/job/cgroup.procs || exit 126
echo 0 >/proc/self/oom_score_adj
ulimit -H -n 524288
ulimit -S -n 1024
[ "$1" != 0 ] || exec sh /pikaci/start root
# With no_new_privs no setuid program restores the privileges.
exec setpriv --nnp nsenter -F -S "$1" -G "$1" -- sh /pikaci/start job
