"""The house's own rules, checked: who may import what, how large things are, and what no file may say."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process import run

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "agent").rglob("*.py"))
ONLY_IMPORTERS = {
    "subprocess": {"agent/host/command.py"},
    "requests": {"agent/host/probe.py", "agent/host/unix_http.py", "agent/host/web"},
    "watchfiles": {"agent/host/watch.py"},
    "sdnotify": {"agent/host/notify.py", "agent/launcher/service_manager.py"},
    "yaml": {"agent/strict_yaml/"},
    "huggingface_hub": {"agent/host/hub"},
    "httpx2": {"agent/host/hub"},
    "git": {"agent/host/repository.py", "agent/host/status_"},
}
ENVIRONMENT_READERS = {
    "agent/cli/__init__.py",  # where it comes in
    "agent/host/git.py",  # hands TLS and proxy settings of this user on to git
    "agent/host/supervisor/",  # a program of its own
    "agent/launcher/",  # another
}


def imported(path: Path) -> Iterator[str]:
    """The top names of absolute imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]


def place(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("module", ONLY_IMPORTERS)
def test_each_outside_thing_has_its_one_module(module: str) -> None:
    importers = {place(path) for path in SOURCES if module in imported(path)}

    assert importers
    assert not {each for each in importers if not any(each.startswith(home) for home in ONLY_IMPORTERS[module])}


def test_imports_run_one_way() -> None:
    run(f"{sys.prefix}/bin/lint-imports", "--no-cache", cwd=ROOT)  # raises where a contract is broken


def test_the_environment_comes_in_through_the_door() -> None:
    readers = {place(path) for path in SOURCES if re.search(r"\bos\.(environ|getenv)\b", path.read_text())}

    assert not {each for each in readers if not any(each.startswith(home) for home in ENVIRONMENT_READERS)}


def test_the_resident_imports_no_more_than_it_may() -> None:
    program = (
        "import sys, agent.cli.resident\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )
    said = run(sys.executable, "-c", program, cwd=ROOT)

    foreign = {name for name in said.split() if not name.startswith(("_", "sitecustomize"))}
    assert foreign <= {
        "agent",
        "sdnotify",
        "watchfiles",
        "anyio",
        "idna",
        "typing_extensions",
    }  # anyio: watchfiles' own


def test_the_resident_loads_no_openssl() -> None:
    """It has nothing to hash and talks no TLS; OpenSSL alone would be 4 MB of its memory."""
    program = "import sys, agent.cli.resident\nprint(*{'_hashlib', '_ssl'} & sys.modules.keys())"

    assert run(sys.executable, "-c", program, cwd=ROOT).split() == []


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """The lines of each function's body as written, docstring included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{place(path)}:{node.name}", (node.end_lineno or 0) - node.lineno + 1


def test_nine_in_ten_functions_are_under_thirty_lines() -> None:
    sizes = [lines for path in SOURCES for _, lines in functions(path)]

    assert sum(lines < 30 for lines in sizes) >= 0.9 * len(sizes)


def test_files_are_small() -> None:
    assert not {place(path) for path in SOURCES if len(path.read_text().splitlines()) > 250}


def tracked() -> list[Path]:
    listed = run("git", "ls-files", "-z", cwd=ROOT)
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_locks_pin_by_hash_and_name_no_index() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        lines = path.read_text().splitlines()
        pins = [line for line in lines if re.match(r"[a-z0-9]", line, re.IGNORECASE)]

        assert pins, path
        assert not [line for line in lines if "://" in line or re.match(r"\s*--(?!hash=)", line)], path
        assert all("==" in pin for pin in pins), path
        assert sum("--hash=sha256:" in line for line in lines) >= len(pins), path


def test_nothing_names_a_package_mirror_or_this_machine() -> None:
    """Where this machine gets its packages from, as its own pip says, is said in no file."""
    config = run(sys.executable, "-m", "pip", "config", "list")
    private = set(re.findall(r"(?:https?://|file://)([^/\s']+)|'(/[^\s']*wheels[^\s']*)'", config))
    words = {word for pair in private for word in pair if word}

    for path in tracked():
        text = path.read_bytes().decode(errors="replace")
        assert not [word for word in words if word in text], path


def test_the_declared_dependencies_are_those_of_the_lock() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    listed = [line for line in (ROOT / "requirements/agent.in").read_text().splitlines() if line]

    assert sorted(declared) == sorted(listed)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/design.md"])
def test_what_the_map_names_is_there(page: str) -> None:
    named = set(
        re.findall(r"(?<!writes )\b(?:agent|app|docs|install|systemd|tests)/[\w./-]*\w/?", (ROOT / page).read_text())
    )

    assert named
    assert not {each for each in named if not (ROOT / each).exists()}


def test_make_alone_lists_every_command() -> None:
    shown = run("make", "-s", "help", cwd=ROOT)

    assert {"demo", "test", "check", "format", "bench", "vm"} <= {line.split()[0] for line in shown.splitlines()}
