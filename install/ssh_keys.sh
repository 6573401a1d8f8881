#!/bin/sh
# ssh_keys.sh VERB ...: the keys that let this user in. Needs no root; every file is written aside and renamed.
#   read                  the lines of the key files, as they are
#   install LINE DIGEST   have the public key LINE, whose SHA-256 is DIGEST, among them; says whether it was ("ok")
#   withdraw BLOB         without the key of this base64 text again: it turned out to be of no use
#   keep BLOB...          keep only the keys named by their base64 text. Refuses to leave none. Of ssh_guard.sh, which
#                         undoes it
#   guard ID SECONDS      undo what follows after SECONDS, unless `commit ID` comes first; for who cannot become root, and
#                         so only until the next boot
#   prune ID BLOB...      `keep`, unless it is undone already
#   commit ID             keep it
#   revert ID             undo it now; says "settled" when it is confirmed or undone already
set -eu
umask 077
folder=$HOME/.ssh
# Where a link leads: it stays one.
main=$(readlink -m "$folder/authorized_keys")
older=$(readlink -m "$folder/authorized_keys2")
pending=$folder/.gitops-vm-pending
me=$(id -un)
verb=$1
shift

fail() { echo "$1" >&2; exit 1; }

replace() { # replace FILE <content
  new=$(mktemp "$1.XXXXXX")
  trap 'rm -f "$new"' EXIT
  cat >"$new"
  sync "$new"
  mv -f "$new" "$1"
  sync "${1%/*}"
}

# The base64 text of the key on a line of authorized_keys (sshd(8)): it follows its type; an option's value may hold anything.
# shellcheck disable=SC2016  # awk's
blob='function blob(   words, n, i, line) {
  line = $0
  sub(/\r$/, "", line)
  if (line ~ /^[ \t]*#/) return ""
  gsub(/"([^"\\]|\\.)*"/, "", line)
  n = split(line, words)
  for (i = 1; i < n; i++) if (words[i] ~ /^(ssh-|ecdsa-|sk-)/ && words[i + 1] ~ /^AAAA/) return words[i + 1]
  return ""
}'

without() { awk -v unwanted="$2" "$blob"' blob() != unwanted' "$1"; } # without FILE BLOB

holds() { awk -v wanted="$2" "$blob"' blob() == wanted { found = 1 } END { exit !found }' "$1"; } # holds FILE BLOB

