#!/bin/sh
# Restores the tmux sessions of one user for the user portal: what is missing of the newest record, of another record, or
# of it the sessions at some places alone. sudo lets the portal run this script, `tmux-forget-user` and
# `workstation-facts` as root, and nothing else. `tmux-persist` decides from the terminal map whether that user has a
# terminal here.
set -eu
if [ "$#" -lt 1 ] || [ "$#" -gt 3 ]; then
  echo "usage: tmux-restore-user <os_user> [<record> [<places>]]" >&2
  exit 2
fi
case $1 in
  [!a-z_]* | *[!a-z0-9_-]* | '' | ?????????????????????????????????*)
    echo "tmux-restore-user: that is no user's name" >&2
    exit 2
    ;;
esac
case ${2-0},${3-0} in
  ,* | *, | *,,* | *[!0-9,]*)
    echo "tmux-restore-user: expected the number of a record and places in it, such as 12 0,2,5" >&2
    exit 2
    ;;
esac
case ${2-0} in
  *,*)
    echo "tmux-restore-user: expected the number of one record" >&2
    exit 2
    ;;
esac
who=$1
record=${2-} places=${3-}
set -- "$who" --json
if [ -n "$record" ]; then set -- "$@" --record "$record"; fi
if [ -n "$places" ]; then set -- "$@" --sessions "$places"; fi
exec /usr/local/sbin/tmux-persist restore "$@"
