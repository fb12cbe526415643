#!/bin/sh
# Goes on with a conversation in a session that was brought back, or says why it cannot. $1: its id, or what is gone.
# $2: the assistant's own folder, where its person has set another one; behind what cannot be read, the command that goes on.
set -u
by_hand() {
  [ -z "$1" ] || printf 'Once it can be read, go on with its conversation: %s\n' "$1"
}
case ${1:-} in
  directory) echo "This session was brought back, but its directory is gone: this is a shell in your home." ;;
  directory-shell) echo "This session was brought back, but its directory is gone: this is a shell where its shell was." ;;
  directory-unread)
    echo "This session was brought back, but its directory cannot be read: this is a shell in your home."
    by_hand "${2:-}"
    ;;
  transcript-unread)
    echo "This session was brought back, but the record of its conversation cannot be read: this is a shell."
    by_hand "${2:-}"
    ;;
  transcript) echo "This session was brought back, but the record of its conversation is gone: this is a shell." ;;
  *)
    PATH=$HOME/.local/bin:$PATH
    export PATH
    if [ -n "${2:-}" ]; then
      CLAUDE_CONFIG_DIR=$2
      export CLAUDE_CONFIG_DIR
    fi
    # Alone: together with --session-id the assistant refuses.
    claude --resume "$1"
    code=$?
    [ "$code" -ne 0 ] || exit 0
    # The restore that made this pane looks whether its assistant runs.
    tmux -u set-option -p -t "${TMUX_PANE:-}" @workstation_resume_ended "$code" >/dev/null 2>&1
    echo "The assistant ended with $code. Its conversation is $1; this is a shell."
    ;;
esac
exec "${SHELL:-/bin/sh}" -l
