# The builder of a job's check: runs the job in a virtual machine, on a writable copy of the source. Its arguments are
# busybox, pikaci, the job, the runner, the source, the accelerator, and the path of its result. The job file is an
# attribute of the derivation. Runs under busybox ash.
# shellcheck shell=dash disable=SC2154 # Nix sets NIX_ATTRS_JSON_FILE
set -eu
busybox=$1 pikaci=$2 job=$3 runner=$4 source=$5 accel=$6 out=$7
"$busybox" cp -r "$source" workspace
"$busybox" chmod -R u+w workspace
exec "$pikaci" exec --job-file "$NIX_ATTRS_JSON_FILE" --attribute jobFile --job "$job" --runner "$runner" \
    --workspace workspace --out "$out" --accel "$accel" --unconfined </dev/null