# sshd(8), StrictModes: keys count only where nobody but this user and root could have written them, from the file up to the
# home. Debian lets a group pass that has this user alone in it.
check_modes() {
  home=$(readlink -f "$HOME")
  place=$main
  while check_place "$place" && [ "$place" != "$home" ] && [ "$place" != / ]; do place=$(dirname "$place"); done
  if [ -e "$main" ] && [ ! -r "$main" ]; then
    fail "$me cannot read $main, and so sshd cannot; type there: sudo chown $me $main"
  fi
  place=${main%/*}
  [ -d "$place" ] || place=$HOME
  [ -w "$place" ] || fail "$me cannot write in $place; type there: sudo chown $me $place"
}

check_place() { # check_place PLACE
  [ -e "$1" ] || return 0
  owner=$(stat -L -c %U "$1")
  mode=$(stat -L -c %a "$1")
  case $owner in
    "$me" | root) ;;
    *) fail "sshd ignores keys while $1 belongs to $owner; type there: sudo chown $me $1" ;;
  esac
  case $mode in
    *[2367]) fail "sshd ignores keys while everybody can write to $1 (mode $mode); type there: chmod go-w $1" ;;
    *[2367]?) alone "$(stat -L -c %g "$1")" || fail "sshd ignores keys while the group $(stat -L -c %G "$1") can write to $1 (mode $mode); type there: chmod g-w $1" ;;
  esac
}

alone() { # alone GID: whether this user is the one member of the group
  members=$({ getent passwd | awk -F: -v gid="$1" '$4 == gid { print $1 }'; getent group "$1" | cut -d: -f4 | tr , '\n'; } | sort -u)
  [ "$(echo "$members" | tr -d '\n')" = "$me" ]
}

lock() { # lock OPTION...: of flock; the directory itself, so that nothing is left of it
  exec 9<"$folder"
  flock "$@" 9 || fail "another bootstrap is changing the keys here"
}

guarded() { [ "$(cat "$pending" 2>/dev/null)" = "$1" ]; } # guarded ID

# Asked, and what it allows done, under the lock that the undoing takes: nothing is changed any more once that has begun.
armed() { # armed ID
  lock -w 30
  guarded "$1" || fail "the time to confirm the change was over"
}

restore() {
  for file in "$main" "$older"; do
    [ ! -e "$file.gitops-vm-before" ] || mv -f "$file.gitops-vm-before" "$file"
  done
  rm -f "$pending"
  sync "$folder"
}

keep() { # keep BLOB...
  trap 'rm -f "$main.gitops-vm-next" "$older.gitops-vm-next"' EXIT
  for file in "$main" "$older"; do
    [ -e "$file" ] || continue
    awk -v kept="$*" "$blob"' BEGIN { n = split(kept, list, " "); for (i = 1; i <= n; i++) keep[list[i]] = 1 }
      /^[ \t\r]*(#|$)/ || blob() in keep' "$file" >"$file.gitops-vm-next"
  done
  cat "$main.gitops-vm-next" "$older.gitops-vm-next" 2>/dev/null | ssh-keygen -lf - >/dev/null 2>&1 || bare ||
    fail "nothing changed: no key would be left in $folder"
  for file in "$main" "$older"; do
    [ ! -e "$file.gitops-vm-next" ] || { sync "$file.gitops-vm-next"; mv -f "$file.gitops-vm-next" "$file"; sync "${file%/*}"; }
  done
}

bare() { ! cat "$main" "$older" 2>/dev/null | awk "$blob"' blob() != "" { found = 1 } END { exit !found }'; } # all keys are elsewhere

guard() { # guard ID SECONDS
  lock -w 30
  if [ -e "$pending" ] && ! guarded "$1"; then
    age=$(($(date +%s) - $(stat -c %Y "$pending")))
    [ "$age" -gt "$2" ] || { echo "another bootstrap is at work here; it ends or is undone within $(($2 - age)) s" >&2; exit 75; }
    restore
  fi
  for file in "$main" "$older"; do
    [ ! -e "$file" ] || { cp -p "$file" "$file.gitops-vm-before"; sync "$file.gitops-vm-before"; }
  done
  echo "$1" | replace "$pending"
  # It outlives the connection, and does not hold the lock meanwhile.
  (
    trap '' HUP
    sleep "$2"
    lock
    ! guarded "$1" || restore
  ) >/dev/null 2>&1 </dev/null 9<&- &
}

case $verb in
  read)
    cat "$main" 2>/dev/null || true
    echo
    cat "$older" 2>/dev/null || true
    ;;
  install)
    line=$1
    [ "$(printf %s "$line" | sha256sum | cut -d' ' -f1)" = "$2" ] || fail "your key was damaged on its way to the VM; run this again"
    check_modes
    [ -d "$folder" ] || mkdir -m 700 "$folder"
    if [ -e "$main" ] && holds "$main" "$(echo "$line" | awk '{ print $2 }')"; then
      echo ok
    else
      # A file without a newline at its end would swallow the key.
      { [ ! -e "$main" ] || { cat "$main"; [ -z "$(tail -c1 "$main")" ] || echo; }; echo "$line"; } | replace "$main"
      echo changed
    fi
    ;;
  withdraw)
    without "$main" "$1" | replace "$main"
    # Empty, they say no more than when they were not there.
    [ -s "$main" ] || rm -f "$main"
    rmdir "$folder" 2>/dev/null || true
    ;;
  keep) keep "$@" ;;
  guard) guard "$@" ;;
  prune)
    armed "$1"
    shift
    keep "$@"
    ;;
  commit)
    armed "$1"
    rm -f "$pending"
    rm -f "$main.gitops-vm-before" "$older.gitops-vm-before"
    sync "$folder"
    ;;
  revert)
    lock -w 30
    if guarded "$1"; then restore; else echo settled; fi
    ;;
esac
