#!/bin/sh
# Carries one question of the people's page to root: the page itself runs where nothing can gain rights, so that a broken
# page is no way to sudo but through these three lines. One line comes in; the answer goes back the same way.
set -u
IFS= read -r line || exit 2
case $line in
  "restore "*) exec /usr/bin/sudo -n /usr/local/sbin/tmux-restore-user "${line#restore }" </dev/null ;;
  everybody) exec /usr/bin/sudo -n /usr/local/sbin/workstation-facts --everybody </dev/null ;;
  "facts "*) exec /usr/bin/sudo -n /usr/local/sbin/workstation-facts "${line#facts }" </dev/null ;;
esac
echo "not understood" >&2
exit 2
