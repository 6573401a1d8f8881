#!/bin/sh
# ansible_loop.sh HOME UNIT URL: ansible-pull again and again, as a timer would start it.
set -eu
while sleep 2; do
  "$1/ansible/bin/ansible-pull" --only-if-changed --url "$3" --checkout main --directory "$1/checkout" \
    --accept-host-key --inventory localhost, --extra-vars "home=$1 unit=$2" local.yml >"$1/ansible.log" 2>&1 || true
done
