# Starts the job, as root: joins the job's cgroup, gives up what only root may do, and goes on in start.sh as the job's
# user. Its argument is that user's id. Runs under busybox ash with no environment but PATH.
# shellcheck shell=dash

echo 0 >/sys/fs/cgroup/job/cgroup.procs || exit 126
echo 0 >/proc/self/oom_score_adj
ulimit -H -n 524288
ulimit -S -n 1024
[ "$1" != 0 ] || exec sh /pikaci/start root
# No program that is setuid gives back what was given up.
exec setpriv --nnp nsenter -F -S "$1" -G "$1" -- sh /pikaci/start job
