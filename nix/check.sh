# The builder of a job's check: runs the job in a virtual machine, on a copy of the source that it may write to.
# The environment is the derivation's: `busybox` (the program), `pikaci`, `jobsPath`, `job`, `runner`, `source`, `accel`,
# `out`. Runs under busybox ash.
# shellcheck shell=dash disable=SC2154 # the derivation's environment
set -eu
"$busybox" cp -r "$source" workspace
"$busybox" chmod -R u+w workspace
"$busybox" cp "$jobsPath" jobs.json
exec "$pikaci" exec --job-file jobs.json --job "$job" --runner "$runner" --workspace workspace --out "$out" \
    --accel "$accel" --unconfined </dev/null
