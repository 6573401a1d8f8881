"""The whole of it in one command: a VM as it is handed out, then only its owner gets in, and the app in the repository is live."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import requests

from tests.bootstrap.calling import Said
from tests.gitserver import SshServer
from tests.ports import LOOPBACK, free_port
from tests.sshkey import SshKey
from tests.vm.argv import Watcher
from tests.vm.ssh.conftest import SiteOf
from tests.vm.ssh.judge import Judge
from tests.vm.ssh.laptop import Laptop
from tests.vm.ssh.site import PASSWORD, USER, Site

SMALL_APP = (Path(__file__).parents[1] / "small_app.py").read_text()
CANARY = "canary-7f3b"
TOKEN = f"hf_{CANARY}-5e1dbeef"
INSTALL = timedelta(minutes=8)
SPEC = """\
apiVersion: gitops-vm/v1
app: small
service: {{exec: python app.py, port: {port}, notify: true}}
sync: {{interval: 2s}}
"""


def test_one_command_leads_from_a_shared_key_to_a_live_app_and_shows_no_secret(
    site_of: SiteOf, laptop: Laptop, tmp_path: Path
) -> None:
    site, port = site_of("password", suite="trixie"), free_port()
    deploy_key = SshKey.generate(tmp_path / "deploy_key")
    with SshServer(tmp_path / "git", SshKey.generate(tmp_path / "ada")) as git, Watcher(CANARY) as watcher:
        git.authorize(deploy_key.public)
        git.create("app")
        revision = git.clone("app", tmp_path / "clone").deploy(
            "first", {"app.py": SMALL_APP, "desired-state.yaml": SPEC.format(port=port)}
        )
        options = (
            "--repo",
            git.url("app"),
            "--repo-host-key",
            git.fingerprint,
            "--deploy-key",
            str(deploy_key.private),
        )
        first = called(laptop, site, *options)
        assert first.code == 0, first.text
        assert requests.get(f"http://{LOOPBACK}:{port}/version", timeout=5).json()["revision"] == revision
        assert Judge(site, laptop).look().logins == {"own"}
        before = site.files()
        second = called(laptop, site, *options, "--json")
    assert second.code == 0, second.text
    steps = [json.loads(line) for line in second.text.splitlines() if line.startswith("{")]
    assert {step["state"] for step in steps} == {"ok"}, second.text
    assert site.files() == before
    assert len(watcher.processes) > 50
    assert not watcher.seen
    assert PASSWORD.startswith(CANARY)
    for secret in (TOKEN, PASSWORD):
        assert secret not in first.text + second.text + site.machine.journal()
        places = f"/home/{USER} /root /tmp /run /etc /var"
        found = site.machine.root(f"grep -rlaF --devices=skip -f - {places} 2>/dev/null || true", given=secret)
        assert found.split() == ([f"/home/{USER}/.config/gitops-vm/env"] if secret is TOKEN else [])


def called(laptop: Laptop, site: Site, *options: str) -> Said:
    """The command as its user types it, with the secrets in its environment."""
    login = (f"{USER}@{site.machine.address}", "-p", str(site.machine.ssh_port), "-i", str(laptop.own.private))
    keys = ("--entry-key", str(laptop.entry.private), "--host-key-fingerprint", site.fingerprint, "--yes")
    secrets = {"HF_TOKEN": TOKEN, "GITOPS_VM_SUDO_PASSWORD": PASSWORD}
    return laptop.runs(*login, *keys, *options, within=INSTALL, **secrets)
