#!/bin/sh
# ssh_revert.sh: put SSH back as it was before a change that nobody confirmed in time. Runs on the VM as root: from the
# unit gitops-vm-ssh-revert.service when its timer ends, or at once when the change turns out bad. It renames and removes
# only, which a full disk allows; it may be cut off anywhere and run again. The guard uses parts of it, under its own lock:
#   ssh_revert.sh check all        what else a start of sshd would put in force than it runs with now; exits 1 with the reason
#   ssh_revert.sh restart          start sshd anew, unless that put more in force than our own drop-ins
#   ssh_revert.sh keys USER VERB.. ssh_keys.sh, as that user
#   ssh_revert.sh settle           undo, or finish, whatever is half done: a change is a list of ours in the state directory,
#                                  `pending.new` before it begins, `pending` until it is confirmed, `pending.old` from then on
set -uf
state=/var/lib/gitops-vm/ssh
drop_ins=/etc/ssh/sshd_config.d
unit=gitops-vm-ssh-revert
sshd=$(command -v sshd || echo /usr/sbin/sshd)

running() { # the service of sshd that runs, by the name it has here
  for service in ssh.service sshd.service; do
    ! systemctl -q is-active "$service" || { echo "$service"; return; }
  done
}

began() { # began SERVICE: when its process did, by the clock as it is now
  pid=$(systemctl show --property=MainPID --value "$1")
  # proc(5): of the process the 22nd field, in ticks since the boot; the name, its second, may hold anything.
  awk -v now="$(date +%s.%N)" -v hertz="$(getconf CLK_TCK)" '
    { sub(/.*\) /, "") }
    NR == 1 { start = $20 / hertz }
    NR == 2 { printf "%.2f\n", now - ($1 - start) }' "/proc/$pid/stat" /proc/uptime 2>/dev/null
}

stamps() { # stamps SERVICE PROPERTY: the times that it tells, by the clock as it was then
  # Before systemd 247 whole seconds are all there is.
  {
    TZ=UTC systemctl show --timestamp=us --property="$2" "$1" 2>/dev/null || TZ=UTC systemctl show --property="$2" "$1"
  } | sed -nE 's/^ExecMainStartTimestamp=(.+)/\1/p; s/.*start_time=\[([^]]*UTC)\].*/\1/p' |
    while read -r time; do date -d "$time" +%s.%N; done
}

read_at() { # read_at SERVICE: when it was started, or told to read anew if that was later
  start=$(stamps "$1" ExecMainStartTimestamp) began=$(began "$1")
  # The clock was set back since: by its stamps, what was changed after that would look old.
  if awk "BEGIN { exit !(${start:-0} > ${began:-0} + 2) }"; then
    echo "@${began:-0}"
  else
    { echo "${start:-0}"; stamps "$1" ExecReload; } | sort -V | tail -n1 | sed 's/^/@/'
  fi
}

places() { # places SERVICE: what decides about its next start: the files that sshd reads, and the folders it looks into
  "$sshd" -T -dd 2>&1 | tr -d '\r' | sed -n 's/^debug2: load_server_config: filename //p; s/^hostkey //p; s,^debug2: .* new include \(.*\)/[^/]*$,\1,p'
  systemctl show --property=FragmentPath,DropInPaths,EnvironmentFiles --value "$1" | tr ' ' '\n' | grep ^/
}

changed() { # changed SERVICE all|theirs: the places that are not as SERVICE has read them; theirs: and it was not us
  at=$(read_at "$1")
  places "$1" | sort -ur | while IFS= read -r place; do
    by=-newerct # a file that was moved or copied here keeps its time of change
    case $place in */00-gitops-vm.conf | */00-gitops-vm-crypto.conf) by=-newermt ;; esac
    [ ! -d "$place" ] || by=-newermt
    [ $by = -newerct ] || [ "$2" = all ] || continue
    find -L "$place" -maxdepth 0 $by "$at" 2>/dev/null
  done
}

ahead() { # ahead PLACE...: the touch without which a restart does not help those that a wrong clock has dated
  for place in "$@"; do find -L "$place" -maxdepth 0 \( -newerct now -o -newermt now \) 2>/dev/null; done |
    tr '\n' ' ' | sed 's/..*/sudo touch & \&\& /; s/  / /'
}

