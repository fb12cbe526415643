#!/bin/sh
# Notes in the tmux pane which conversation the assistant is in now, as its session-start hook, also after a clear.
# Behind it the seconds since boot, so that what an earlier assistant in the same pane has noted is told from it.
# It prints nothing, since the assistant would read it.
pane=${TMUX_PANE:-} pane=${pane#%}
case $pane in '' | *[!0-9]*) exit 0 ;; esac
id=$(head -c 65536 | tr -d '\n' | sed -n 's/.*"session_id" *: *"\([0-9a-f-]\{36\}\)".*/\1/p')
[ -n "$id" ] || exit 0

# Whether the process is an assistant: by the kernel's short name, the program, or the script that node runs.
is_assistant() {
  [ "$name" != claude ] || return 0
  tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | {
    IFS= read -r program
    IFS= read -r script
    case ${program##*/} in
      claude) true ;;
      node*) [ "${script##*/}" = claude ] ;;
      *) false ;;
    esac
  }
}

# An assistant that another one has started in this pane (`claude -p` in a command of its) is not the session's, nor is one
# outside of the pane whose name it has in its environment. A wrapper and the program that it starts are one assistant.
# The pane's own process is the server's child. TMUX names the socket, the server's process and the session.
server=${TMUX:-} server=${server#*,} server=${server%%,*}
[ -n "$server" ] || server=$(tmux -u display-message -p '#{pid}' 2>/dev/null)
parent=$PPID seen=
while [ "$parent" != "$server" ]; do
  pid=$parent
  [ "${pid:-0}" -gt 1 ] || exit 0
  stat=
  { while IFS= read -r line || [ -n "$line" ]; do stat="$stat$line "; done <"/proc/$pid/stat"; } 2>/dev/null || exit 0
  name=${stat#*(} name=${name%)*}
  if is_assistant "$pid"; then
    [ "$seen" != behind ] || exit 0
    seen=yes
  elif [ -n "$seen" ]; then
    seen=behind
  fi
  # The state and the parent stand behind the name.
  stat=${stat##*) } stat=${stat#* } parent=${stat%% *}
done

read -r up _ </proc/uptime
tmux -u if-shell -F -t "%$pane" "#{==:#{pane_pid},${pid:-}}" \
  "set-option -p -t %$pane @workstation_started $id-${up%.*}" >/dev/null 2>&1
exit 0
