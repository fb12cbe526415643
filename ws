#!/bin/sh
# The operator's command. Runs from the project's own folder's packages, whatever folder it is called from.
set -eu
self=$(readlink -f -- "$0")
root=${self%/*}
if [ ! -d "$root/node_modules/tsx" ]; then
  echo "ws: the packages are not installed yet; run \"npm ci\" in $root first" >&2
  exit 1
fi
if ! command -v node >/dev/null 2>&1; then
  echo "ws: node is not on the PATH; install Node.js 20.19 or newer" >&2
  exit 1
fi
exec node "$root/launcher/start.mjs" ws cli/main.ts "$@"
