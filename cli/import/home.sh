# Reports the state of a user's clones, as that user. It changes nothing and runs no hook and no filter.
set -eu
home=$1
kind() {
  if [ -h "$1" ]; then echo link
  elif [ -e "$1/.git" ]; then echo clone
  elif [ -d "$1" ]; then echo folder
  elif [ -e "$1" ]; then echo other
  else echo none
  fi
}
echo "code $(kind "$home/code")"
echo "infra $(kind "$home/code/infra")"
count=0
if [ -d "$home/code" ] && [ ! -h "$home/code" ]; then
  for folder in "$home"/code/*/; do
    folder=${folder%/}
    name=${folder##*/}
    case $name in *[!A-Za-z0-9._-]* | -*) continue ;; esac
    [ ! -h "$folder" ] && [ -e "$folder/.git" ] || continue
    count=$((count + 1))
    if [ "$count" -gt 200 ]; then echo many; break; fi
    # Without what may stand in an address before the host: it can be a password.
    GIT_CONFIG_NOSYSTEM=1 git --git-dir="$folder/.git" config --no-includes --get-regexp '^remote\..*\.url$' 2>/dev/null |
      head -n 20 | cut -c 1-400 | sed -E 's#^[^ ]+ ##; s#//[^/]*@#//#' | while read -r url; do echo "remote $name $url"; done
    echo "repo $name"
  done
fi
echo end
