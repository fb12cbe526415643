#!/bin/sh
# Mirrors the site's Drive folder onto the content volume, so that a mistake on the Drive cannot wipe the site.
#
# On the volume:  current -> releases/<id>   what visitors see; the link is replaced by one rename
#                 releases/<id>              the tree that was published last, and until the next run the one before
#                 next                       the tree that a run prepares; unchanged files are hard links
#                 metrics/metrics            when the site was last known to equal the Drive folder, for Prometheus
#
# Until that rename nothing that a visitor can see is touched, so a run may fail or be killed at any point. Drive is only
# ever the source of `rclone lsf` and `rclone sync`, and every token is asked for with read-only scope.
# Written for the shell and tools of busybox, as the image rclone/rclone has them.
set -eu
umask 022
export LC_ALL=C

source='gdrive:stem claude/files'
must_have='stem_board.html'
max_delete=25
volume=${VOLUME:-/content}
secret_conf=${SECRET_CONF:-/etc/stem95su/rclone.conf}
scratch=${SCRATCH:-/scratch}
confirmed=${CONFIRM_DELETIONS:-none}
last_word=${LAST_WORD:-/dev/termination-log}

say() { printf '%s\n' "$*" | printable; }
fail() {
  say "FAILED: $* The site is as it was." >&2
  exit 1
}
skip() {
  skipped="SKIPPED: $* The site is as it was."
  say "$skipped"
  # The job succeeds, so its pod's last word is the only thing by which the board can tell.
  [ ! -w "$last_word" ] || say "$skipped" >"$last_word"
  exit 0
}
# File names come from the Drive: what is not printable never reaches a terminal that shows the log.
printable() { tr -d '\000-\010\013-\037\177'; }

lines() { wc -l <"$1" | tr -d ' '; }

# ask VERB [ARGUMENT...]: runs rclone for its answer; what it says goes to files.
ask() { rclone "$@" >"$scratch/answer" 2>"$scratch/said"; }
# The last of what rclone said, without its word on each file that a dry run skips.
excerpt() {
  grep -E 'ERROR|CRITICAL|NOTICE: .' "$scratch/said" | grep -v 'as --dry-run is set' | tail -n 6 | cut -c 1-600 |
    printable >&2 || true
}

# The token that rclone refreshes is written back to its configuration, and a mounted Secret cannot be written.
read_configuration() {
  export RCLONE_CONFIG="$scratch/rclone.conf"
  [ -s "$secret_conf" ] || fail "The Secret stem95su-rclone holds no rclone configuration: put one into Vault," \
    "secret/stem95su, property rclone_conf, and see that its ExternalSecret is ready."
  (umask 077 && cat "$secret_conf" >"$RCLONE_CONFIG")
  ask listremotes || fail "The rclone configuration in Vault cannot be read by rclone."
  grep -qx 'gdrive:' "$scratch/answer" || fail "The rclone configuration in Vault (secret/stem95su, property rclone_conf) has no" \
    "remote [gdrive]: make one with 'rclone config', scope drive.readonly."
  ask config redacted gdrive || fail "The remote [gdrive] in Vault cannot be read by rclone."
  grep -q '^type = drive$' "$scratch/answer" || return 0
  grep -q '^scope = drive.readonly$' "$scratch/answer" || fail "The remote [gdrive] of the rclone configuration in Vault" \
    "(secret/stem95su, property rclone_conf) is not limited to reading: make it again with scope drive.readonly."
}

# Documents of Google's own formats have no bytes to mirror, and a shortcut would publish what lies outside the folder.
# Drive may answer with a part of a folder and say so; rclone logs that and goes on, and here it is a failure.
reading() {
  ask "$@" --drive-scope drive.readonly --drive-skip-gdocs --drive-skip-shortcuts || return
  ! grep -q 'search result INCOMPLETE' "$scratch/said"
}

# A listing that failed is not an empty one: it ends the run as a failure, so that an expired token is seen.
list_source() {
  if ! reading lsf --recursive --files-only --format sp --separator / "$source"; then
    excerpt
    if grep -qiE 'invalid_grant|expired or revoked|401 unauthorized|status code 401' "$scratch/said"; then
      fail "Drive refuses the sign-in of '$source'; its token has expired or was withdrawn. A token of an OAuth app in" \
        "status Testing lasts about a week: publish the app to Production (Google Cloud console, Google Auth Platform," \
        "Audience), then run 'rclone config reconnect gdrive:' and put the new rclone.conf into Vault, secret/stem95su," \
        "property rclone_conf."
    fi
    fail "The folder '$source' could not be listed; rclone's own words are above. The next run tries again."
  fi
  mv "$scratch/answer" "$scratch/listing"
  [ -s "$scratch/listing" ] || skip "The folder '$source' lists no file at all, which is taken for a mistake there."
  grep -qE "^[1-9][0-9]*/$must_have\$" "$scratch/listing" ||
    skip "The folder '$source' lists no $must_have, or an empty one, which is taken for a mistake there."
}

