#!/bin/sh
# linger.sh: let this user's services run without a login, from boot on. Prints "ok" or "changed".
set -eu
user=$(id -un)
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"

lingers() { [ -e "/var/lib/systemd/linger/$user" ]; }

state=ok
if ! lingers; then
  # Who may do this for himself is polkit's decision; it must not ask, nobody is there to answer.
  loginctl --no-ask-password enable-linger 2>/dev/null || true
  if ! lingers; then
    echo "$user may not keep services running after logout; ask an administrator to type: sudo loginctl enable-linger $user" >&2
    exit 1
  fi
  state=changed
fi
tries=0
until systemctl --user show --property=Version >/dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -gt 60 ]; then
    echo "the service manager of $user does not answer; type on the VM: sudo systemctl restart user@$(id -u).service" >&2
    exit 1
  fi
  sleep 0.5
done
echo "$state"
