#!/bin/sh
# Starts the assistant in this tmux session. Refreshed by workstation; changes made here are lost.
set -u

# All clones together get this long, so that a remote that is away never delays a session.
FRESHEN_SECONDS=13

# Fetches one clone and fast-forwards it where that is certain to be safe: on its branch, clean, upstream set.
freshen() {
  git -C "$1" fetch --all --prune --quiet --no-recurse-submodules --no-auto-maintenance || return
  branch=$(git -C "$1" symbolic-ref --quiet --short HEAD) || return
  case $branch in master | main) ;; *) return ;; esac
  git -C "$1" rev-parse --quiet --verify "$branch@{upstream}" >/dev/null || return
  [ -z "$(git -C "$1" status --porcelain --untracked-files=no)" ] || return
  git -C "$1" merge --ff-only --quiet "$branch@{upstream}"
}

freshen_all() {
  export GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=/bin/false SSH_ASKPASS=/bin/false
  export GIT_SSH_COMMAND='ssh -oBatchMode=yes -oConnectTimeout=10'
  # A single clone at ~/code, or a workspace with its clones side by side.
  for clone in "$HOME/code" "$HOME"/code/*/; do
    [ -d "$clone/.git" ] && freshen "$clone" </dev/null >/dev/null 2>&1 &
  done
  wait
}

if [ "${1:-}" = --freshen-only ]; then
  freshen_all
  exit 0
fi

PATH=$HOME/.local/bin:$PATH
export PATH
cd "$HOME/code" 2>/dev/null || cd "$HOME" || exit 1

if ! timeout --kill-after=1 "$FRESHEN_SECONDS" /bin/sh "$0" --freshen-only; then
  echo "Your clones were not all updated: a remote does not answer. They are as you left them."
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
