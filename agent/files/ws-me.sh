#!/bin/sh
# Prints the state of the caller's own workstation and restores their sessions, with no more rights than the caller has.
exec /usr/bin/node /usr/lib/workstation/worker.cjs me "$@"