check() { # check all|theirs
  [ -d /run/sshd ] || mkdir -m 755 /run/sshd
  if ! said=$("$sshd" -t 2>&1); then
    echo "sshd would not start: $(echo "$said" | head -n1)" >&2
    return 1
  fi
  service=$(running)
  [ -n "$service" ] || return 0
  changed=$(changed "$service" "$1")
  # shellcheck disable=SC2086  # a word each: sshd takes no names with spaces
  [ -z "$changed" ] || {
    echo "sshd runs without the last change of $(echo "$changed" | head -n1), and our restart would put it in force; keep this login open, type there: sudo sshd -t && $(ahead $changed)sudo systemctl restart ${service%.service}; if you can log in once more then, run this again" >&2
    return 1
  }
}

restart() {
  # An sshd that runs is not stopped for one that would not start, or that nobody has logged in to yet.
  check theirs || return 1
  service=$(running)
  # Never a reload, and never ssh.socket: after a failed socket a reload leaves an sshd that resets every connection.
  if [ -n "$service" ]; then
    systemctl restart "$service"
    return
  fi
  systemctl -q is-active ssh.socket || systemctl start ssh.service 2>/dev/null || systemctl start sshd.service
}

keys() { # keys USER VERB...: as the user, for what root wrote there would be root's
  entry=$(getent passwd "$1") || {
    [ $? = 2 ] # nobody logs in as that user any more
    return
  }
  script=$(cat "$state/ssh_keys.sh") && group=$(id -g "$1") || return 1
  home=${entry%:*} user=$1
  home=${home##*:}
  shift
  setpriv --reuid "$user" --regid "$group" --init-groups env HOME="$home" sh -c "$script" ssh_keys.sh "$@" 9>&-
}

tell() { sed -n "s/^$2 //p" "$state/$1"; } # tell LIST WORD: what the list says

its_keys() { # its_keys LIST VERB: what becomes of the keys of the user whom the list names
  user=$(tell "$1" user) && id=$(tell "$1" id) || return 1
  keys "$user" "$2" "$id" >/dev/null
}

put_back() { # the drop-ins; one that is as it was is let be: where it cannot be replaced, it never was
  while read -r what file; do
    case $what in
      restore)
        [ -e "$file.gitops-vm-before" ] || continue
        cmp -s "$file" "$file.gitops-vm-before" || mv -f "$file.gitops-vm-before" "$file" || return 1
        ;;
      remove) rm -f "$file" || return 1 ;;
    esac
  done <"$state/pending"
}

undo() {
  failed=
  its_keys pending revert || failed=yes
  # Also when only files were written: the VM may have been switched on since, with them in force.
  { put_back && sync && { [ ! -e "$state/written" ] || restart; } && rm -f "$state/written"; } || failed=yes
  [ -z "$failed" ] || return 1
  mv -f "$state/pending" "$state/pending.new" && sync "$state"
  echo "SSH is as it was before: the change was not confirmed"
}

finish() { # finish LIST VERB: only what it has left is still to go
  [ -e "$state/$1" ] || return 0
  its_keys "$1" "$2" && files="$(tell "$1" restore) $(tell "$1" remove)" || return 1
  for file in $files; do rm -f "$file.gitops-vm-before" "$file.gitops-vm-next" || return 1; done
  rm -f "$state/$1"
}

lists() {
  if [ -e "$state/pending" ]; then undo || return 1; fi
  finish pending.new revert && finish pending.old kept
}

settle() {
  since=$(stat -c %y "$drop_ins" 2>/dev/null)
  lists
  done=$?
  # As sshd has read it; `changed` looks at it.
  [ -z "$since" ] || touch -d "$since" "$drop_ins"
  [ $done = 0 ] || return 1
  rm -f "$state/written" "$state/effective"
  cd /etc/systemd/system && rm -f "timers.target.wants/$unit.timer" "$unit.timer" "$unit.service" && sync .
  systemctl --no-block stop "$unit.timer" 2>/dev/null
  systemctl --no-block daemon-reload
}

if [ $# -gt 0 ]; then
  "$@"
  exit
fi

exec 9>>"$state/lock"
flock -w 30 9 || exit 1
settle
