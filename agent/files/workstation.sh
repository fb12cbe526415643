#!/bin/sh
# Runs the agent as root with nothing inherited and alone: two runs at once would undo each other's work.
set -eu
umask 077
cd /
agent=/usr/lib/workstation/agent.mjs
failpoint=
# Tests only: the file is root's, and nobody makes it by accident.
if [ -f /run/workstation/allow-failpoints ]; then failpoint=${WORKSTATION_FAILPOINT:-}; fi
# What only looks must answer while a long run holds the lock.
case ${1:-} in
  status | probe | failpoints | help | --help | -h | '') set -- /usr/bin/node "$agent" "$@" ;;
  # What waits for remotes keeps nobody else waiting; each person's worker has a lock of its own.
  finish) set -- /usr/bin/flock --exclusive --nonblock --conflict-exit-code 75 /run/workstation-finish.lock /usr/bin/node "$agent" "$@" ;;
  *) set -- /usr/bin/flock --exclusive --wait "${WORKSTATION_LOCK_WAIT_S:-900}" --conflict-exit-code 75 /run/workstation.lock /usr/bin/node "$agent" "$@" ;;
esac
exec /usr/bin/prlimit --core=0 -- /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 LC_ALL=C.UTF-8 WORKSTATION_FAILPOINT="$failpoint" "$@"
