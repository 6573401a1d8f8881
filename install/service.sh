#!/bin/sh
# service.sh UNIT RESTART: have the user unit UNIT enabled and running; RESTART (yes or empty) starts it anew when it or
# its program has changed. Prints "ok" or "changed".
set -eu
unit=$1 restart=$2
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
user_manager() { systemctl --user --no-ask-password --quiet "$@"; }

state=ok
user_manager daemon-reload
if ! user_manager is-enabled "$unit" >/dev/null 2>&1; then
  user_manager enable "$unit" 2>/dev/null
  state=changed
fi
if [ -n "$restart" ] || ! user_manager is-active "$unit"; then
  user_manager restart "$unit"
  state=changed
fi
echo "$state"
