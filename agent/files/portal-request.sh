#!/bin/sh
# Passes one request of the user portal to root: reads one line and writes the answer to the same connection. The portal
# runs where nothing can gain rights, so a broken portal reaches sudo only through these commands.
set -u
IFS= read -r line || exit 2
# Nothing but letters, digits and signs that mean nothing to a shell: the line is split at its spaces.
case $line in
  *[!a-z0-9_,\ -]*) line= ;;
esac
# shellcheck disable=SC2086
case $line in
  "restore "*) exec /usr/bin/sudo -n /usr/local/sbin/tmux-restore-user ${line#restore } </dev/null ;;
  "forget "*) exec /usr/bin/sudo -n /usr/local/sbin/tmux-forget-user ${line#forget } </dev/null ;;
  everybody) exec /usr/bin/sudo -n /usr/local/sbin/workstation-facts --everybody </dev/null ;;
  "facts "*) exec /usr/bin/sudo -n /usr/local/sbin/workstation-facts "${line#facts }" </dev/null ;;
esac
echo "not understood" >&2
exit 2
