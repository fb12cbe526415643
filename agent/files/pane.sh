#!/bin/sh
# Starts a pane's shell in a scope of its own with this person's cap, where they have a user manager that can make one.
# Arguments are the shell's.
shell=${SHELL:-/bin/sh}
cap=$(cat "/etc/workstation/panes/$(id -un)" 2>/dev/null)
if [ -n "$cap" ] && systemctl --user --quiet is-active default.target 2>/dev/null; then
  exec systemd-run --user --scope --quiet --collect \
    -p "MemoryMax=$cap" -p MemorySwapMax=0 -p OOMPolicy=continue -- "$shell" -l "$@"
fi
exec "$shell" -l "$@"
