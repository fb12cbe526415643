#!/bin/sh
# One's own workstation at a glance. Runs as whoever asks, with no more rights than theirs.
exec /usr/bin/node /usr/lib/workstation/worker.cjs me "$@"
