#!/bin/sh
# Runs as one person: fetches their clones, then tells how everything stands that their worker would look at. Root
# compares the answer with the one of the last run in which the worker found nothing to do, and understands none of it.
# Arguments: "fetch" or "look", the home, the clones' paths below it.
how=$1 home=$2
shift 2
cd "$home" || exit 1
if [ -e .gitconfig ] && [ ! -f .gitconfig ]; then exit 1; fi
for clone in "$@"; do
  if [ ! -d "$clone/.git" ] || [ ! -f "$clone/.git/config" ]; then continue; fi
  if [ "$how" = fetch ]; then
    # Each remote by the refspec that git gives it, and by nothing else of the person's: see fetch-remotes.ts. Any other
    # refspec, and a remote that is not to be fetched, are the worker's to judge.
    remotes=$(timeout --kill-after=2 10 git -C "$clone" config --get-regexp \
      '^remote\..*\.(fetch|skipfetchall|skipdefaultupdate)$') || exit 1
    while read -r key refspec; do
      remote=${key#remote.} remote=${remote%.fetch}
      case $remote in -* | *[!A-Za-z0-9._-]*) exit 1 ;; esac
      [ "$refspec" = "+refs/heads/*:refs/remotes/$remote/*" ] || exit 1
      timeout --kill-after=2 20 git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c protocol.ext.allow=never \
        -c http.followRedirects=initial -c http.lowSpeedLimit=1000 -c http.lowSpeedTime=15 -C "$clone" fetch --quiet \
        --prune --no-prune-tags --refmap= --no-recurse-submodules --no-write-fetch-head --no-auto-maintenance \
        -- "$remote" "$refspec" </dev/null || exit 1
    done <<REMOTES
$remotes
REMOTES
  fi
  echo "$clone"
  timeout --kill-after=2 10 git -C "$clone" for-each-ref --format='%(HEAD)%(refname) %(objectname) %(upstream)' refs/heads refs/remotes || exit 1
  set -- "$@" "$clone/.git/HEAD" "$clone/.git/config" "$clone/.git/info/attributes" "$clone/.git/worktrees"
done
# What is a file with the time of its last change, which its person cannot set; what is a directory without.
stat --format='%n %F %a %u %h %s %Z %i' .gitconfig .config/git/config .git-credentials .kube/config start-claude.sh \
  .codex/AGENTS.md "$@" 2>&1 | sed '/ directory /s/ [^ ]* [^ ]* [^ ]* \([^ ]*\)$/ \1/'
stat --format='%n %F %a %u %i' . code .kube .codex .code.workstation-moving 2>&1
exit 0
