#!/bin/sh
# Reports what a deployment needs of a host: the login's rights, its clock, node, sudo, packages and programs. It changes
# nothing. The arguments are `package:NAME`, `program:PATH`, and `node:path` for the node that the login itself finds. Every answer stands on a line of its own, and the answer is
# whole only with the last word.
set -eu
own_path=$PATH
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
echo "uid $(id -u)"
echo "clock $(date +%s)"
if [ -x /usr/bin/node ]; then echo "node $(/usr/bin/node --version)"; else echo "node $(command -v node || echo none)"; fi
if ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then echo "lists there"; else echo "lists none"; fi
if [ -x /usr/sbin/visudo ]; then
  # sudo-rs takes no regular expressions in its rules, and the visudo of the other sudo does not know that.
  case "$(/usr/bin/sudo --version 2>/dev/null | head -n 1) by $(/usr/sbin/visudo --version 2>/dev/null | head -n 1)" in
    *sudo-rs*by*-rs*) mixed=no ;;
    *sudo-rs*by*) mixed=yes ;;
    *) mixed=no ;;
  esac
  if [ "$mixed" = no ] && printf '%s\n' 'nobody ALL=(root) NOPASSWD: /bin/true ^a$' | /usr/sbin/visudo --check --quiet --file=- >/dev/null 2>&1; then
    echo "visudo yes"
  else echo "visudo no"; fi
else echo "visudo none"; fi
for wanted in "$@"; do
  name=${wanted#*:}
  case $wanted in
    package:*)
      policy=$(apt-cache policy -- "$name" 2>/dev/null || true)
      if printf '%s\n' "$policy" | grep -q '^  Installed: [^(]'; then echo "package $name installed"
      elif printf '%s\n' "$policy" | grep -q '^  Candidate: [^(]'; then echo "package $name known"
      else echo "package $name unknown"; fi
      ;;
    node:path)
      # By the path with which a command of the deployment starts there.
      if found=$(PATH=$own_path command -v node); then
        echo "node on the path $("$found" --version 2>/dev/null || echo broken)"
      else echo "node on the path none"; fi
      ;;
    program:*)
      if command -v -- "$name" >/dev/null 2>&1; then echo "program $name there"; else echo "program $name absent"; fi
      ;;
  esac
done
echo end
