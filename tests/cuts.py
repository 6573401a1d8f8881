"""The end of a script in the middle: programs that stand in for those it calls, and one of which kills it instead."""

from __future__ import annotations

# Each counts; once, where the count has come to $CUT_AT, it is the end of the script, and of the part that called it.
_PROGRAM = """\
#!/bin/sh
echo >>"$CUT/count"
if [ "$(/usr/bin/wc -l <"$CUT/count")" -ge "$CUT_AT" ] && /usr/bin/mkdir "$CUT/done" 2>/dev/null; then
  kill -9 "$(/usr/bin/tail -n1 "$CUT/mains")" $PPID
  exit 137
fi
exec %s "$@"
"""


def program(path: str) -> str:
    """What stands in for the one at `path`."""
    return _PROGRAM % path


def run_by(script: str, name: str, *words: str) -> tuple[str, ...]:
    """The argv of the script in which that is to happen; its environment names the folder CUT, and CUT_AT."""
    return ("sh", "-c", 'echo $$ >>"$CUT/mains"; exec sh -c "$@"', "main", script, name, *words)
