#!/bin/sh
# Runs as one person: asks the remotes of their clones what these have, and tells how everything stands that their worker
# would look at. It writes nothing. Root compares the answer with the one of the last run in which the worker found
# nothing to do, and understands no more of it than that the remotes' own words follow the first empty line. A git that
# hangs is ended with the unit that this runs in.
# Arguments: "fetch" or "look" (asks no remote), the home, the clones' paths below it.
how=$1 home=$2 theirs=
shift 2
cd "$home" || exit 1
if [ -e .gitconfig ] && [ ! -f .gitconfig ]; then exit 1; fi
for clone in "$@"; do
  if [ ! -d "$clone/.git" ] || [ ! -f "$clone/.git/config" ]; then continue; fi
  if [ "$how" = fetch ]; then
    # What a remote has under the refspec that git gives it. Any other refspec, and a remote that is not to be fetched,
    # are the worker's to judge.
    remotes=$(git -C "$clone" config --get-regexp '^remote\..*\.(fetch|skipfetchall|skipdefaultupdate)$') || exit 1
    while read -r key refspec; do
      remote=${key#remote.} remote=${remote%.fetch}
      case $remote in -* | *[!A-Za-z0-9._-]*) exit 1 ;; esac
      [ "$refspec" = "+refs/heads/*:refs/remotes/$remote/*" ] || exit 1
      refs=$(git -c protocol.ext.allow=never -c http.followRedirects=initial -c http.lowSpeedLimit=1000 \
        -c http.lowSpeedTime=15 -C "$clone" ls-remote --quiet --heads --tags -- "$remote" </dev/null) || exit 1
      theirs="$theirs$clone $remote
$refs
"
    done <<REMOTES
$remotes
REMOTES
  fi
  echo "$clone"
  git -C "$clone" for-each-ref --format='%(HEAD)%(refname) %(objectname) %(upstream)' refs/heads refs/remotes || exit 1
  set -- "$@" "$clone/.git/HEAD" "$clone/.git/config" "$clone/.git/info/attributes" "$clone/.git/worktrees"
done
stat --format='%n %F %a %u %h %s %Z %i' . code .kube .codex .code.workstation-moving .gitconfig .config/git/config \
  .git-credentials .kube/config start-claude.sh .codex/AGENTS.md "$@" 2>&1
printf '\n%s' "$theirs"
exit 0
