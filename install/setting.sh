#!/bin/sh
# setting.sh FILE NAME <value: set the line NAME=value of an environment file and leave its other lines as they are. The
# value comes on standard input, where no list of processes shows it. Prints "ok" or "changed".
set -eu
umask 077
file=$1 name=$2
mkdir -p "$(dirname "$file")"
new=$(mktemp "$file.XXXXXX")
trap 'rm -f "$new"' EXIT
if [ -e "$file" ]; then grep -v "^$name=" "$file" >"$new" || true; fi
printf '%s=%s\n' "$name" "$(cat)" >>"$new"
if [ -e "$file" ] && [ "$(sort "$new")" = "$(sort "$file")" ]; then
  chmod 600 "$file"
  echo ok
else
  sync "$new"
  mv -f "$new" "$file"
  sync "$(dirname "$file")"
  echo changed
fi
