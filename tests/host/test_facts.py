"""Facts about the agent, compared with an independent look."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.host.facts import agent_facts, inventory
from agent.host.known_secrets import known_secrets
from agent.paths import locate
from agent.status.facts import Item
from tests.process import run
from tests.sshkey import SshKey


def test_the_agents_facts_are_those_of_its_process():
    told = agent_facts(os.getpid(), version="1.0.0", revision=None)
    resident = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    assert abs(told.rss - int(resident.split()[1]) * 1024) < 8 * 1024**2
    age = datetime.now(UTC) - told.start_time
    assert timedelta(0) <= age + timedelta(seconds=1)
    assert abs(age.total_seconds() - float(run("ps", "-o", "etimes=", "-p", str(os.getpid())))) < 3


def test_a_process_that_is_gone_has_no_facts():
    told = agent_facts(2**22 + 1, version="1.0.0", revision=None)
    assert (told.start_time, told.rss) == (None, None)


def test_the_inventory_names_what_is_there_and_its_digest(tmp_path: Path):
    (tmp_path / "a.service.d").mkdir()
    unit, drop_in = tmp_path / "a.service", tmp_path / "a.service.d" / "release.conf"
    unit.write_text("[Service]\n")
    drop_in.write_text("x")
    digests = [f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in (unit, drop_in)]
    assert inventory([drop_in, unit, tmp_path / "gone"], tmp_path) == (
        Item(id="systemd_user_a.service", digest=digests[0]),
        Item(id="systemd_user_a.service.d/release.conf", digest=digests[1]),
    )


def test_every_secret_on_the_disk_is_known(tmp_path: Path):
    paths = locate({"GITOPS_VM_HOME": str(tmp_path)}, uid=1000)
    assert known_secrets(paths) == frozenset()
    paths.config.mkdir(parents=True)
    paths.environment.write_text('# a comment=x\nHF_TOKEN=hf_canary\nexport=1\nQUOTED="two words"\nEMPTY=\n')
    paths.credentials.write_text("ada:token-canary\n")
    paths.status_credentials.write_text("bot:glpat-s3cr3t\n")
    shutil.copy(SshKey.generate(tmp_path / "k").private, paths.deploy_key)
    shutil.copy(SshKey.generate(tmp_path / "s").private, paths.status_key)
    assert known_secrets(paths) == {
        *("hf_canary", "1", "two words", "ada:token-canary", "token-canary"),
        "bot:glpat-s3cr3t",
        "glpat-s3cr3t",
        paths.deploy_key.read_text(),
        paths.status_key.read_text(),
    }
