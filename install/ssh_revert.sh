#!/bin/sh
# ssh_revert.sh: put SSH back as it was before a change that nobody confirmed in time. Runs on the VM as root: from the
# unit gitops-vm-ssh-revert.service when its timer ends, or at once when the change turns out bad. It renames and removes
# only, which a full disk allows; it may be cut off anywhere and run again. The guard uses two parts of it:
#   ssh_revert.sh check all   what else a start of sshd would put in force than it runs with now; exits 1 with the reason
#   ssh_revert.sh restart     start sshd anew, unless that put more in force than our own drop-ins
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

read_at() { # read_at SERVICE: when it was started, or told to read anew if that was later
  # Before systemd 247 whole seconds are all there is.
  {
    TZ=UTC systemctl show --timestamp=us --property=ExecMainStartTimestamp,ExecReload "$1" 2>/dev/null ||
      TZ=UTC systemctl show --property=ExecMainStartTimestamp,ExecReload "$1"
  } | sed -nE 's/^ExecMainStartTimestamp=(.+)/\1/p; s/.*start_time=\[([^]]*UTC)\].*/\1/p' |
    while read -r time; do date -d "$time" +@%s.%N; done | sort -V | tail -n1
}

places() { # places SERVICE: what decides about its next start: the files that sshd reads, and the folders it looks into
  "$sshd" -T -dd 2>&1 | tr -d '\r' | sed -n 's/^debug2: load_server_config: filename //p; s/^hostkey //p; s,^debug2: .* new include \(.*\)/[^/]*$,\1,p'
  systemctl show --property=FragmentPath,DropInPaths,EnvironmentFiles --value "$1" | tr ' ' '\n' | grep ^/
}

changed() { # changed SERVICE all|theirs: a place that is not as SERVICE has read it; theirs: and it was not us
  at=$(read_at "$1")
  places "$1" | sort -ur | while IFS= read -r place; do
    by=-newerct # a file that was moved or copied here keeps its time of change
    case $place in */00-gitops-vm.conf | */00-gitops-vm-crypto.conf) by=-newermt ;; esac
    [ ! -d "$place" ] || by=-newermt
    [ $by = -newerct ] || [ "$2" = all ] || continue
    find -L "$place" -maxdepth 0 $by "${at:-@0}" 2>/dev/null
  done | head -n1
}

check() { # check all|theirs
  [ -d /run/sshd ] || mkdir -m 755 /run/sshd
  if ! said=$("$sshd" -t 2>&1); then
    echo "sshd would not start: $(echo "$said" | head -n1)" >&2
    return 1
  fi
  service=$(running)
  [ -n "$service" ] || return 0
  place=$(changed "$service" "$1")
  [ -z "$place" ] || {
    echo "sshd runs without the last change of $place, and our restart would put it in force; keep this login open, type there: sudo sshd -t && sudo systemctl restart ${service%.service}; if you can log in once more then, run this again" >&2
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

if [ $# -gt 0 ]; then
  "$@"
  exit
fi

exec 9>>"$state/lock"
flock -w 30 9 || exit 1
if [ -e "$state/pending" ]; then
  since=$(stat -c %y "$drop_ins" 2>/dev/null)
  while read -r what file; do
    case $what in
      restore) [ ! -e "$file.gitops-vm-before" ] || mv -f "$file.gitops-vm-before" "$file" || exit 1 ;;
      remove) rm -f "$file" || exit 1 ;;
    esac
  done <"$state/pending"
  sync
  # Also when only files were written: the VM may have been switched on since, with them in force.
  if [ -e "$state/written" ]; then
    restart || exit 1
  else
    # As sshd has read it; `changed` looks at it.
    [ -z "$since" ] || touch -d "$since" "$drop_ins"
  fi
  rm -f "$state/pending" || exit 1
  echo "SSH is as it was before: the change was not confirmed"
fi
rm -f "$state/written" "$state/effective"
cd /etc/systemd/system && rm -f "timers.target.wants/$unit.timer" "$unit.timer" "$unit.service" && sync .
systemctl --no-block stop "$unit.timer" 2>/dev/null
systemctl --no-block daemon-reload
exit 0
