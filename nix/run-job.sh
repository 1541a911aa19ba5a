# The builder of a job's check: runs the job in a virtual machine, on a writable copy of the source. Its arguments are
# busybox, pikaci, the job, the runner, the source, the accelerator and the path of its result; then, for each job of its
# inputs, that job, the result of its check and the folder for its artifacts. The job file is an attribute of the
# derivation. Runs under busybox ash.
# shellcheck shell=dash disable=SC2154 # Nix sets NIX_ATTRS_JSON_FILE
set -eu
busybox=$1 pikaci=$2 job=$3 runner=$4 source=$5 accel=$6 out=$7
shift 7
"$busybox" cp -r "$source" workspace
"$busybox" chmod -R u+w workspace
while [ $# -gt 0 ]; do
    if [ ! -d "$2"/artifacts ]; then
        echo "pikaci: the job $job needs the artifacts of the job $1, which left none" >&2
        exit 1
    fi
    "$busybox" mkdir -p "workspace/$3"
    "$busybox" cp -r "$2/artifacts/." "workspace/$3"
    "$busybox" chmod -R u+w workspace
    shift 3
done
exec "$pikaci" exec --job-file "$NIX_ATTRS_JSON_FILE" --attribute jobFile --job "$job" --runner "$runner" \
    --workspace workspace --out "$out" --accel "$accel" --unconfined </dev/null
