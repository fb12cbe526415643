#!/bin/sh
# Prints the state of one user's workstation, or of everybody's, as JSON for the user portal. It changes nothing and
# inherits no environment. The agent decides from the terminal map whether that user has a terminal here.
set -eu
umask 077
cd /
if [ "$#" -ne 1 ]; then
  echo "usage: workstation-facts <os_user> | --everybody" >&2
  exit 2
fi
case $1 in
  --everybody) ;;
  [!a-z_]* | *[!a-z0-9_-]* | '' | ?????????????????????????????????*)
    echo "workstation-facts: that is no user's name" >&2
    exit 2
    ;;
esac
exec /usr/bin/prlimit --core=0 -- /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 LC_ALL=C.UTF-8 /usr/bin/node /usr/lib/workstation/agent.mjs facts "$1"
