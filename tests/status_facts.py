"""Facts for documents in tests."""

from __future__ import annotations

from datetime import timedelta

from agent.status.facts import Agent, Environment, Facts, Item, Machine, Ssh
from tests.reports import NOW

FACTS = Facts(
    host="vm-1",
    heartbeat=timedelta(hours=1),
    agent=Agent(version="0.1.0", revision=None, start_time=NOW, rss=16777216),
    environment=Environment(python="3.11.2", lock=f"sha256:{'0' * 64}", packages=71),
    ssh=Ssh(
        checked=NOW,
        password_authentication=False,
        keyboard_interactive_authentication=False,
        publickey_authentication=True,
        authorized_keys=(f"SHA256:{'a' * 43}",),
        weak=("hmac-sha1",),
    ),
    machine=Machine(sandbox=True, memory_max=False, cpu=True, cores=2, memory=4 * 1024**3),
    inventory=(Item(id="systemd_user_gitops-app@.service", digest=f"sha256:{'1' * 64}"),),
)
