#!/usr/bin/env bash
# Node 20.20.2: fs.mkdir(…, { recursive: true }) below /proc never ends, and takes a core meanwhile.
#
# The kernel answers ENOENT for a folder that cannot be made in one that exists. Node seems to take that for a missing parent, makes the parent, which is there,
# and tries again, for ever.
#
# Seen: killed after 10 s, having used 6.5 s of a processor; `mkdir -p /proc/none` says "No such file or directory" and ends with 1.
#
# Needs: Linux, Node.
set -u
mkdir -p /proc/none
echo "mkdir -p: ended with $?"
timeout 5 node -e 'require("node:fs/promises").mkdir("/proc/none", { recursive: true }).catch((error) => console.log(error.code))'
status=$?
echo "node: ended with $status$([ $status = 124 ] && echo ", killed after 5 s")"
