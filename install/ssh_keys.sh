#!/bin/sh
# ssh_keys.sh VERB ...: the keys that let this user in. Needs no root; every file is written aside and renamed.
#   read                  the lines of the key files, as they are
#   install LINE DIGEST   have the public key LINE, whose SHA-256 is DIGEST, among them; says whether it was ("ok")
#   withdraw BLOB         without the key of this base64 text again: it turned out to be of no use
#   guard ID SECONDS      undo what follows after SECONDS, unless `commit ID` comes first; for who cannot become root, and
#                         so only until the next boot
#   guard ID SECONDS root the same, and ssh_guard.sh undoes it, also after a boot
#   prune ID BLOB...      keep only the keys named by their base64 text, unless it is undone already; refuses to leave none
#   commit ID             keep it
#   kept ID               the same, of ssh_guard.sh, where it was confirmed
#   revert ID             undo it now; says "settled" when it is confirmed or undone already
#   look                  says "pending ID" of a change that waits to be confirmed or undone
#   settle                the same, once what was cut off, and nobody else will undo, is undone
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

fail() { echo "$1" >&2; exit "${2:-1}"; }

busy() { fail "$1" 75; } # EX_TEMPFAIL of sysexits.h: it passes by itself

replace() { # replace FILE <content
  new=$1.gitops-vm-next
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
  owner=$(stat -L -c %U "$1") group=$(stat -L -c %G "$1") mode=$(stat -L -c %a "$1")
  case $owner in
    "$me") change='chmod' ;;
    root) change='sudo chmod' ;;
    *) fail "sshd ignores keys while $1 belongs to $owner; type there: sudo chown $me $1" ;;
  esac
  case $mode in
    *[2367]) fail "sshd ignores keys while everybody can write to $1 (mode $mode); type there: $change go-w $1" ;;
    *[2367]?) alone "$(stat -L -c %g "$1")" || fail "sshd ignores keys while the group $group can write to $1 (mode $mode); type there: $change g-w $1" ;;
  esac
}

alone() { # alone GID: whether this user is the one member of the group
  members=$({ getent passwd | awk -F: -v gid="$1" '$4 == gid { print $1 }'; getent group "$1" | cut -d: -f4 | tr , '\n'; } | sort -u)
  [ "$(echo "$members" | tr -d '\n')" = "$me" ]
}

lock() { # lock OPTION...: of flock; the directory itself, so that nothing is left of it
  exec 9<"$folder"
  # 1 is: somebody has it. Where there are no locks at all (a home over the network), nobody has.
  flock "$@" 9 || [ $? -ne 1 ] || busy "another bootstrap is changing the keys here"
}

guarded() { read -r found _ 2>/dev/null <"$pending" && [ "$found" = "$1" ]; } # guarded ID

# Asked, and what it allows done, under the lock that the undoing takes: nothing is changed any more once that has begun.
armed() { guarded "$1" || fail "the time to confirm the change was over"; } # armed ID

now() { # which boot this is, and the seconds since; a clock may be set
  read -r boot </proc/sys/kernel/random/boot_id
  read -r uptime _ </proc/uptime
  uptime=${uptime%.*}
}

waits() { # whether somebody will still undo what is pending: since this boot, and its time is not over
  now
  read -r _ since end <"$pending" && [ "$since" = "$boot" ] && [ "$uptime" -le "${end:-0}" ]
}

look() {
  [ ! -e "$pending" ] || echo "pending $(cut -d' ' -f1 "$pending")"
}

tidy() { # without a change that waits, what it has left means nothing
  [ -e "$pending" ] || rm -f "$folder"/*.gitops-vm-* "$main".gitops-vm-* "$older".gitops-vm-* "$pending.gitops-vm-next"
  sync "$folder"
}

# It only ever adds keys: a file that is not as `prune` left it was changed by somebody since, and is not touched.
undo() {
  for file in "$main" "$older"; do
    if [ -e "$file" ] && [ -e "$file.gitops-vm-before" ] && [ -e "$file.gitops-vm-after" ]; then
      cmp -s "$file" "$file.gitops-vm-after" && differs=0 || differs=$?
      case $differs in
        0) mv -f "$file.gitops-vm-before" "$file" && sync "${file%/*}" ;;
        1) ;;
        *) fail "$file cannot be read" ;; # or cmp was killed: it is not known, and so not over
      esac
    fi
  done
  sync "$folder"
  rm -f "$pending"
  tidy
}

revert() { # revert ID
  if guarded "$1"; then undo; else tidy; echo settled; fi
}

kept() { # kept ID: it counts from the moment `pending` is gone
  ! guarded "$1" || rm -f "$pending"
  sync "$folder"
  tidy
}

settle() {
  if [ -e "$pending" ] && ! waits; then undo; else tidy; fi
}

guard() { # guard ID SECONDS [root]
  settle
  [ ! -e "$pending" ] || busy "another bootstrap is at work here; it ends or is undone within $((end - uptime)) s"
  # Before anything is there to undo. It outlives the connection, and does not hold the lock meanwhile.
  [ "${3:-}" = root ] || (
    trap '' HUP
    sleep "$2"
    lock
    revert "$1"
  ) >/dev/null 2>&1 </dev/null 9<&- &
  now
  echo "$1 $boot $((uptime + ${2%.*} + 5))" | replace "$pending"
  for file in "$main" "$older"; do
    [ ! -e "$file" ] || { cp -pP "$file" "$file.gitops-vm-before"; sync "$file.gitops-vm-before"; }
  done
}

prune() { # prune BLOB...
  for file in "$main" "$older"; do
    [ -e "$file" ] || continue
    awk -v kept="$*" "$blob"' BEGIN { n = split(kept, list, " "); for (i = 1; i <= n; i++) keep[list[i]] = 1 }
      /^[ \t\r]*(#|$)/ || blob() in keep' "$file" >"$file.gitops-vm-after"
  done
  cat "$main.gitops-vm-after" "$older.gitops-vm-after" 2>/dev/null | ssh-keygen -lf - >/dev/null 2>&1 || bare ||
    fail "nothing changed: no key would be left in $folder"
  for file in "$main" "$older"; do
    [ -e "$file.gitops-vm-after" ] || continue
    cp "$file.gitops-vm-after" "$file.gitops-vm-next"
    # What it will be is on the disk before it is so: by that `undo` knows it again.
    sync "$file.gitops-vm-after" "$file.gitops-vm-next" "${file%/*}"
    mv -f "$file.gitops-vm-next" "$file" || fail "$file cannot be replaced"
    sync "${file%/*}"
  done
}

bare() { ! cat "$main" "$older" 2>/dev/null | awk "$blob"' blob() != "" { found = 1 } END { exit !found }'; } # all keys are elsewhere

if [ ! -d "$folder" ]; then
  # Whose keys are elsewhere may have no such folder; only one that is installed needs it.
  [ "$verb" = install ] || exit 0
  mkdir -m 700 "$folder"
fi
case $verb in read | look) ;; *) lock -w 30 ;; esac
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
  guard | kept | revert | look) "$verb" "$@" ;;
  prune)
    armed "$1"
    shift
    prune "$@"
    ;;
  commit)
    armed "$1"
    kept "$1"
    ;;
  settle)
    settle
    look
    ;;
  *) echo "no verb $verb" >&2; exit 64 ;;
esac
