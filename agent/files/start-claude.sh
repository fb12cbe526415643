#!/bin/sh
# Starts the assistant in this tmux session. Refreshed by workstation; changes made here are lost.
set -u

# All clones together get this long, so that a remote that is away never delays a session.
UPDATE_SECONDS=13
# Updates a clone where that is certain to be safe, as the hourly run does, and names what keeps one from being updated.
UPDATE='/usr/bin/node /usr/lib/workstation/worker.cjs update'

PATH=$HOME/.local/bin:$PATH
export PATH
cd "$HOME/code" 2>/dev/null || cd "$HOME" || exit 1

# shellcheck disable=SC2086
if ! timeout --kill-after=1 "$UPDATE_SECONDS" $UPDATE </dev/null; then
  echo "Not every remote answered in time, so your clones may not be up to date."
fi

id=$(cat /proc/sys/kernel/random/uuid)
name=$(id -un)
if [ -n "${TMUX:-}" ]; then
  name=$(tmux -u display-message -p -t "${TMUX_PANE:-}" '#{session_name}')
  # What brings this conversation back after a lost session reads it here.
  tmux -u set-option -t "${TMUX_PANE:-}" @workstation_conversation "$id"
fi

claude --session-id "$id" --name "$name" "$@"
code=$?
if [ "$code" -ne 0 ]; then
  echo "The assistant ended with $code. Its conversation is $id; this is a shell."
  exec "${SHELL:-/bin/sh}" -l
fi
