#!/bin/sh
# The `ssh` of a laptop in these tests: the real one ($REAL_SSH). Around a call with $FAULT_AT among its words it does what
# the test wants to happen just there: $FAULT_BEFORE and $FAULT_AFTER, shell text, where $laptop is the pid of the command
# under test and "$@" what it says to ssh.
set -u
laptop=$PPID
[ "$laptop" -gt 1 ] || exit 1
case "$*" in
  *"${FAULT_AT:-no fault}"*) ;;
  *) exec "$REAL_SSH" "$@" ;;
esac
echo "$FAULT_AT" >>"$FAULT_LOG"
eval "$FAULT_BEFORE" || { rm -f "$FAULT_LOG"; exit 1; }
"$REAL_SSH" "$@"
code=$?
eval "$FAULT_AFTER"
exit $code
