#!/bin/sh
# Keeps people's tmux sessions, as root with nothing inherited. A save and a restore never run at once: a save between two
# halves of a restore would write down the half.
set -eu
umask 077
cd /
case ${1:-} in
  save | restore | forget) set -- /usr/bin/flock --exclusive --wait 120 --conflict-exit-code 75 /run/tmux-persist.lock /usr/bin/node /usr/lib/workstation/agent.mjs sessions "$@" ;;
  *) set -- /usr/bin/node /usr/lib/workstation/agent.mjs sessions "$@" ;;
esac
exec /usr/bin/prlimit --core=0 -- /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 LC_ALL=C.UTF-8 "$@"
