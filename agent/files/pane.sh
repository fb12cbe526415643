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
# Tries it with nothing in it, and ends as that did. A restore brings a hundred panes at once, so what was found in the last
# ten seconds counts: the file holds the seconds since boot and how the trial ended.
try_scope() (
  tried=$XDG_RUNTIME_DIR/workstation-scope at='' code=''
  exec 9>>"$tried" && flock 9
  read -r at code <"$tried"
  read -r up _ </proc/uptime
  if [ -n "$code" ] && [ $((${up%.*} - at)) -lt 10 ]; then exit "$code"; fi
  (in_scope true) </dev/null 9>&-
  code=$?
  read -r up _ </proc/uptime
  echo "${up%.*} $code" >"$tried"
  exit "$code"
)
if [ -n "$cap" ] && [ -S "${XDG_RUNTIME_DIR:-}/systemd/private" ]; then
  # Tried, since the shell must replace this process: a terminal that closes hangs up its first process, and only a shell
  # passes that on to its jobs. An interrupt meanwhile ends what was tried, and not the terminal.
  trap : INT QUIT
  try_scope && in_scope "$shell" -l "$@"
  echo "This terminal has no memory limit of its own: its scope could not be made (systemd-run ended with $?)." >&2
fi
exec "$shell" -l "$@"
