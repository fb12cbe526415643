#!/bin/sh
# Passes one request of the user portal to root: reads one line and writes the answer to the same connection. The portal
# runs where nothing can gain rights, so a broken portal reaches sudo only through these three commands.
set -u
IFS= read -r line || exit 2
case $line in
  "restore "*) exec /usr/bin/sudo -n /usr/local/sbin/tmux-restore-user "${line#restore }" </dev/null ;;
  everybody) exec /usr/bin/sudo -n /usr/local/sbin/workstation-facts --everybody </dev/null ;;
  "facts "*) exec /usr/bin/sudo -n /usr/local/sbin/workstation-facts "${line#facts }" </dev/null ;;
esac
echo "not understood" >&2
exit 2
