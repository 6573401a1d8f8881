"""The evidence in a repository of its own: on a real VM, with a deploy key that may only read the code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.repo import Repo
from tests.sshkey import SshKey
from tests.status_checker import Document, check
from tests.vm.product import Product, is_ready

CONFIG = "/home/mood/.config/gitops-vm"


def test_the_code_s_key_only_reads_and_the_evidence_goes_elsewhere(product: Product, tmp_path: Path) -> None:
    failures = product.until_published(is_ready, "the first word")["counters"]["statusPushFailures"]
    before = product.story()
    with _own_repository(product, tmp_path) as evidence:
        revision = product.push("told elsewhere", {})
        product.live(revision)
        told = product.until(
            lambda now: is_ready(now) and now["activeRevision"].endswith(revision),
            "the status in its own repository",
            read=lambda: _published(product, evidence),
        )
        assert told["source"]["url"] == product.server.url("app")
        assert told["counters"]["statusPushFailures"] == failures
        assert evidence.git("ls-remote", "--heads", "origin").split()[1:] == [f"refs/heads/status/{product.name}"]
        assert product.story() == before
    product.until_published(lambda now: now["activeRevision"].endswith(revision), "the status, back with the code")


def _published(product: Product, evidence: Repo) -> Document:
    document: Document = json.loads(evidence.show(f"status/{product.name}", "status.json"))
    check(document)
    return document


@contextmanager
def _own_repository(product: Product, tmp_path: Path) -> Iterator[Repo]:
    """As its owner chooses it, at bootstrap; a later run without the option keeps it. Afterwards everything is as it was."""
    server, key = product.server, SshKey.generate(tmp_path / "status_key")
    server.create("evidence")
    server.authorize(key.public)
    written = product.shell(f"cat {CONFIG}/source.yaml")
    product.install("--status-repo", server.url("evidence"), "--status-key", str(key.private))
    try:
        _let_in(product, read_only=True)
        product.install()
        yield server.clone("evidence", tmp_path / "evidence")
    finally:
        _let_in(product, read_only=False)
        _put(product, "source.yaml", written)


def _let_in(product: Product, *, read_only: bool) -> None:
    """What the key may do is settled when a connection begins: its file is touched, and the agent makes another one."""
    product.server.revoke(product.deploy_key.public)
    product.server.authorize(product.deploy_key.public, read_only=read_only)
    product.shell(f"touch {CONFIG}/deploy_key")


def _put(product: Product, name: str, text: str) -> None:
    product.shell(f"umask 077; cat > {CONFIG}/{name}.new <<'END'\n{text}END\nmv {CONFIG}/{name}.new {CONFIG}/{name}")
