# The agent's steps and services: functions that agent.sh sources and calls.
# shellcheck shell=dash disable=SC1091,SC2154,SC2317 # agent.sh has the rest; the request calls functions

# Runs the services and the steps of the job. All their processes are in cgroups below the job's; the limits of that one
# count for all.
run_job() {
    must mkdir "$cgroup"/job
    [ -e "$cgroup"/job/cgroup.kill ] || fail "this kernel's cgroups have no cgroup.kill"
    must mkdir "$cgroup"/job/step
    set_limits
    make_fifo step
    result='exit 0' bytes=0 service_copiers=''
    enforce_timeout &
    timeout_pid=$!
    wait_for_cancel &
    cancel_pid=$!
    begin_phase job
    . "$request"/services
    . "$request"/steps
    kill $timeout_pid $cancel_pid
    begin_phase collect
    report_out_of_memory
    send "$result"
    guard 60 "ending the remaining processes of the job"
    end_services
    kill_job
    # shellcheck disable=SC2086 # a pattern
    while grep -q "populated 1" "$cgroup"/$job_cgroups/cgroup.events; do usleep 10000; done
    # shellcheck disable=SC2086 # several
    [ -z "$service_copiers" ] || wait $service_copiers || fail "the log of a service can't be written"
    send_service_logs
    unguard
    send "output $bytes"
}

# Makes the FIFO for the output of a process, which belongs to the job's user, so that a command can open /dev/stderr by
# name.
make_fifo() {
    must mkfifo -m 600 "$run/$1.fifo"
    must chown "$uid:$uid" "$run/$1.fifo"
}

# Opens a FIFO for a copier that starts next: 6 to read, and 5 so that neither an end of the file nor a blocked open comes
# before the last writer has ended. A signal interrupts a blocked open, and the end of any child is one.
# shellcheck disable=SC2094 # no pipeline
open_fifo() { exec 5<>"$run/$1.fifo" 6<"$run/$1.fifo"; }

# Runs a command of the request in a cgroup of the job, in the foreground: `launch CGROUP COMMAND FIFO`. The shell makes
# background commands ignore SIGINT. Unlike the shell, `time` distinguishes a signal from an exit code above 128.
launch() {
    # shellcheck disable=SC2023 # busybox's
    time -f %e -o "$run/$2.ended" env -i PATH="$PATH" sh /pikaci/launch "$uid" "$1" "$2" \
        </dev/null >"$run/$3.fifo" 2>&1 3>&- 4>&- 5>&- 6>&-
}

# Runs a step if its condition holds: `step NUMBER WHEN TIMEOUT STALL`; a limit of 0 is none. A copier outside of the
# job's cgroups sends the output and ends after the last byte. A step ends with all its processes.
step() {
    [ ! -e "$run"/stopped ] || return 0
    case $2 in
    passed) [ "$result" = "exit 0" ] || return 0 ;;
    failed) [ "$result" != "exit 0" ] || return 0 ;;
    esac
    send "step $1"
    open_fifo step
    # In subshells, because the shell keeps a copy of a descriptor that is closed for a function.
    (copy_output) 5>&- &
    copy_pid=$!
    exec 6<&-
    watchers=
    if [ "$3" != 0 ]; then (enforce_step_timeout "$1" "$3") 5>&- & watchers=$!; fi
    if [ "$4" != 0 ]; then (enforce_stall "$4") 5>&- & watchers="$watchers $!"; fi
    launch step "step-$1" step
    exec 5>&-
    # shellcheck disable=SC2086 # several
    [ -z "$watchers" ] || kill $watchers
    end=$(outcome "step-$1")
    if [ "$end" = "exit 0" ] && [ -e "$run/step-$1.late" ]; then end='exit 124'; fi
    guard 60 "ending the remaining processes of a step"
    kill_cgroups job/step
    (sleep 2 && kill_containers) &
    containers_pid=$!
    wait $copy_pid || fail "the output channel broke"
    kill $containers_pid
    unguard
    bytes=$((bytes + $(cat "$run"/output-bytes)))
    send "step-end $1 $end $bytes"
    [ "$result" != "exit 0" ] || result=$end
}

