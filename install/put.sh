#!/bin/sh
# put.sh FILE MODE <content: write FILE, whole or not at all, if it differs. Prints "ok" or "changed".
set -eu
umask 077
file=$1 mode=$2
mkdir -p "$(dirname "$file")"
new=$(mktemp "$file.XXXXXX")
trap 'rm -f "$new"' EXIT
cat >"$new"
chmod "$mode" "$new"
if cmp -s "$new" "$file" && [ "$(stat -c %a "$file")" = "$(stat -c %a "$new")" ]; then
  echo ok
else
  sync "$new"
  mv -f "$new" "$file"
  sync "$(dirname "$file")"
  echo changed
fi
