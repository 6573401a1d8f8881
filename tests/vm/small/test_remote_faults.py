"""A git server that is gone, or hangs: the app serves, the agent lives and says what is wrong, and all heals by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.ports import SilentPort
from tests.status_checker import Document
from tests.vm.product import PATIENCE, USER, Product, condition, holds, is_ready
from tests.vm.small.visitor import Visitor

AGENT = "gitops-agent.service"
POLLS = 11
"""More than ten."""
UNTOLD = timedelta(seconds=31)
"""A failed fetch is told to others once it has lasted for half a minute."""
A_LOOK = timedelta(minutes=2)
"""It looks at a remote that is away at least once a minute, and gives it 30 s to answer."""
REQUESTS = f"/home/{USER}/.local/share/gitops-vm/state/requests"
HEADS = "/run/user/{}/gitops-vm/heads.json"


def test_a_remote_that_is_down_costs_nothing_but_time_and_the_app_is_healed_meanwhile(product: Product) -> None:
    told = _outage(product, product.server.down, "GitOperationFailed")
    message = condition(told, "FetchFailed")["message"]
    assert re.search("app.git: .*(Connection refused|Could not read from remote repository|closed by)", message)
    over = datetime.fromisoformat(condition(told, "FetchFailed")["lastTransitionTime"]) + UNTOLD
    product.machine.wait_for(lambda: datetime.now(UTC) > over, "the outage to be worth telling", within=A_LOOK)
    healed = _heals(product)
    _catches_up(product)
    alone = [each for each in product.story() if holds(each, "FetchFailed")]
    assert alone[-1]["counters"]["selfHeals"] == healed


def test_a_remote_that_accepts_and_never_answers_costs_nothing_but_time(product: Product) -> None:
    silent: list[SilentPort] = []
    told = _outage(product, lambda: silent.append(product.server.hang()), "timed out")
    assert "timed out" in condition(told, "FetchFailed")["message"]
    assert silent[0].accepted >= POLLS
    _catches_up(product)


def _outage(product: Product, begin: Callable[[], object], said: str) -> Document:
    """It lasts for more than ten polls that end as `said`; agent and app are the same processes before and after, and serve
    throughout."""
    app, agent, fed = product.version(), product.agent_pid(), _last_fed(product)
    with Visitor(product) as visitor:
        begin()
        # A poll under way meanwhile may have been cut off, with other words of the same kind: those after it are counted.
        product.machine.wait_for(lambda: _is_told(product, said), said, within=A_LOOK)
        for _ in range(POLLS):
            _poll_fails(product)
        product.machine.wait_for(lambda: _last_fed(product) > fed, "the agent to feed its watchdog", within=PATIENCE)
        told = product.status()
    assert (visitor.failures, visitor.answers > 0) == ([], True)
    assert (product.version(), product.agent_pid()) == (app, agent)
    assert holds(told, "Ready", "GitOperationFailed", status="False")
    assert holds(told, "FetchFailed", "GitOperationFailed")
    assert holds(told, "Healthy", "Succeeded")
    assert (told["sync"], told["health"]) == ("Unknown", "Healthy")
    return told


def _is_told(product: Product, said: str) -> bool:
    """Each time a look is asked for: of a failure of the same kind the agent makes no pass by itself."""
    product.shell(f"touch {REQUESTS}/poll")
    return said in str(condition(product.status(), "FetchFailed"))


def _poll_fails(product: Product) -> None:
    """The next poll has failed. It is asked for, as anybody on the VM may: the agent's own pauses grow to a minute."""
    before = _failed_polls(product)
    product.shell(f"touch {REQUESTS}/poll")
    product.machine.wait_for(lambda: _failed_polls(product) > before, "a poll to fail", within=PATIENCE)


def _failed_polls(product: Product) -> int:
    """How many in a row."""
    heads = json.loads(product.shell(f"cat {HEADS.format(product.machine.uid(USER))}"))
    return int(heads["config"]["failures"])


def _heals(product: Product) -> int:
    """The app is stopped behind the agent's back and comes back without a remote; the count of self-heals then."""
    before, told = product.version(), product.status()
    product.systemctl("stop", told["service"]["unit"])
    after = product.until(
        lambda now: holds(now, "Healthy") and now["counters"]["selfHeals"] > told["counters"]["selfHeals"],
        "a self-heal",
    )
    assert holds(after, "FetchFailed")
    assert product.version()["release"] == before["release"]
    healed: int = after["counters"]["selfHeals"]
    return healed


def _catches_up(product: Product) -> None:
    """Without a hand, what was pushed meanwhile is live, and the branch says so."""
    folder: Path = product.server.root / "app.git"
    revision = product.repo.commit("pushed while nobody could ask")
    product.repo.git("push", "--quiet", folder, "HEAD:main")
    product.server.up()
    product.live(revision, within=A_LOOK)
    product.until_published(lambda told: is_ready(told) and told["activeRevision"].endswith(revision), "the recovery")


def _last_fed(product: Product) -> int:
    """When the agent's watchdog was fed last: microseconds since the boot (org.freedesktop.systemd1(5))."""
    return int(product.show(AGENT, "WatchdogTimestampMonotonic")["WatchdogTimestampMonotonic"])
