# Makes a runner of the files that a NixOS configuration built. Runs as the builder of the runner's derivation, under a
# static busybox. The environment is that of the derivation: `busybox`, `kernel`, `initrd`, `store` (files), `cmdline`
# (JSON), `out`.
# shellcheck shell=dash disable=SC2154 # the derivation's environment
set -eu
mkdir tools
"$busybox" --install -s tools
export PATH="$PWD/tools"
mkdir "$out"
ln -s "$kernel" "$out/kernel"
ln -s "$initrd" "$out/initrd"
ln -s "$store" "$out/store.erofs"
size() { stat -L -c %s "$out/$1"; }
cat >"$out/boot.json" <<EOT
{"schema_version":1,"kernel":"kernel","initrd":"initrd","store":"store.erofs","cmdline":$cmdline,"features":["wait"],\
"sizes":{"kernel":$(size kernel),"initrd":$(size initrd),"store.erofs":$(size store.erofs)}}
EOT