# Copies the output of a step and writes the number of its bytes, which the kernel adds up for finished children.
copy_output() {
    dd bs=64k status=none <&6 >&4 &
    copier=$!
    echo $copier >"$run"/copier
    wait $copier || exit 1
    while read -r key value; do
        # The number of the copier and a line break are no output.
        [ "$key" != wchar: ] || echo $((value - ${#copier} - 1)) >"$run"/output-bytes
    done </proc/self/io
}

# Ends the job at its timeout.
enforce_timeout() {
    sleep "$timeout"
    send deadline
    end_job
}

# Ends a step at its timeout: `enforce_step_timeout NUMBER SECONDS`.
enforce_step_timeout() {
    sleep "$2"
    : >"$run/step-$1.late"
    send "step-deadline $1"
    end_cgroups step
}

# Ends the job once its copier has sent nothing for some seconds.
enforce_stall() {
    last='' quiet=0
    while [ $quiet -lt "$1" ]; do
        sleep 1
        now=$(grep wchar "/proc/$(cat "$run"/copier)/io") || return
        if [ "$now" = "$last" ]; then quiet=$((quiet + 1)); else last=$now quiet=0; fi
    done
    send stalled
    end_job
}

# Ends the job after a cancel request of the host.
wait_for_cancel() {
    until read -r word <&3 && [ "$word" = cancel ]; do usleep 200000; done
    end_job
}

# Ends the job: no further step runs.
end_job() {
    : >"$run"/stopped
    end_cgroups '*'
}

# Sends TERM to all processes in cgroups of the job, and KILL 5 s later.
end_cgroups() {
    terminate "$1"
    sleep 5
    if [ "$1" = step ]; then kill_cgroups job/step; else kill_job; fi
    sleep 30
    fail "the command outlived SIGKILL"
}

# Sends TERM to all processes in cgroups below the job's, which a pattern names.
terminate() {
    # shellcheck disable=SC2086 # a pattern
    cat "$cgroup"/job/$1/cgroup.procs | while read -r pid; do kill -TERM "$pid"; done
} 2>/dev/null

# Sends KILL to all processes of the job, those in containers of a root job too.
kill_job() { kill_cgroups "$job_cgroups"; }

# Sends KILL to the containers of a root job, whose cgroups lie beside the job's.
kill_containers() {
    for kill in "$cgroup"/$job_cgroups/cgroup.kill; do
        [ "$kill" = "$cgroup"/job/cgroup.kill ] || echo 1 >"$kill"
    done
}

# Sends KILL to all processes in the cgroups that a pattern names.
kill_cgroups() {
    # shellcheck disable=SC2086 # a pattern
    for kill in "$cgroup"/$1/cgroup.kill; do echo 1 >"$kill"; done
}

# Starts a service and waits until it is ready: `service NUMBER TIMEOUT yes|no`, the last for a command that checks it.
# If the service ends or is late, no step runs.
service() {
    [ "$result" = "exit 0" ] && [ ! -e "$run"/stopped ] || return 0
    must mkdir "$cgroup/job/service-$1"
    make_fifo "service-$1"
    open_fifo "service-$1"
    (copy_service_output "$1") 5>&- &
    service_copiers="$service_copiers $!"
    exec 6<&-
    # This subshell keeps the FIFO open until the service has ended.
    (run_service "$1") &
    if [ "$3" = yes ]; then wait_for_service "$1" "$2"; fi
    exec 5>&-
    if [ "$result" = "exit 0" ]; then send "service-ready $1"; fi
}

# Runs a service to its end, and reports an end that comes before the end of the job.
run_service() {
    launch "service-$1" "service-$1" "service-$1"
    : >"$run/service-$1.over"
    [ -e "$run"/ending ] || send "service-end $1 $(outcome "service-$1")"
}

# Keeps the first 8 MiB of the output of a service and drops the rest.
copy_service_output() { { head -c 8388608 && cat >/dev/null; } <&6 >"$run/service-$1.log"; }

# Waits until the check of a service succeeds: `wait_for_service NUMBER SECONDS`.
wait_for_service() {
    (
        sleep "$2"
        send "service-late $1"
        : >"$run/service-$1.over"
        kill_cgroups "job/service-$1"
    ) 5>&- &
    late_pid=$!
    until launch "service-$1" "ready-$1" "service-$1"; do
        if [ -e "$run/service-$1.over" ] || [ -e "$run"/stopped ]; then
            result='exit 1'
            break
        fi
        usleep 200000
    done
    kill $late_pid
}

# Ends all services: TERM first, so that they can write what they hold.
end_services() {
    : >"$run"/ending
    terminate 'service-*'
    tries=0
    # shellcheck disable=SC2086 # a pattern
    while grep -q "populated 1" "$cgroup"/job/service-*/cgroup.events && [ $tries -lt 50 ]; do
        usleep 100000
        tries=$((tries + 1))
    done
} 2>/dev/null

# Sends the logs of all services after the job's output, and the number of bytes that end each.
send_service_logs() {
    for log in "$run"/service-*.log; do
        [ -e "$log" ] || continue
        cat "$log" >&4 || fail "the output channel broke"
        bytes=$((bytes + $(stat -c %s "$log")))
        name=${log##*/service-}
        send "service-log ${name%.log} $bytes"
    done
}

# Reports that the kernel ended a process of the job for lack of memory.
report_out_of_memory() {
    while read -r name count; do
        if [ "$name" = oom_kill ] && [ "$count" -gt 0 ]; then send out-of-memory; fi
    done <"$cgroup"/job/memory.events
} 2>/dev/null

# Prints the end of a command of the request, from the first line of the output of `time`.
outcome() {
    read -r line <"$run/$1.ended"
    case $line in
    "Command terminated by signal "*) echo "signal ${line##* }" ;;
    "Command exited with non-zero status "*) echo "exit ${line##* }" ;;
    [0-9]*) echo "exit 0" ;;
    *) fail "the end of the command is unknown" ;;
    esac
}
