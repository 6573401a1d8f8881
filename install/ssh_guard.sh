#!/bin/sh
# ssh_guard.sh VERB ...: change sshd so that the change undoes itself unless somebody who got in afterwards confirms it.
# Runs on the VM as root.
#   look USER ADDRESS NAME...        as it is: digests of the drop-ins NAME, what sshd does for USER, who else has keys
#   arm ID USER SECONDS REVERT KEYS  from now on all is undone after SECONDS, also if the VM is switched off meanwhile;
#                                    refused where sshd does not run with what it would read at its next start;
#                                    REVERT and KEYS are the texts of ssh_revert.sh and ssh_keys.sh
#   prune ID USER BLOB...            of the keys of USER only those named by their base64 text
#   write ID NAME <content           the drop-in NAME, not yet in force
#   apply ID USER ADDRESS            in force, if sshd takes it and it means for USER from ADDRESS what it should
#   remove ID NAME...                the drop-ins NAME are gone, and no longer in force
#   forget                           nothing of this is left on the VM, unless a change waits
#   revert ID                        undo it now; says "settled" when it is confirmed or undone already
#   commit ID                        keep it
set -eu
umask 077
state=/var/lib/gitops-vm/ssh
drop_ins=/etc/ssh/sshd_config.d
unit=gitops-vm-ssh-revert
units=/etc/systemd/system
sshd=$(command -v sshd || echo /usr/sbin/sshd)
verb=$1
shift

fail() { echo "$1" >&2; exit "${2:-1}"; }

busy() { fail "another bootstrap is changing SSH here; if it was cut off, that is undone when its --window is over (a minute, usually)" 75; }

lock() {
  [ -d /var/lib/gitops-vm ] || mkdir -m 755 /var/lib/gitops-vm
  [ -d "$state" ] || mkdir -m 700 "$state"
  exec 9>>"$state/lock"
  flock -w 30 9 || busy
}

pending() { sed -n 's/^id //p' "$state/pending" 2>/dev/null; }

part() { sh "$state/revert.sh" "$@"; } # part VERB...: of ssh_revert.sh

waiting() { [ "$(systemctl show --property=SubState --value $unit.timer)" = waiting ]; }

# Asked, and what it allows done, under the lock that the undoing takes: nothing is changed any more once that has begun.
armed() { # armed ID
  if [ "$(pending)" != "$1" ] || ! waiting; then fail "the time to confirm the change was over"; fi
}

effective() { # effective USER ADDRESS: what holds for this login, with its Match blocks; plain -T leaves them out
  [ -d /run/sshd ] || mkdir -m 755 /run/sshd
  "$sshd" -T -C "user=$1,host=$2,addr=$2"
}

others() { # others USER: who else has keys, and how many
  getent passwd | while IFS=: read -r name _ _ _ _ home _; do
    [ "$name" != "$1" ] || continue
    count=$(grep -cE '^[^#]*(ssh-|ecdsa-|sk-)' "$home/.ssh/authorized_keys" 2>/dev/null) || continue
    echo "others $name $count"
  done
}

unseen() { # unseen COMMAND...: by whoever asks whether the folder of drop-ins is as sshd has read it
  since=$(stat -c %y "$drop_ins" 2>/dev/null) || since=
  "$@"
  [ -z "$since" ] || touch -d "$since" "$drop_ins"
}

keep_a_copy() { # keep_a_copy FILE: beside it, so that putting it back needs no room; the list says what to do
  if [ -e "$1" ]; then
    echo "restore $1" >>"$state/pending.new"
    cp -pP "$1" "$1.gitops-vm-before"
    sync "$1.gitops-vm-before"
  else
    echo "remove $1" >>"$state/pending.new"
  fi
}

put() { # put NAME TEXT: in the state directory, whole or not at all
  printf '%s\n' "$2" >"$state/$1.new"
  sync "$state/$1.new"
  mv -f "$state/$1.new" "$state/$1"
}

write_units() { # write_units SECONDS
  cat >"$units/$unit.service" <<EOF
[Unit]
Description=Put SSH settings back that were not confirmed in time (gitops-vm)
StartLimitIntervalSec=0
[Service]
Type=oneshot
ExecStart=/bin/sh $state/revert.sh
Restart=on-failure
RestartSec=2
EOF
  # Only OnActiveSec: with OnBootSec a machine that has been up for longer would fire at once.
  cat >"$units/$unit.timer" <<EOF
[Unit]
Description=A change of SSH settings must be confirmed (gitops-vm)
[Timer]
OnActiveSec=$1
AccuracySec=100ms
[Install]
WantedBy=timers.target
EOF
  chmod 644 "$units/$unit.service" "$units/$unit.timer"
  sync "$units/$unit.service" "$units/$unit.timer"
}

