"""A push, seen from outside: when it was made, when its version first answered, when the VM called it good."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from tests.load.report import Outcome
from tests.load.shots import Shot, worst
from tests.status_checker import Document
from tests.vm.product import ROLLOUT, USER, Product, is_ready
from tests.vm.switch.user_apps import UserApp
from tests.waiting import wait_for

STATUS = f"home/{USER}/.local/share/gitops-vm/state/status.json"
AROUND = timedelta(seconds=1)
"""The moment of a switch: from so long before the new version's first answer to so long after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """`mark` is what its answers say. Instants are seconds since the epoch."""

    mark: str
    revision: str
    pushed: float
    confirmed: float


def status(product: Product) -> Document:
    """What the agent wrote last, read past the machine: a verb on it would take CPU time from the app that is measured."""
    found: Document = json.loads(Path(f"/proc/{product.machine.leader}/root", STATUS).read_text())
    return found


def until(product: Product, claim: Callable[[Document], object], what: str, within: timedelta = ROLLOUT) -> Document:
    """The first status of which the claim is true."""
    try:
        return wait_for(
            lambda: told if claim(told := status(product)) else None, what, within=within, unless=(OSError, ValueError)
        )
    except TimeoutError as error:
        error.add_note(f"the last status:\n{json.dumps(status(product), indent=1)[:6000]}")
        error.add_note(f"the journal:\n{product.machine.journal(USER, '--lines=60')}")
        raise


def confirmed(product: Product, revision: str) -> Document:
    return until(
        product,
        lambda told: is_ready(told) and (told["lastAppliedRevision"] or "").endswith(revision),
        f"Ready of {revision}, confirmed",
    )


def push(product: Product, app: UserApp, version: str, more: Mapping[str, str | bytes] | None = None) -> str:
    """This app's files, and none of another's; the revision."""
    product.repo.git("rm", "-r", "--quiet", "--ignore-unmatch", ".")
    return product.push(f"version {version}", {**app.files(product.port, version), **(more or {})})


def deploy(product: Product, app: UserApp, version: str) -> Deploy:
    """Pushed and confirmed."""
    pushed = time.time()
    revision = push(product, app, version)
    confirmed(product, revision)
    return Deploy(mark=app.mark(version, revision), revision=revision, pushed=pushed, confirmed=time.time())


def first_answer(outcome: Outcome, mark: str) -> float:
    """When a release first answered a visitor."""
    return min(shot.ended for shot in outcome.shots if shot.release == mark)


def at_the_switches(outcome: Outcome, deploys: list[Deploy]) -> list[Shot]:
    around = AROUND.total_seconds()
    moments = [first_answer(outcome, each.mark) for each in deploys]
    return [shot for moment in moments for shot in outcome.within(moment - around, moment + around)]


def in_rollouts(outcome: Outcome, deploys: list[Deploy]) -> list[Shot]:
    return [shot for each in deploys for shot in outcome.within(each.pushed, each.confirmed)]


def quiet(outcome: Outcome, deploys: list[Deploy]) -> list[Shot]:
    """What no rollout touched."""
    return [shot for shot in outcome.shots if not any(shot.touches(each.pushed, each.confirmed) for each in deploys)]


def outage(outcome: Outcome, deploy: Deploy) -> float:
    """The longest time during the rollout in which nobody was answered, in seconds."""
    ended = (shot.ended for shot in outcome.shots if not shot.failure)
    answers = sorted(moment for moment in ended if deploy.pushed < moment < deploy.confirmed)
    return max(after - before for before, after in pairwise([deploy.pushed, *answers, deploy.confirmed]))


def slowest(shots: list[Shot]) -> float:
    """Of those that were answered, in milliseconds."""
    return worst(shot for shot in shots if not shot.failure) * 1000
