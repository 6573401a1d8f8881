"""What every level shares: levels that could not run are listed loudly, and under CI a level that was skipped is a failure."""

from __future__ import annotations

import os
import signal
from collections import Counter, defaultdict

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_PASSED: Counter[str] = Counter()
_SKIPPED: dict[str, Counter[str]] = defaultdict(Counter)
_TURNS = ("tests/vm/", "tests/browser/", "tests/test_", "tests/agent/", "tests/app/", "tests/")
_ONE_MACHINE = ("tests/vm/small/", "tests/vm/switch/", "tests/browser/")


class _ByFile(LoadScopeScheduling):
    """Side by side run whole files, and folders whole that share a machine or a browser: most of the time is waiting."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in _ONE_MACHINE if file.startswith(folder)), file)


def pytest_configure() -> None:
    """A shell starts what it puts into the background with Ctrl-C ignored, and everything below it inherits that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: what comes last fills the gaps."""
    items.sort(key=lambda item: next((turn for turn, name in enumerate(_TURNS) if item.nodeid.startswith(name)), 0))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _ByFile:
    return _ByFile(config, log)


def _level(nodeid: str) -> str:
    parts = nodeid.split("::", maxsplit=1)[0].split("/")
    return parts[1] if len(parts) > 2 else "house"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    level = _level(report.nodeid)
    if report.skipped and isinstance(report.longrepr, tuple):
        _SKIPPED[level][report.longrepr[2].removeprefix("Skipped: ")] += 1
    elif report.when == "call" and report.passed:
        _PASSED[level] += 1


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if os.environ.get("CI") and _SKIPPED and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("levels")
    for level in sorted({*_PASSED, *_SKIPPED}):
        skipped = _SKIPPED.get(level, Counter())
        terminalreporter.line(f"{level:12} {_PASSED[level]} passed, {sum(skipped.values())} skipped")
        for reason, count in skipped.items():
            terminalreporter.line(f"    NOT RUN ({count}): {reason}", red=True, bold=True)
    if _SKIPPED and os.environ.get("CI"):
        terminalreporter.line("CI: a level that is skipped is a failure", red=True, bold=True)
