#!/bin/sh
# Runs the destructive program as root with nothing inherited and alone, under the agent's own lock: while it archives or
# deletes, no delivery and no hourly run makes anything of that person's again.
set -eu
umask 077
cd /
program=/usr/lib/workstation/remove.mjs
failpoint=
# Tests only: the file is root's, and nobody makes it by accident.
if [ -f /run/workstation/allow-failpoints ]; then failpoint=${WORKSTATION_FAILPOINT:-}; fi
case ${1:-} in
  archives | points | help | --help | -h | '') set -- /usr/bin/node "$program" "$@" ;;
  *) set -- /usr/bin/flock --exclusive --wait "${WORKSTATION_LOCK_WAIT_S:-900}" --conflict-exit-code 75 /run/workstation.lock /usr/bin/node "$program" "$@" ;;
esac
exec /usr/bin/prlimit --core=0 -- /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 LC_ALL=C.UTF-8 WORKSTATION_FAILPOINT="$failpoint" "$@"