start_timer() { # start_timer SECONDS
  write_units "$1"
  systemctl daemon-reload
  systemctl -q enable "$unit.timer"
  sync "$units" "$units/timers.target.wants"
  systemctl restart "$unit.timer"
}

arm() { # arm ID USER SECONDS REVERT KEYS
  lock
  [ -z "$(pending)" ] || ! waiting || busy
  put revert.sh "$4"
  put ssh_keys.sh "$5"
  part settle # of one that was cut off
  # An undoing of that one that has begun and waits for this lock would undo ours instead.
  systemctl stop "$unit.timer" "$unit.service" 2>/dev/null || true
  systemctl daemon-reload # so that it names all files of sshd's unit
  part check all
  trap 'part settle' EXIT
  printf 'id %s\nuser %s\n' "$1" "$2" >"$state/pending.new"
  sync "$state/pending.new" "$state"
  # It runs before there is anything to undo: whatever is half done when we are cut off, somebody comes to settle it.
  start_timer "$3"
  part keys "$2" guard "$1" "$3" root
  for name in 00-gitops-vm.conf 00-gitops-vm-crypto.conf; do unseen keep_a_copy "$drop_ins/$name"; done
  sync "$state/pending.new"
  mv -f "$state/pending.new" "$state/pending"
  sync "$state"
  armed "$1"
  trap - EXIT
}

note_written() { # from now on undoing it means to start sshd anew
  : >"$state/written"
  sync "$state/written" "$state"
}

prune() { # prune ID USER BLOB...
  lock
  armed "$1"
  id=$1 user=$2
  shift 2
  part keys "$user" prune "$id" "$@"
}

write() { # write ID NAME <content
  content=$(cat; echo .) # the dot, for the newlines at its end
  lock
  armed "$1"
  note_written
  [ -d "$drop_ins" ] || mkdir -m 755 "$drop_ins"
  new=$drop_ins/$2.gitops-vm-next
  trap 'rm -f "$new"' EXIT
  printf %s "${content%.}" >"$new"
  chmod 644 "$new"
  sync "$new"
  mv -f "$new" "$drop_ins/$2"
  sync "$drop_ins"
}

apply() { # apply ID USER ADDRESS
  lock
  armed "$1"
  effective "$2" "$3" >"$state/effective" 2>&1 || fail "sshd would not start: $(head -n1 "$state/effective")"
  for want in 'pubkeyauthentication yes' 'passwordauthentication no' 'kbdinteractiveauthentication no'; do
    grep -qx "$want" "$state/effective" || fail "something else decides: sshd would not do '$want' for $2; $(culprit "${want% *}" "${want#* }")"
  done
  part restart
}

remove() { # remove ID NAME...
  lock
  armed "$1"
  shift
  note_written
  for name in "$@"; do rm -f "$drop_ins/$name"; done
  sync "$drop_ins"
  part restart
}

forget() {
  lock
  [ -z "$(pending)" ] || ! waiting || fail "a change of SSH waits to be confirmed; it undoes itself when its --window is over (a minute, usually)" 75
  [ ! -e "$state/revert.sh" ] || part settle
  rm -rf "$state"
  rmdir /var/lib/gitops-vm 2>/dev/null || true
}

culprit() { # culprit NAME WANTED: the place of another value, FILE:LINE:TEXT
  found=$(grep -rniE "^[[:space:]]*$1[[:space:]]" /etc/ssh/sshd_config "$drop_ins" | grep -viE "$1[[:space:]]+$2" | head -n1) || true
  echo "correct ${found:-/etc/ssh/sshd_config: its first line must be: Include $drop_ins/*.conf}"
}

commit() { # commit ID: it counts from the moment `pending` is gone
  lock
  armed "$1"
  mv -f "$state/pending" "$state/pending.old"
  sync "$state"
  part settle
}

look() { # look USER ADDRESS NAME...
  user=$1 address=$2
  shift 2
  for name in "$@"; do
    [ ! -e "$drop_ins/$name" ] || echo "digest $name $(sha256sum <"$drop_ins/$name" | cut -d' ' -f1)"
  done
  # A configuration that sshd refuses is told by `apply`, with its reason.
  effective "$user" "$address" 2>/dev/null | grep -E '^(pubkey|password|kbdinteractive)authentication |^(kexalgorithms|macs|hostkeyalgorithms) |^authorizedkeys|^trustedusercakeys' | sed 's/^/sshd /' || true
  for list in pending.new pending pending.old; do
    [ ! -e "$state/$list" ] || echo "pending $list"
  done
  others "$user"
}

case $verb in
  look | arm | prune | write | apply | remove | forget | commit) "$verb" "$@" ;;
  revert)
    [ "$(pending)" = "$1" ] || { echo settled; exit 0; }
    systemctl start "$unit.service"
    ;;
  *) fail "no verb $verb" 64 ;;
esac
