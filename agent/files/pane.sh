#!/bin/sh
# Starts a pane's shell in a scope of its own with this person's cap, where they have a user manager that can make one.
# Arguments are the shell's. Nothing is started for the looks: a restore brings a hundred panes at once.
shell=${SHELL:-/bin/sh}
who=${LOGNAME:-${USER:-$(id -un)}}
cap=
if [ -r "/etc/workstation/panes/$who" ]; then read -r cap <"/etc/workstation/panes/$who"; fi
if [ -n "$cap" ] && [ -S "${XDG_RUNTIME_DIR:-}/systemd/private" ]; then
  exec systemd-run --user --scope --quiet --collect \
    -p "MemoryMax=$cap" -p MemorySwapMax=0 -p OOMPolicy=continue -- "$shell" -l "$@"
fi
exec "$shell" -l "$@"
