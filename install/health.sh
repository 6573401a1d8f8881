#!/bin/sh
# health.sh DATA NAME...: how this machine and the agent below DATA are, as NAME=value lines. Changes nothing, needs no root,
# ends within two minutes. NAME...: drop-ins of sshd, whose digests it tells. A missing line is not known, or not so.
set -u
data=$1
shift
unit=gitops-agent.service
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
fact() { printf '%s=%s\n' "$1" "$2"; }
bounded() { timeout -k 1 "$@" 2>/dev/null; }
user_manager() { bounded 5 systemctl --user --no-ask-password "$@"; }

fact now "$(date +%s)"
fact synchronized "$(bounded 5 timedatectl show --property=NTPSynchronized --value)"
fact uptime "$(cut -d. -f1 /proc/uptime)"
fact memory_kb "$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)"
[ ! -e /run/reboot-required ] || fact reboot yes

place=$data
while [ ! -d "$place" ]; do place=$(dirname "$place"); done
fact disk "$(bounded 5 df -Pk "$place" | awk 'NR == 2 { print $6 }')"
fact disk_kb "$(bounded 5 df -Pk "$place" | awk 'NR == 2 { print $4 }')"
# Some file systems count none and say 0 of 0, or a dash.
bounded 5 df -Pi "$place" | awk 'NR == 2 && $2 > 0 && $4 == 0 { print "inodes=none" }'

for name in "$@"; do
  file=/etc/ssh/sshd_config.d/$name
  [ ! -r "$file" ] || fact "digest $name" "$(sha256sum <"$file" | cut -d' ' -f1)"
done
# The timer of a user with root, the file of one without.
if bounded 5 systemctl --quiet is-active gitops-vm-ssh-revert.timer; then
  fact pending yes
elif read -r _ boot end 2>/dev/null <"$HOME/.ssh/.gitops-vm-pending"; then
  # Nobody undoes it any more after a boot, or once its time is over.
  if [ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ] && [ "$(cut -d. -f1 /proc/uptime)" -le "$end" ]; then
    fact pending yes
  else
    fact pending stale
  fi
fi

[ ! -e "$data/agent/current/complete" ] || fact installed yes
# All that the daemon and its workers import, not what one verb happens to. That git is missing is told by itself.
[ -z "$(bounded 20 env GIT_PYTHON_REFRESH=quiet "$data/agent/current/bin/python" -P -c 'import agent.daemon, agent.host.vm; print("yes")')" ] || fact runs yes
[ -z "$(user_manager show --property=Version)" ] || fact manager yes
fact unit "$(user_manager is-active "$unit")"
fact enabled "$(user_manager is-enabled "$unit")"
fact since "$(user_manager show --property=ActiveEnterTimestamp --value "$unit")"
exit 0
