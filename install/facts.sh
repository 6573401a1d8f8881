#!/bin/sh
# facts.sh ROOT PYTHON...: what this machine is, as NAME=value lines. Changes nothing.
# ROOT: the agent's one directory, empty for the usual two below the home. PYTHON...: the interpreters to look at, best first.
set -u
root=$1
shift
fact() { printf '%s=%s\n' "$1" "$2"; }

fact user "$(id -un)"
fact uid "$(id -u)"
fact home "$HOME"
fact hostname "$(uname -n)"
# shellcheck disable=SC1091  # a file of the machine's, absent on some
fact os "$(. /etc/os-release 2>/dev/null && echo "${PRETTY_NAME:-}")"
fact config "${root:-$HOME/.config/gitops-vm}${root:+/config}"
data=${root:-$HOME/.local/share/gitops-vm}
fact data "$data"

for python in "$@"; do
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
  fact python_found "$python $version"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || continue
  fact python "$(command -v "$python")"
  # Debian ships venv without ensurepip, and an environment without pip is of no use here.
  "$python" -c 'import ensurepip, venv' 2>/dev/null && fact venv yes
  break
done

for program in git ssh-keygen ssh-keyscan apt-get; do
  command -v "$program" >/dev/null && fact "$program" yes
done
[ -d /run/systemd/system ] && fact systemd yes
[ -e "/var/lib/systemd/linger/$(id -un)" ] && fact linger yes
# Asked with what is run later: other commands may have rules of their own. Whether a sudo that asks would accept a
# password of this user cannot be seen without one.
if [ "$(id -u)" = 0 ]; then fact root yes; elif sudo -n sh -c : 2>/dev/null; then fact sudo yes; elif command -v sudo >/dev/null; then fact sudo asks; fi
# sshd(8): the address we come from, and the port we came in by.
# shellcheck disable=SC2086  # four words
if [ -n "${SSH_CONNECTION:-}" ]; then
  set -- $SSH_CONNECTION
  fact client "$1"
  fact ssh_port "$4"
fi

[ -e "$data/agent/current/complete" ] && fact agent "$(basename "$(readlink "$data/agent/current")")"
exit 0
