#!/bin/sh
# Starts a pane's shell in a scope of its own with this person's cap, where they have a user manager that can make one.
# Arguments are the shell's. Nothing is started for the looks: a restore brings a hundred panes at once.
shell=${SHELL:-/bin/sh}
who=${LOGNAME:-${USER:-$(id -un)}}
cap=
if [ -r "/etc/workstation/panes/$who" ]; then read -r cap <"/etc/workstation/panes/$who"; fi
if [ -n "$cap" ] && [ -S "${XDG_RUNTIME_DIR:-}/systemd/private" ]; then
  # The shell's beginning is told by a signal: an exit code is the shell's or that of a manager which makes no scope. An
  # interrupt is for what runs in the pane.
  begun=
  trap 'begun=yes' USR1
  trap : INT QUIT
  # shellcheck disable=SC2016
  systemd-run --user --scope --quiet --collect -p "MemoryMax=$cap" -p MemorySwapMax=0 -p OOMPolicy=continue -- \
    /bin/sh -c 'kill -s USR1 "$0" && exec "$@"' "$$" "$shell" -l "$@"
  code=$?
  if [ -n "$begun" ]; then exit "$code"; fi
  echo "This terminal has no memory limit of its own: its scope could not be made (systemd-run ended with $code)." >&2
fi
exec "$shell" -l "$@"
