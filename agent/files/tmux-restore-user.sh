#!/bin/sh
# Brings back one person's sessions for the people's page, which may run this and nothing else as root. Whether that person
# has a terminal here is decided by tmux-persist, from the terminal map.
set -eu
if [ "$#" -ne 1 ]; then
  echo "usage: tmux-restore-user <os_user>" >&2
  exit 2
fi
case $1 in
  [!a-z_]* | *[!a-z0-9_-]* | '' | ?????????????????????????????????*)
    echo "tmux-restore-user: that is no user's name" >&2
    exit 2
    ;;
esac
exec /usr/local/sbin/tmux-persist restore "$1" --json
