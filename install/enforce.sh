#!/bin/sh
# enforce.sh: what this machine can enforce on a user's services, how large it is and where its sshd was reached, as
# NAME=value lines. Changes nothing, needs no root. yes or no is what a trial service found; a missing line is not known.
set -u
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
fact() { printf '%s=%s\n' "$1" "$2"; }

# trial PROPERTY...: run the script on stdin as a service of this user, for ten seconds at most.
trial() {
  timeout -k 2 20 systemd-run --user --quiet --wait --pipe --collect --property=RuntimeMaxSec=10 "$@" sh 2>/dev/null
}

limits() {
  trial --property=MemoryMax=64M --property=CPUQuota=50% <<'EOF'
group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
echo "memory $(cat "$group/memory.max")"
echo "cpu $(cat "$group/cpu.max")"
EOF
}

# Where users may have no namespaces systemd drops such settings in silence, and before 253 also without PrivateUsers=yes:
# the service itself has to look.
sandbox() {
  trial --property=PrivateUsers=yes --property=PrivateTmp=yes --property=ProtectHome=read-only <<'EOF'
[ ! -w "$HOME" ] && [ -w /tmp ] && [ -z "$(ls -A /tmp)" ]
EOF
}

says() { case $found in *"$1"*) echo yes ;; *) echo no ;; esac; }

if echo true | trial; then
  found=$(limits)
  fact memory_max "$(says 'memory 67108864')"
  fact cpu "$(says 'cpu 50000 100000')"
  if sandbox; then fact sandbox yes; elif [ -w "$HOME" ]; then fact sandbox no; fi
fi
fact cores "$(nproc)"
fact memory "$(awk '/^MemTotal:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)"
fact disk_free "$(df -Pk "$HOME" | awk 'NR == 2 { printf "%.0f", $4 * 1024 }')"

# shellcheck disable=SC2086  # four words: the client's address and port, the server's address and port
set -- ${SSH_CONNECTION:-}
case ${3:-} in *.* | *:*)
  fact ssh_address "$3"
  fact ssh_port "$4"
  ;;
esac
exit 0
