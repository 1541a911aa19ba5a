# The builder of a job's check: runs the job in a virtual machine, on a copy of the source that it may write to.
# Its arguments: busybox, pikaci, the job, the runner, the source, the accelerator, and the path of its result. The job
# file is among the attributes of the derivation. Runs under busybox ash.
# shellcheck shell=dash disable=SC2154 # NIX_ATTRS_JSON_FILE is Nix's
set -eu
busybox=$1 pikaci=$2 job=$3 runner=$4 source=$5 accel=$6 out=$7
"$busybox" cp -r "$source" workspace
"$busybox" chmod -R u+w workspace
exec "$pikaci" exec --job-file "$NIX_ATTRS_JSON_FILE" --attribute jobFile --job "$job" --runner "$runner" \
    --workspace workspace --out "$out" --accel "$accel" --unconfined </dev/null
