#!/bin/sh
# Runs as one person: tells what their tmux server and the kernel say of their sessions, for root to make sense of.
# Arguments: their socket, their home, the format of a pane's line, and a line between two parts that nobody could know.
# Ends with 3 where there is no socket, and with another code where their worker has to judge.
socket=$1 home=$2 format=$3 between=$4
PATH=/usr/bin:/bin
export PATH

[ ! -L "$socket" ] || exit 1
[ -e "$socket" ] || exit 3
if [ ! -S "$socket" ] || [ ! -O "$socket" ]; then exit 1; fi
# A client hands its input and output to the server. One that hangs would hold root's pipe, so it is given one of its own.
exec 4>&1
code=$({
  {
    LC_ALL=C.UTF-8 timeout --signal=KILL 5 tmux -u -S "$socket" list-panes -a -F "$format" </dev/null 3>&- 4>&-
    echo "$?" >&3
  } | timeout --signal=KILL 6 cat >&4
} 3>&1)
exec 4>&-
[ "$code" = 0 ] || exit "$code"

# Their own processes alone: a server that names somebody else's gains nothing.
count=0 stats='' arguments='' directories='' environments=''
for process in /proc/[0-9]*; do
  [ -O "$process" ] || continue
  count=$((count + 1))
  [ "$count" -le 2000 ] || exit 1
  stats="$stats $process/stat" arguments="$arguments $process/cmdline" directories="$directories $process/cwd"
  environments="$environments $process/environ"
done
# Conversations that lie elsewhere are their worker's to find. Nothing of an environment is told.
# shellcheck disable=SC2086
if grep --null-data --text --quiet '^CLAUDE_CONFIG_DIR=' $environments 2>/dev/null; then exit 4; fi
# What has ended in the meantime is missing. The paths are of digits and fixed words: they are meant to be split.
printf '\n%s\n' "$between"
# shellcheck disable=SC2086
cat $stats 2>/dev/null
printf '\n%s\n' "$between"
# shellcheck disable=SC2086
LC_ALL=C grep --null-data --null --text --with-filename --max-count=200 . $arguments 2>/dev/null
printf '\n%s\n' "$between"
# shellcheck disable=SC2086
find $directories -maxdepth 0 -printf '%p\0%l\0' 2>/dev/null
printf '\n%s\n' "$between"
# There may be a million of them, or a file system that never answers.
if [ -d "$home/.claude/projects" ]; then
  LC_ALL=C timeout --signal=KILL 3 find -L "$home/.claude/projects" -mindepth 2 -maxdepth 2 -type f -name '*-*-*-*-*.jsonl' \
    -printf '%T@ %C@ %s %P\0' 2>/dev/null || printf 'not whole\0'
fi
exit 0
