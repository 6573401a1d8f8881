"""A planted secret that the app, the git server and a person let slip: no verb prints it and no file of the agent's holds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.conftest import Setup
from tests.localvm import LocalVM
from tests.process import Failed
from tests.waiting import wait_for

CANARY = 'canary-begins"Wörter\\und/mehr+so-it-ends'
ENDS = ("canary-begins", "so-it-ends")
"""An encoding or a cut may change what is between them."""

APP = """\
import http.server, json, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        well = WELL and self.path != "/leak"
        self.send_response(200 if well else 500)
        self.send_header("content-type", "application/json")
        self.end_headers()
        said = {"reason": f"BadToken {os.environ['HF_TOKEN']}"}
        self.wfile.write(json.dumps({} if well else said).encode())
    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""
"""It hands on what the service it talks to has said of its token, which is not a thing an agent can forbid."""

REFUSES = """\
#!/bin/sh
echo "the token $(cat {canary}) may not write" >&2
exit 1
"""
VERBS = (
    *(("reconcile",), ("reconcile", "--json"), ("restart",), ("reconcile", "--now")),
    *(("stop",), ("start",), ("resume",), ("suspend", "until", CANARY, "is replaced"), ("version",), ("logs",)),
    *(
        ("plan",),
        ("plan", "--json"),
        ("status",),
        ("status", "--json"),
        ("events",),
        ("events", "--json"),
        ("history",),
        ("history", "--json"),
    ),
)


@pytest.fixture
def leaking(setup: Setup) -> Setup:
    """A release that is well, the next that is not and says its token, and a remote that says it too where it refuses."""
    vm, repo, remote = setup
    (vm.config / "env").write_text(f"HF_TOKEN={CANARY}\n")
    repo.deploy("well", {"desired-state.yaml": vm.state(), "server.py": f"WELL = True\n{APP}"})
    vm.gitops("reconcile")
    wait_for(lambda: vm.get() == "{}", "the good release to answer")
    state = vm.state().replace("rollout: {timeout: 8s}", "rollout: {timeout: 2s}")
    repo.deploy("leaks", {"desired-state.yaml": state, "server.py": f"WELL = False\n{APP}"})
    spoken = remote.with_name("canary")
    spoken.write_text(CANARY)
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(REFUSES.format(canary=spoken))
    hook.chmod(0o755)
    return setup


def test_no_verb_prints_it_and_no_file_or_branch_holds_it(leaking: Setup) -> None:
    vm, repo, remote = leaking

    url = f"http://127.0.0.1:{vm.port}/leak"
    verbs = (*VERBS, ("smoke", url), ("smoke", url, "--json"), ("status", "--remote", str(remote)))
    said = {" ".join(words): _said(vm, *words) for words in verbs}
    assert vm.status["rejectedRevisions"], "the app was to be rejected for what it said"
    assert vm.condition("StatusPushFailed"), "the remote was to refuse"
    (remote / "hooks" / "pre-receive").unlink()
    wait_for(lambda: _said(vm, "reconcile", "--now") and not vm.condition("StatusPushFailed"), "the delivery")

    for verb in ("events", "reconcile", f"smoke {url}"):
        assert "[redacted]" in said[verb], verb
    assert [verb for verb, text in said.items() if _holds(text)] == []
    assert [path for path in _files(vm) if _holds(path.read_text(errors="replace"))] == []
    for name in ("README.md", "events.ndjson", "status.json"):
        assert not _holds(repo.show("status/vm-1", name)), name


def _said(vm: LocalVM, *words: str) -> str:
    """All that it printed, whatever it ended with."""
    try:
        return vm.gitops(*words)
    except Failed as failed:
        return failed.out + failed.err


def _holds(text: str) -> bool:
    return any(end in text for end in ENDS)


def _files(vm: LocalVM) -> list[Path]:
    """What the agent has written; not what bootstrap has, nor the app's own code and packages."""
    ours = [entry for entry in vm.home.iterdir() if entry.name not in {"config", "venvs"}]
    found = [path for entry in ours for path in (entry.rglob("*") if entry.is_dir() else [entry])]
    return [path for path in found if path.is_file() and "tree" not in path.parts]
