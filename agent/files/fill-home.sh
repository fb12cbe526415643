# Fills a new home, its argument, from a tar archive on standard input. It runs as the home's person: what is there already
# stays, and each entry appears whole, so that whatever ends it leaves nothing half written under its own name.
set -eu
umask 077
cd -- "$1"
stage=.workstation-skel
rm -rf -- "$stage"
mkdir -- "$stage"
tar --extract --file=- --directory="$stage" --no-same-owner --same-permissions --no-overwrite-dir
for entry in "$stage"/* "$stage"/.[!.]* "$stage"/..?*; do
  name=${entry#"$stage"/}
  # A pattern that fits nothing stands for itself.
  if [ ! -e "$entry" ] && [ ! -L "$entry" ]; then continue; fi
  if [ -e "$name" ] || [ -L "$name" ]; then continue; fi
  mv --no-target-directory -- "$entry" "$name"
done
rm -rf -- "$stage"
