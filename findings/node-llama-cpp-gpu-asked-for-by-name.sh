#!/usr/bin/env bash
# node-llama-cpp 3.22.1 on Linux x64, without a GPU: getLlama({ gpu: "metal" }) does what "auto" does, and computes on the CPU without an error or a word
# in its log, while the same call with "cuda" throws NoBinaryFoundError. Its types say of "metal" that it is supported on macOS only, not what happens
# elsewhere. Who asks for a GPU by name has to look at `llama.gpu` afterwards.
# Seen:
#
#   metal   llama.gpu = false, 0 messages
#   cuda    NoBinaryFoundError
#
# Needs npm (the package's own prebuilt binary of the CPU is used; nothing is built or downloaded beside).
set -euo pipefail
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "not tried: this is not Linux x64"
  exit 0
fi
if [ -e /dev/nvidiactl ] || [ -e /dev/dri ]; then
  echo "not tried: this machine may have a GPU"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent --no-fund --no-audit node-llama-cpp@3.22.1 >/dev/null 2>&1
cat >ask.mjs <<'JS'
import { getLlama, LlamaLogLevel } from "node-llama-cpp";
let messages = 0;
try {
  const llama = await getLlama({
    gpu: process.argv[2],
    build: "never",
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.debug,
    logger: () => messages++,
  });
  console.log(`llama.gpu = ${llama.gpu}, ${messages} messages`);
} catch (error) {
  console.log(error.constructor.name);
}
process.exit(0);
JS
metal=$(node ask.mjs metal | tail -1)
cuda=$(node ask.mjs cuda | tail -1)
echo "metal   $metal"
echo "cuda    $cuda"
[ "$metal" = "llama.gpu = false, 0 messages" ] && [ "$cuda" = "NoBinaryFoundError" ]
