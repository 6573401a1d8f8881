"""Credentials of an https remote: git asks a small script of ours, which reads them from a file. Never argv, never a URL."""

from __future__ import annotations

from ..errors import Broken, Reason
from . import files
from .transport import Remote

_SCRIPT = """\
#!/bin/sh
# git asks here for the user and the password of an https remote: one line `user:token` in a file of mode 0600.
# Only our own remote gets them: after a redirect to another host it is that host git asks for.
case "$1" in *"/$GITOPS_VM_HOST'"* | *"@$GITOPS_VM_HOST'"*) ;; *) exit 1 ;; esac
IFS= read -r line < "$GITOPS_VM_CREDENTIALS" || [ -n "$line" ] || exit 1
case "$1" in
    Username*) printf '%s\\n' "${line%%:*}" ;;
    Password*) printf '%s\\n' "${line#*:}" ;;
esac
"""


def environment(remote: Remote) -> dict[str, str]:
    """What git needs to be let in. Raises Broken where others can read the file."""
    if not remote.credentials or not remote.credentials.exists():
        return {}
    if remote.credentials.stat().st_mode & 0o077:
        message = f"{remote.credentials} can be read by others"
        raise Broken(Reason.AUTHENTICATION_FAILED, message, hint=f"chmod 600 {remote.credentials}")
    script = remote.runtime / "askpass"
    if not script.exists() or script.read_text() != _SCRIPT:
        files.write(script, _SCRIPT, mode=0o700)
    return {"GIT_ASKPASS": str(script), "GITOPS_VM_HOST": remote.host, "GITOPS_VM_CREDENTIALS": str(remote.credentials)}
