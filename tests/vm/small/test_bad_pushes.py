"""What must never happen after a push: that nothing answers. The old release stays or returns, and the status says why."""

from __future__ import annotations

import pytest
import yaml

from tests.status_checker import Document
from tests.vm.product import SMALL_APP, Product, condition, files_of, holds, small

CRASHING = f'raise RuntimeError("the table moods is missing")\n{SMALL_APP.partition("from __future__")[0]}'
SICK = SMALL_APP.replace("READY = True", "READY = False")


def test_a_release_that_crashes_at_start_is_rejected_and_the_old_one_returns(product: Product) -> None:
    good = product.repo.head
    bad = product.push("crashes", {"app.py": CRASHING})
    told = _rolled_back(product, bad, good, "ProcessExited")
    assert "exited with status 1" in condition(told, "Ready")["message"]
    _is_left_alone_and_cured(product, bad)


def test_a_release_that_never_becomes_ready_is_rejected_and_the_old_one_returns(product: Product) -> None:
    good = product.repo.head
    bad = product.push("sick", {"app.py": SICK})
    told = _rolled_back(product, bad, good, "HealthCheckFailed")
    message = condition(told, "Ready")["message"]
    assert "rollout.timeout (10 s)" in message
    assert 'GET /readyz answered 500: {"reason": "OutOfInk"}' in message
    _is_left_alone_and_cured(product, bad)


@pytest.mark.parametrize(
    ("line", "is_yaml", "said"),
    [
        ("exec: [python, app.py", False, "desired-state.yaml:5: is not YAML: expected ',' or ']'"),
        ("exec: python 'app.py", True, "desired-state.yaml:4: service.exec: cannot be split into words"),
    ],
    ids=["no YAML", "a quote is missing"],
)
def test_a_desired_state_that_cannot_be_read_touches_nothing_and_names_the_line(
    product: Product, line: str, is_yaml: bool, said: str
) -> None:
    good, before = product.repo.head, product.version()
    broken = small(product).replace("exec: python app.py", line)
    assert _is_yaml(broken) == is_yaml
    bad = product.push("a mistake", {"desired-state.yaml": broken})
    told = _stalled(product, bad, "InvalidSpec")
    ready = condition(told, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "InvalidSpec")
    assert ready["message"].startswith(said)
    assert _serves(told, good)
    assert product.version() == before
    product.live(product.push("mended", files_of(product)))


def _is_yaml(text: str) -> bool:
    """Of a parser that is not the agent's own."""
    try:
        yaml.safe_load(text)
    except yaml.YAMLError:
        return False
    return True


def test_a_field_that_cannot_be_meant_is_named_with_what_to_write(product: Product) -> None:
    before = product.version()
    wrong = small(product).replace(f"port: {product.port}", "prot: 80")
    bad = product.push("two mistakes", {"desired-state.yaml": wrong})
    message = condition(_stalled(product, bad, "InvalidSpec"), "Ready")["message"]
    assert "desired-state.yaml:5: service.prot: " in message
    assert "port" in message.partition("service.prot: ")[2]
    assert product.version() == before
    product.live(product.push("none", files_of(product)))


def test_a_requirement_nobody_can_meet_is_rejected_and_the_old_process_is_not_touched(product: Product) -> None:
    good, before = product.repo.head, product.version()
    bad = product.push("impossible", {"requirements.txt": "sdnotify==99.99\n"})
    told = _stalled(product, bad, "RevisionRejected")
    ready = condition(told, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "BuildFailed")
    assert "requirements.txt: " in ready["message"]
    assert "sdnotify==99.99" in ready["message"]
    assert _serves(told, good)
    assert product.version() == before
    assert product.starts(bad) == 0
    product.repo.git("rm", "--quiet", "requirements.txt")
    product.live(product.push("no requirements", {}))


def _stalled(product: Product, bad: str, reason: str) -> Document:
    return product.until_published(
        lambda told: holds(told, "Stalled", reason) and told["lastAttemptedRevision"].endswith(bad),
        f"{reason} of {bad}",
    )


def _rolled_back(product: Product, bad: str, good: str, reason: str) -> Document:
    """The status on the branch once the old release has returned, and it has: it answers."""
    told = product.until_published(
        lambda told: (
            holds(told, "RolledBack", reason) and holds(told, "Healthy") and told["lastAttemptedRevision"].endswith(bad)
        ),
        f"the way back from {bad}",
    )
    ready = condition(told, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", reason)
    assert f"main@sha1:{bad[:8]}" in ready["message"]
    assert holds(told, "Stalled", "RevisionRejected")
    assert told["rejectedRevisions"][0]["revision"] == f"main@sha1:{bad}"
    assert told["rejectedRevisions"][0]["reason"] == reason
    assert _serves(told, good)
    assert product.version()["revision"] == good
    return told


def _serves(told: Document, revision: str) -> bool:
    return told["activeRevision"] == told["lastAppliedRevision"] == f"main@sha1:{revision}"


def _is_left_alone_and_cured(product: Product, bad: str) -> None:
    """Neither polls nor passes try it again; the next push is live without a hand."""
    tries, before = product.starts(bad), product.version()
    assert tries >= 1
    product.polled()
    product.shell(".local/bin/gitops-vm reconcile || true")
    assert product.starts(bad) == tries
    assert product.version() == before
    product.live(product.push("fixed", files_of(product)))
