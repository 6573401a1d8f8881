"""What somebody asks for on the VM or in a clone, with systemd: rollbacks, a suspension with an end, the disk."""

from __future__ import annotations

import json
import os
import sys

from tests.localvm import ROOT
from tests.process import run
from tests.vm.product import USER, Product, condition, files_of, holds, is_ready

DATA = f"/home/{USER}/.local/share/gitops-vm"


def test_a_rollback_on_the_vm_survives_a_restart_of_the_agent_and_ends_with_the_next_push(product: Product) -> None:
    old = product.settled()
    new = product.push("another", {"word": "another"})
    product.live(new)

    said = product.agent("rollback")

    assert f"rolled back on this VM by {USER}: main@sha1:{old[:8]} runs until the next push" in said
    assert product.version()["revision"] == old
    told = product.until_published(lambda each: holds(each, "RolledBack", "Pinned"), "the rollback")
    assert (condition(told, "Ready")["reason"], told["health"]) == ("Pinned", "Healthy")
    product.systemctl("restart", "gitops-agent.service")
    product.polled()
    assert product.version()["revision"] == old
    product.live(product.push("the next", {"word": "the next"}))


def test_a_rollback_in_a_clone_is_deployed_like_any_push(product: Product) -> None:
    product.live(product.push("with a word", {"word": "one"}))
    product.live(product.push("with another", {"word": "two"}))
    product.until_published(lambda told: is_ready(told) and told["sync"] == "Synced", "the second")
    environ = {
        **os.environ,
        **product.server.environment,
        "PYTHONPATH": str(ROOT),
        "HOME": str(product.repo.path.parent),
    }
    environ |= {f"GIT_{who}_{what}": "ada@x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    told = json.loads(run(sys.executable, "-m", "agent", "rollback", "--json", cwd=product.repo.path, env=environ))

    assert (product.repo.path / "word").read_text() == "one"
    product.live(told["commit"])


def test_a_suspension_with_an_end_outlasts_a_restart_of_the_agent_and_ends_by_itself(product: Product) -> None:
    before = product.settled()
    product.agent("suspend", "--until", "30s", "exam week")
    product.systemctl("restart", "gitops-agent.service")
    pushed = product.push("while suspended", {"word": "while suspended"})
    told = product.until(lambda each: pushed in (each["source"]["revision"] or ""), "the push to be seen")
    assert "exam week" in condition(told, "Suspended")["message"]
    assert product.version()["revision"] == before

    product.live(pushed)


def test_gc_removes_what_nobody_uses_and_the_app_runs_on(product: Product) -> None:
    product.settled()
    before = product.version()
    product.agent("suspend", "so that only gc clears up")
    product.shell(f"mkdir {DATA}/venvs/0123456789abcdef && head -c 3M /dev/zero > {DATA}/venvs/0123456789abcdef/data")

    told = json.loads(product.agent("gc", "--json"))

    assert told["bytes"] >= 3 * 1024**2
    assert "0123456789abcdef" not in product.shell(f"ls {DATA}/venvs")
    assert product.version() == before
    product.agent("resume")
    product.live(product.push("after gc", files_of(product)))