# Which tree is published. A volume that cannot be read is not an empty one: nothing would be left to compare with.
find_live() {
  live=''
  held=$(ls -A "$volume") || fail "The content volume cannot be read."
  printf '%s\n' "$held" | grep -qx current || return 0
  live=$(readlink "$volume/current") || fail "On the content volume, 'current' is no link that can be read: remove it if it" \
    "was put there by hand; the next run makes it anew."
  [ -d "$volume/$live" ] || live=''
}

# What a finished or killed run left behind. The tree before the current one was kept for downloads that were under way.
tidy() {
  mkdir -p "$volume/releases" "$volume/metrics"
  [ -n "$live" ] || return 0
  for release in "$volume/releases"/*; do
    [ "$release" = "$volume/$live" ] || rm -rf "$release"
  done
}

# lost_between TREE TREE: what the first holds and the second has no more, or only empty; one name a line.
lost_between() {
  (cd "$1" && find . -type f -size +0c) >"$scratch/before"
  (cd "$2" && find . -type f -size +0c) >"$scratch/after"
  awk 'NR == FNR { kept[$0]; next } !($0 in kept)' "$scratch/after" "$scratch/before"
}

# refuse COUNT FILE WHERE: FILE names what the site would lose.
refuse() {
  rm -rf "$volume/next"
  say "Among them:" >&2
  head -n 5 "$2" | cut -c 1-200 | printable >&2
  fail "$1 files of the site are $3 '$source', and a run may take away $max_delete: none was taken. If all $1 are meant" \
    "to go, set workstation:stem95su.confirmDeletions to $1; it releases exactly that number."
}

# A dry run counts first: --max-delete alone deletes up to the limit and then fails. A file that was emptied counts too.
count_losses() {
  reading sync --dry-run --missing-on-src "$scratch/gone" --missing-on-dst "$scratch/new" --differ "$scratch/changed" \
    "$source" "$volume/${live:-none}" || {
    excerpt
    fail "The dry run against '$source' failed; rclone's own words are above. The next run tries again."
  }
  excerpt
  sed -n 's|^0/||p' "$scratch/listing" | awk 'NR == FNR { changed[$0]; next } $0 in changed' "$scratch/changed" - |
    cat "$scratch/gone" - >"$scratch/lost"
  allowed=$max_delete
  count=$(lines "$scratch/lost")
  [ "$count" != "$confirmed" ] || [ "$count" -le "$max_delete" ] || allowed=$confirmed
  [ "$count" -le "$allowed" ] || refuse "$count" "$scratch/lost" "missing or empty in"
}

prepare_next() {
  # A run that was killed left its tree: it is taken up again, or a large first fetch would never come to its end.
  [ -d "$volume/next" ] || [ -z "$live" ] || cp -al "$volume/$live" "$volume/next" 2>"$scratch/said" ||
    give_up "could not be prepared on"
  reading sync --max-delete "$allowed" "$source" "$volume/next" || {
    excerpt
    give_up "could not be fetched to"
  }
  [ -s "$volume/next/$must_have" ] || give_up "arrived without $must_have on"
  # The folder may have changed since the dry run; what counts is what would be published.
  [ -z "$live" ] || lost_between "$volume/$live" "$volume/next" >"$scratch/lost"
  [ "$(lines "$scratch/lost")" -le "$allowed" ] ||
    refuse "$(lines "$scratch/lost")" "$scratch/lost" "by now missing or empty in"
}

# The next run starts afresh: what was fetched may be what fills the volume or trips the limit.
give_up() {
  rm -rf "$volume/next"
  if grep -qiE 'no space left|remaining disk space|quota exceeded' "$scratch/said"; then
    fail "The content volume is full: it needs room for the site and for what changes. Enlarge" \
      "workstation:stem95su.volumeSize, or make the Drive folder smaller."
  fi
  fail "The new state of the site $1 the content volume. The next run tries again."
}

publish() {
  release=$(mktemp -d "$volume/releases/$(date -u +%Y%m%dT%H%M%SZ)-XXXXXX")
  mv -T "$volume/next" "$release"
  sync
  ln -sfn "releases/${release##*/}" "$volume/current.new"
  mv -T "$volume/current.new" "$volume/current"
  say "PUBLISHED: $(lines "$scratch/new") new, $(lines "$scratch/changed") changed, $(lines "$scratch/gone") gone."
}

record_good_sync() {
  {
    echo '# HELP stem95su_last_good_sync_timestamp_seconds When the site was last known to equal its Drive folder.'
    echo '# TYPE stem95su_last_good_sync_timestamp_seconds gauge'
    echo "stem95su_last_good_sync_timestamp_seconds $(date +%s)"
  } >"$volume/metrics/metrics.new"
  mv "$volume/metrics/metrics.new" "$volume/metrics/metrics"
}

# A job started by hand may meet the scheduled one; the lock goes with its process.
exec 9>"$volume/.lock"
flock -n 9 || fail "Another run is at work on the content volume, or the volume knows no locks."
read_configuration
list_source
find_live
tidy
count_losses
if [ -n "$live" ] && [ ! -s "$scratch/new" ] && [ ! -s "$scratch/changed" ] && [ ! -s "$scratch/gone" ]; then
  say "UNCHANGED: the site equals '$source'."
else
  prepare_next
  publish
fi
record_good_sync
