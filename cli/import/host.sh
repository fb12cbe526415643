# Reports the contents of a host, as root: the system's own files, the maps, and the users with units. It looks at
# nothing below a home and changes nothing. Every answer stands on a line of its own and is whole only with the last
# word.
set -eu
file() {
  if [ -h "$1" ]; then echo "odd $1"
  elif [ -f "$1" ]; then
    text=$(head -c 1048576 -- "$1" | base64 -w0)
    echo "file $1 $text"
  elif [ -e "$1" ]; then echo "odd $1"
  else echo "none $1"
  fi
}
said() {
  text=$(printf '%s' "$2" | base64 -w0)
  echo "said $1 $text"
}
for path in /etc/passwd /etc/group /etc/t3-serve/dispatch.json /etc/ttyd-user-map /etc/ttyd-admins /var/lib/workstation/ledger.json; do
  file "$path"
done
# Of an environment file the ports alone: its other lines are their person's.
for path in /etc/t3-serve/*.env; do
  [ -f "$path" ] && [ ! -h "$path" ] || continue
  name=${path##*/}
  lines=$(head -c 65536 -- "$path" | grep -aE '^(T3_PORT|BROWSER_PORT)=["'\'']?[0-9]{1,5}["'\'']?$' || true)
  said "env:${name%.env}" "$lines"
done
while IFS=: read -r name _ uid _ _ home _; do
  case $uid in *[!0-9]* | '') continue ;; esac
  [ "$uid" -ge 1000 ] && [ "$uid" -lt 60000 ] || continue
  of=$(stat -c '%u %a %F' -- "$home" 2>/dev/null || echo missing)
  said "home:$name" "$of"
done </etc/passwd
active=$(systemctl list-units --all --plain --no-legend 't3-serve@*.service')
said units "$active"
enabled=$(find /etc/systemd/system -name 't3-serve@?*.service' -printf '%f\n')
said enabled "$enabled"
linger=
if [ -d /var/lib/systemd/linger ]; then linger=$(ls /var/lib/systemd/linger); fi
said linger "$linger"
echo end
