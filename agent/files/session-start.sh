#!/bin/sh
# Notes in the tmux pane which conversation the assistant is in now, as its session-start hook, also after a clear.
# Behind it the seconds since boot, so that what an earlier assistant in the same pane has noted is told from it.
# It prints nothing, since the assistant would read it.
[ -n "${TMUX_PANE:-}" ] || exit 0
id=$(head -c 65536 | tr -d '\n' | sed -n 's/.*"session_id" *: *"\([0-9a-f-]\{36\}\)".*/\1/p')
read -r up _ </proc/uptime
[ -z "$id" ] || tmux -u set-option -p -t "$TMUX_PANE" @workstation_started "$id-${up%.*}" >/dev/null 2>&1
exit 0
