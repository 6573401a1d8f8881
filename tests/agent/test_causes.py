"""Why a release could not start, as it reaches whoever looks at the status branch: in the words of what failed."""

from __future__ import annotations

import pytest

from tests.agent.conftest import Setup
from tests.agent.test_handover import page, served, state
from tests.localvm import SOON
from tests.process import Failed
from tests.waiting import wait_for

__all__ = ["served"]

TOKEN = "canary-" + "0123456789" * 30
MISSING = "raise RuntimeError('the table moods is missing')\n"
REFUSED = "import os\nraise RuntimeError('bad token ' + os.environ['HF_TOKEN'])\n"
SPEAKER = """\
import os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
    ear.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\\0", 1))
    for line in ("loading", "there are no moods"):
        ear.send(f"STATUS={line}".encode())
sys.exit(4)
"""


def rejected(setup: Setup, files: dict[str, str]) -> str:
    """What the status says of Ready once these files were pushed and given up."""
    revision = setup.repo.deploy("bad", files)
    wait_for(
        lambda: setup.vm.status["lastAttemptedRevision"].endswith(revision) and setup.vm.condition("Stalled"),
        "the verdict",
        unless=(OSError,),
    )
    ready = setup.vm.condition("Ready")
    assert ready["reason"] == "ProcessExited", ready
    return str(ready["message"])


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (MISSING, 'the process exited with status 1; it said "RuntimeError: the table moods is missing" at '),
        (
            "x = 1\n",
            """the process exited with status 78; it said "refused: asgi: module 'page' has no attribute 'app'; write """,
        ),
        ("import sys\nsys.exit('set MOODS')\n", 'the process exited with status 1; it said "set MOODS" at '),
    ],
)
def test_the_launcher_s_cause_is_told(served: Setup, source: str, told: str) -> None:
    assert told in rejected(served, {"page.py": source})


def test_a_program_of_its_own_tells_by_sd_notify(served: Setup) -> None:
    speaking = served.vm.state(exec_="python speaker.py\n  notify: true")
    files = {"desired-state.yaml": speaking, "speaker.py": SPEAKER}
    assert 'the process exited with status 4; it said "there are no moods" at ' in rejected(served, files)


def test_the_cause_is_on_the_status_branch_without_the_secret_in_it(served: Setup) -> None:
    (served.vm.config / "env").write_text(f"HF_TOKEN={TOKEN}\n")
    told = rejected(served, {"desired-state.yaml": state(served.vm), "page.py": REFUSED + page()})
    assert 'it said "RuntimeError: bad token [redacted]" at ' in told

    def published(name: str) -> str:
        return served.repo.show("status/vm-1", name)

    wait_for(lambda: "bad token [redacted]" in published("status.json"), "the delivery", within=SOON, unless=(Failed,))
    assert "bad token \\[redacted\\]" in published("README.md")
    ledger = (served.vm.home / "state" / "ledger.json").read_text()
    assert "bad token [redacted]" in ledger
    for text in (ledger, *map(published, ("README.md", "status.json", "events.ndjson"))):
        assert "canary" not in text
