#!/usr/bin/env bash
# Node 20.20.2: fs.mkdir(…, { recursive: true }) below /proc never ends, and takes a core meanwhile.
#
# libuv answers ENOENT for a folder that cannot be made in one that exists. Node takes that for a missing parent, makes the parent, which is there (EEXIST), and
# tries again, for ever. Where the parent is no such file system (/sys, /dev), it is an error at once.
#
# Seen: killed after 5 s, having used 5 s of a processor; `mkdir -p /proc/none` says "No such file or directory" and ends with 1.
#
# Needs: Linux, Node.
set -u
mkdir -p /proc/none
echo "mkdir -p: ended with $?"
timeout 5 node -e 'require("node:fs/promises").mkdir("/proc/none", { recursive: true }).catch((error) => console.log(error.code))'
status=$?
echo "node: ended with $status$([ $status = 124 ] && echo ", killed after 5 s")"
