#!/bin/sh
# Gives a tmux client a pseudo terminal and ends with it. Arguments: a path for its input, the tmux socket, the session's
# id, rows and columns. Prints the terminal's device on descriptor 3 once there is one.
set -eu
# Opened for both directions, the input never ends: `script` would type an end-of-file into the session when its reader
# is killed. The tmux client gets the kernel's hang-up instead, and only detaches.
mkfifo -m 0600 "$1"
exec 0<>"$1"
# -E: else tmux takes SSH_AUTH_SOCK and the like out of a session that a login shares, since they are not set here.
# Only digits and paths of this program's own making are put into the command.
SHELL=/bin/sh exec /usr/bin/script --quiet --flush --return --command \
  "stty rows $4 cols $5 && tty >&3 && exec /usr/bin/tmux -u -T RGB -S '$2' attach-session -E -t '$3' 3>&-" /dev/null
