#!/bin/sh
# Keeps the packet filter of the users' ports loaded: applies it again as soon as another program has removed a part of it.
# Ends with an error when the kernel's messages can no longer be followed; systemd starts it again.
set -u
umask 077
rules=/etc/workstation/ports.nft
loaded='' known=''

apply() {
  [ -f "$rules" ] || return 0
  now=$(nft list table inet workstation 2>/dev/null) || now=''
  if [ -n "$now" ] && [ "$now" = "$loaded" ]; then return; fi
  text=$(cat "$rules") || exit 1
  nft -f "$rules" || exit 1
  loaded=$(nft list table inet workstation) || exit 1
  # The agent applies new rules by itself; only the same rules, gone, were somebody else's doing.
  if [ "$text" = "$known" ]; then echo "another program had removed the packet filter of the users' ports; applied it again"; fi
  known=$text
}

# The first line comes once the messages are followed, so nothing is missed between the first look and the first message.
# All messages: nft of Debian 13 takes "monitor destroy" for a mistake.
{ echo started; exec nft monitor; } | {
  while read -r event; do
    case $event in
      started) sleep 0.2 && apply ;;
      delete*' inet workstation'* | destroy*' inet workstation'*) apply ;;
    esac
  done
  exit 1
}
