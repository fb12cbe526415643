#!/bin/sh
# Starts a pane's shell in a scope of its own with this person's cap, where they have a user manager that can make one.
# Arguments are the shell's.
shell=${SHELL:-/bin/sh}
who=${LOGNAME:-${USER:-$(id -un)}}
cap=
if [ -r "/etc/workstation/panes/$who" ]; then read -r cap <"/etc/workstation/panes/$who"; fi
# Replaces this process by a command in a scope.
in_scope() {
  exec systemd-run --user --scope --quiet --collect -p "MemoryMax=$cap" -p MemorySwapMax=0 -p OOMPolicy=continue -- "$@"
}
# Whether a restore has tried it for all of its panes within the last two seconds: the file holds the seconds since boot.
was_tried() {
  tried=$XDG_RUNTIME_DIR/workstation-scope-tried
  { [ -f "$tried" ] && read -r at <"$tried" && read -r up _ </proc/uptime; } 2>/dev/null || return 1
  case $at in '' | 0* | *[!0-9]* | ???????????*) return 1 ;; esac
  up=${up%.*}
  [ "$at" -le "$up" ] && [ "$up" -le $((at + 2)) ]
}
if [ -n "$cap" ] && [ -S "${XDG_RUNTIME_DIR:-}/systemd/private" ]; then
  # Whether a scope can be made is tried with nothing in it: the shell must replace this process, since a terminal that
  # closes hangs up its first process, and only a shell passes that on to its jobs. An interrupt meanwhile ends what was
  # tried, and not the terminal.
  trap : INT QUIT
  was_tried || (in_scope true) </dev/null && in_scope "$shell" -l "$@"
  echo "This terminal has no memory limit of its own: its scope could not be made (systemd-run ended with $?)." >&2
fi
exec "$shell" -l "$@"
