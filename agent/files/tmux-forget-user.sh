#!/bin/sh
# Has sessions of one user forgotten for the user portal: those at some places of a record. `tmux-persist` decides from the
# terminal map whether that user has a terminal here, and their own process writes the list.
set -eu
if [ "$#" -ne 3 ]; then
  echo "usage: tmux-forget-user <os_user> <record> <places>" >&2
  exit 2
fi
case $1 in
  [!a-z_]* | *[!a-z0-9_-]* | '' | ?????????????????????????????????*)
    echo "tmux-forget-user: that is no user's name" >&2
    exit 2
    ;;
esac
case $2 in
  '' | *[!0-9]*)
    echo "tmux-forget-user: expected the number of one record" >&2
    exit 2
    ;;
esac
case $3 in
  '' | ,* | *, | *,,* | *[!0-9,]*)
    echo "tmux-forget-user: expected places in that record, such as 0,2,5" >&2
    exit 2
    ;;
esac
exec /usr/local/sbin/tmux-persist forget-chosen "$1" --record "$2" --sessions "$3" --json
