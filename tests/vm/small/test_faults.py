"""What happens to a VM, and what is done to it by hand: agent and app come back by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from tests.process import Failed
from tests.status_checker import Document
from tests.vm.product import NOT_YET, PATIENCE, USER, Product, files_of, is_ready

AGENT = "gitops-agent.service"
UNITS = f"/home/{USER}/.config/systemd/user"
CHANGES = """\
sed -i 's/^ExecStart=.*/ExecStart=:sleep 1000/' {drop_in}/release.conf
printf '[Service]\\nEnvironment=GREETING=changed\\n' > {drop_in}/override.conf
rm {template}
"""
"""A file is edited, one is added, one is removed."""


def test_a_killed_app_is_started_again_as_the_same_release(product: Product) -> None:
    before, told = product.version(), product.status()
    product.kill("KILL", before["pid"])
    after = _restarted_once(product, before)
    assert after["service"]["unit"] == told["service"]["unit"]


def test_a_killed_agent_is_back_and_the_app_did_not_notice(product: Product) -> None:
    before, agent = product.version(), product.agent_pid()
    product.kill("KILL", agent)
    _another_agent(product, agent)
    assert product.version() == before
    product.live(product.push("after the agent was killed", {}))


def test_an_agent_that_was_stopped_does_not_look_ready(product: Product) -> None:
    product.systemctl("stop", AGENT)
    try:
        with pytest.raises(Failed) as failed:
            product.agent("status")
    finally:
        product.systemctl("start", AGENT)

    assert failed.value.code == 3
    assert "the agent does not run here" in failed.value.out
    assert "systemctl --user status gitops-agent" in failed.value.err
    product.machine.wait_for(lambda: product.agent("status"), "the status to be well again")


def test_an_app_stopped_behind_the_agent_s_back_is_started_again(product: Product) -> None:
    before, told = product.version(), product.status()
    product.systemctl("stop", told["service"]["unit"])
    product.until(
        lambda now: is_ready(now) and now["counters"]["selfHeals"] > told["counters"]["selfHeals"], "a self-heal"
    )
    _same_release_in_a_new_process(product, before)


def test_unit_files_changed_by_hand_are_put_back_without_a_restart(product: Product) -> None:
    before, unit, files = product.version(), product.status()["service"]["unit"], _unit_files(product)
    product.shell(CHANGES.format(drop_in=f"{UNITS}/{unit}.d", template=f"{UNITS}/gitops-app@.service"))
    product.machine.wait_for(lambda: _unit_files(product) == files, "the unit files as they were", within=PATIENCE)
    product.machine.wait_for(
        lambda: product.show(unit, "NeedDaemonReload")["NeedDaemonReload"] == "no", "the manager to know"
    )
    assert product.version() == before


def test_a_hung_app_is_ended_by_its_watchdog_and_started_again(product: Product) -> None:
    product.live(product.push("with a watchdog", files_of(product, service="  watchdog: 3s\n")))
    before = product.version()
    product.kill("STOP", before["pid"])
    _restarted_once(product, before)
    assert "Watchdog timeout" in product.machine.journal(USER, "--identifier=systemd")


def test_a_hung_agent_is_ended_by_its_watchdog_and_started_again(product: Product) -> None:
    # It pings at least as often as it polls, every 2 s here.
    with _agent_setting(product, "WatchdogSec=10"):
        before, agent = product.version(), product.agent_pid()
        product.kill("STOP", agent)
        _another_agent(product, agent)
        assert product.show(AGENT, "NRestarts")["NRestarts"] != "0"
        assert product.version() == before
        product.live(product.push("after the agent had hung", {}))


def test_a_reboot_brings_agent_and_app_back(product: Product) -> None:
    _comes_back(product, product.machine.reboot)


def test_a_power_cut_leaves_nothing_that_does_not_come_back(product: Product) -> None:
    def cut() -> None:
        product.machine.power_cut()
        product.machine.start()

    _comes_back(product, cut)


def _comes_back(product: Product, power: Callable[[], None]) -> None:
    before = product.version()
    power()
    product.machine.wait_for(lambda: product.version()["revision"] == before["revision"], "the app", unless=NOT_YET)
    assert product.version()["release"] == before["release"]
    product.machine.wait_for(lambda: product.agent_pid() and product.agent("version"), "the agent")
    product.until(lambda told: is_ready(told) and told["service"]["restarts"] == 0, "Ready after the boot")
    product.live(product.push("after the boot", {}))


def _restarted_once(product: Product, before: dict[str, object]) -> Document:
    """The service manager has started the same release again, and the next pass counts it."""
    product.machine.wait_for(lambda: product.version()["pid"] != before["pid"], "another process", unless=NOT_YET)
    _same_release_in_a_new_process(product, before)
    product.agent("reconcile")
    told = product.status()
    assert is_ready(told)
    assert told["service"]["restarts"] == 1
    return told


def _same_release_in_a_new_process(product: Product, before: dict[str, object]) -> None:
    after = product.version()
    assert (after["release"], after["revision"]) == (before["release"], before["revision"])
    assert after["pid"] != before["pid"]


def _another_agent(product: Product, pid: int) -> None:
    def back() -> bool:
        unit = product.show(AGENT, "MainPID", "ActiveState")
        return unit["ActiveState"] == "active" and unit["MainPID"] not in {"0", str(pid)}

    product.machine.wait_for(back, "another agent", within=timedelta(seconds=60))


@contextmanager
def _agent_setting(product: Product, line: str) -> Iterator[None]:
    """An operator's own override of the agent's unit, for a while."""
    override = f"{UNITS}/{AGENT}.d/override.conf"
    product.machine.put(override, f"[Service]\n{line}\n", owner=USER)
    _restart_agent(product)
    try:
        yield
    finally:
        product.shell(f"rm -r {UNITS}/{AGENT}.d")
        _restart_agent(product)


def _restart_agent(product: Product) -> None:
    product.systemctl("daemon-reload")
    product.systemctl("restart", AGENT)


def _unit_files(product: Product) -> str:
    return product.shell(f"cd {UNITS} && find . -type f -exec sha256sum {{}} + | sort")
