#!/bin/sh
# key.sh FILE COMMENT: the ssh key in FILE, made now unless it is there. Prints "ok" or "changed", then its public half.
set -eu
umask 077
file=$1 comment=$2
mkdir -p "$(dirname "$file")"
state=ok
if [ ! -s "$file" ]; then
  rm -f "$file.new" "$file.new.pub"
  ssh-keygen -q -t ed25519 -N '' -C "$comment" -f "$file.new"
  sync "$file.new"
  mv -f "$file.new" "$file"
  rm -f "$file.new.pub"
  sync "$(dirname "$file")"
  state=changed
fi
echo "$state"
# -P '': a key with a passphrase is an error here, not a question.
ssh-keygen -y -P '' -f "$file"
