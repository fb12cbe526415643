#!/bin/sh
# Restores the tmux sessions of one user for the user portal. sudo lets the portal run this script and
# `workstation-facts` as root, and nothing else. `tmux-persist` decides from the terminal map whether that user has a
# terminal here.
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
