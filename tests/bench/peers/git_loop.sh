#!/bin/sh
# git_loop.sh HOME UNIT: what many VMs are deployed by: pull, install, restart.
set -eu
cd "$1/code"
before=
while sleep 2; do
  git pull --quiet --ff-only || continue
  now=$(git rev-parse HEAD)
  [ "$now" = "$before" ] && continue
  [ -x "$1/venv/bin/python" ] || python3 -m venv "$1/venv"
  "$1/venv/bin/pip" install --quiet -r requirements.txt && systemctl --user restart "$2" && before=$now
done
