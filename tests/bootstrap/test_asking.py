"""What is asked at a terminal: a secret is typed there and seen nowhere."""

from __future__ import annotations

import os
import pty
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.localvm import ROOT
from tests.waiting import wait_for

CANARY = "hf_canary0123456789canary"
SECRETS = """\
import sys
from pathlib import Path
from tests.bootstrap.installed import installed
setup = installed(Path(sys.argv[1]))
setup.options.yes = False
setup.secrets({})
"""


@pytest.mark.parametrize(
    ("typed", "known", "written"), [(CANARY, "HF_TOKEN is set", f"HF_TOKEN={CANARY}\n"), ("", "no HF_TOKEN", None)]
)
def test_a_token_is_asked_for_where_none_is_there(tmp_path: Path, typed: str, known: str, written: str | None) -> None:
    said = _at_a_terminal(tmp_path, typed)
    assert "HF_TOKEN, for mode api (Enter for none): " in said
    assert known in said
    assert CANARY not in said
    file = tmp_path / "config" / "env"
    assert (file.read_text() if file.exists() else None) == written
    if written:
        assert "Enter for none" not in _at_a_terminal(tmp_path, "")


def _at_a_terminal(root: Path, typed: str) -> str:
    """All that the terminal showed; the question is answered once it is there."""
    child, terminal = pty.fork()
    if child == 0:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING_"))}
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "-c", SECRETS, str(root)], {**environ, "TERM": "xterm"})  # noqa: S606
    shown = bytearray()

    def over() -> bool:
        try:
            shown.extend(os.read(terminal, 4096))
        except OSError:  # Linux says EIO once the other side is gone
            return True
        if shown.endswith(b"Enter for none): "):
            os.write(terminal, typed.encode() + b"\n")
        return False

    wait_for(over, "the question and what follows", within=timedelta(seconds=30))
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, shown.decode()
    return shown.decode()
