#!/bin/sh
# Boots one DevVM and stays its parent: mounts its layers, gives it a control group, starts it again when it reboots.
# usage, in the machine's folder, in a mount namespace of its own (so that even a killed run leaves no mount behind):
#   boot.sh GROUP LOWER… -- ARGUMENT-OF-NSPAWN…
set -eu

group=$1
shift
layers=$1
shift
while [ "$1" != -- ]; do
  layers=$layers:$1
  shift
done
shift

# A control group of its own: without one, systemd-nspawn would put what it makes into the caller's, where it would stay.
for tree in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
  [ -f "$tree/cgroup.procs" ] || continue
  mkdir -p "$tree/$group"
  echo $$ >"$tree/$group/cgroup.procs"
done

mkdir -p upper work root
mount -t overlay -o "lowerdir=$layers,upperdir=upper,workdir=work" overlay root

stopping=
machine=
trap 'stopping=yes; [ -z "$machine" ] || kill -TERM "$machine"' TERM

# 133 is what systemd-nspawn ends with when the machine wants to be booted again.
code=133
while [ "$code" -eq 133 ] && [ -z "$stopping" ]; do
  systemd-nspawn "$@" </dev/null &
  machine=$!
  code=0
  wait "$machine" || code=$?
  # The wait ends early when a signal comes in.
  while kill -0 "$machine" 2>/dev/null; do
    code=0
    wait "$machine" || code=$?
  done
  machine=
done
exit "$code"
