"""The product on a machine, as its user has it: installed by bootstrap.py over ssh, fed by pushes, read by its status."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import requests

from tests.bootstrap.calling import Said, call
from tests.gitserver import SshServer
from tests.ports import LOOPBACK, free_port
from tests.process import Failed, run
from tests.sshkey import SshKey
from tests.status_checker import Document, check
from tests.vm.machine import Machine

USER = "mood"
PATIENCE = timedelta(seconds=60)
INSTALL = timedelta(minutes=6)
ROLLOUT = timedelta(minutes=3)
NOT_YET = (Failed, requests.RequestException, ValueError, KeyError)


class Product:
    """One machine, its git server with the repository `app`, and Ada's clone of it.

    Every status that is read is held to the invariants of status.json, and to the one read before it.
    """

    def __init__(self, machine: Machine, scratch: Path, *, secrets: frozenset[str] = frozenset()) -> None:
        self.machine = machine
        self.name = "vm-1"
        self.port = free_port()
        self.server = SshServer(scratch / "git", SshKey.generate(scratch / "ada"))
        self.deploy_key = SshKey.generate(scratch / "deploy_key")
        self.server.authorize(self.deploy_key.public)
        self.server.create("app")
        self.server.up()
        self.repo = self.server.clone("app", scratch / "clone")
        self._secrets = secrets
        self._seen: dict[str, Document] = {}

    def bootstrap(self, *options: str, env: Mapping[str, str] | None = None) -> Said:
        """As a person at a laptop types it, with the key they log in with and the fingerprints they were told."""
        machine = self.machine
        fingerprint = run("ssh-keygen", "-lf", machine.known_hosts).split()[1]
        return call(
            *(f"{USER}@{machine.address}", "-p", str(machine.ssh_port), "-i", str(machine.key.private)),
            *("--host-key-fingerprint", fingerprint, "--repo", self.server.url("app"), "--name", self.name),
            *("--repo-host-key", self.server.fingerprint, "--deploy-key", str(self.deploy_key.private), "--yes"),
            *options,
            env=env,
            within=INSTALL,
        )

    def install(self, *options: str, env: Mapping[str, str] | None = None) -> None:
        said = self.bootstrap(*options, env=env)
        assert said.code == 0, f"{said.text}\n{self.machine.journal(USER, '--lines=60')}"

    # What a person types on the VM

    def agent(self, *arguments: str, within: timedelta = PATIENCE) -> str:
        """`gitops-vm ARGUMENTS` as the user."""
        return self.user(f"/home/{USER}/.local/bin/gitops-vm", *arguments, within=within)

    def user(self, *argv: str, within: timedelta = PATIENCE) -> str:
        return self.machine.as_user(USER, argv, within=within)

    def shell(self, script: str, *, within: timedelta = PATIENCE) -> str:
        return self.machine.as_user(USER, script, within=within)

    def systemctl(self, *arguments: str) -> str:
        return self.user("systemctl", "--user", *arguments)

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """`systemctl --user show`"""
        lines = self.systemctl("show", unit, f"--property={','.join(properties)}").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def agent_pid(self) -> int:
        """0 while none runs."""
        return int(self.show("gitops-agent.service", "MainPID")["MainPID"])

    def kill(self, signal: str, pid: int) -> None:
        """`kill -SIGNAL PID`, of a process inside, as its user."""
        self.user("kill", f"-{signal}", str(pid))

    def starts(self, revision: str) -> int:
        """How often a release of this revision was started, by the manager's journal."""
        lines = self.machine.journal(USER, "--identifier=systemd").splitlines()
        return sum("Starting gitops-app@" in line and revision in line for line in lines)

    # What is deployed

    def push(self, message: str, files: Mapping[str, str | bytes]) -> str:
        """Commit and push; the new revision, 40 hex digits."""
        return self.repo.deploy(message, files)

    def get(self, path: str) -> requests.Response:
        return requests.get(f"http://{LOOPBACK}:{self.port}{path}", timeout=5)

    def version(self) -> dict[str, Any]:
        """What the app itself says is running."""
        answer: dict[str, Any] = self.get("/version").json()
        return answer

    def live(self, revision: str, *, within: timedelta = ROLLOUT) -> dict[str, Any]:
        """Returns what /version says once this revision answers and is confirmed."""
        ready = f"Ready of {revision} at {self.name}"
        self.until(lambda told: is_ready(told) and told["activeRevision"].endswith(revision), ready, within=within)
        version = self.version()
        assert version["revision"] == revision
        return version

    def settled(self) -> str:
        """The revision that runs and is confirmed; where the last test left something else, the small app's, pushed now."""
        told = self.status()
        if not is_ready(told) or told["sync"] != "Synced":
            self.live(self.push("the app as it was", files_of(self)))
        self.machine.wait_for(lambda: self.agent("status") or True, "a status that ends with 0", unless=NOT_YET)
        return self.repo.head

    def begin_anew(self) -> None:
        """What was read so far binds no status any more: somebody made the agent forget it."""
        self._seen.clear()

    def polls(self) -> int:
        """How often git has been talked to so far, polls and deliveries together."""
        return self.server.log().count("Starting session: ")

    def polled(self, times: int = 3) -> None:
        """Returns when git was talked to so often again."""
        before = self.polls()
        self.machine.wait_for(lambda: self.polls() >= before + times, f"{times} polls", within=PATIENCE)

    # What it says of itself

    def status(self) -> Document:
        """`gitops-vm status --json` on the VM. The exit code says how it is; here the document counts."""
        out = self.shell(f"/home/{USER}/.local/bin/gitops-vm status --json || [ $? -le 3 ]")
        return self._checked("the VM", json.loads(out))

    def published(self) -> Document:
        """status.json on the branch, as Ada reads it."""
        return self._checked("the branch", json.loads(self.repo.show(f"status/{self.name}", "status.json")))

    def story(self) -> list[Document]:
        """Every state on the branch, oldest first, each held to the invariants and to the one before it."""
        self.repo.git("fetch", "--quiet", "origin", f"refs/heads/status/{self.name}")
        commits = self.repo.git("rev-list", "--reverse", "FETCH_HEAD").splitlines()
        told = [json.loads(self.repo.git("show", f"{commit}:status.json")) for commit in commits]
        for each in told:
            check(each, secrets=self._secrets)
        for before, after in pairwise(told):
            _goes_on(before, after)
        return told

    def until(
        self,
        claim: Callable[[Document], object],
        what: str,
        *,
        read: Callable[[], Document] | None = None,
        within: timedelta = PATIENCE,
    ) -> Document:
        """The first status (on the VM unless `read` says otherwise) of which the claim is true."""
        last: list[Document] = []

        def holds() -> bool:
            last[:] = [(read or self.status)()]
            return bool(claim(last[0]))

        try:
            self.machine.wait_for(holds, what, within=within, unless=NOT_YET)
        except TimeoutError as error:
            error.add_note(f"the last status:\n{json.dumps(last, indent=1)[:6000]}")
            raise
        return last[0]

    def until_published(
        self, claim: Callable[[Document], object], what: str, *, within: timedelta = PATIENCE
    ) -> Document:
        return self.until(claim, f"{what}, on the branch", read=self.published, within=within)

    def _checked(self, place: str, told: Document) -> Document:
        check(told, secrets=self._secrets)
        if before := self._seen.get(place):
            _goes_on(before, told)
        self._seen[place] = told
        return told


def _goes_on(before: Document, after: Document) -> None:
    """What holds between two states of one VM, also when others came between them that nobody read."""
    assert after["generation"] >= before["generation"]
    assert after["heartbeat"]["time"] >= before["heartbeat"]["time"]
    for kind in {each["type"] for each in before["conditions"]}:
        since = condition(after, kind).get("lastTransitionTime")
        assert since is None or since >= condition(before, kind)["lastTransitionTime"], kind
    for name, count in before["counters"].items():
        assert after["counters"][name] >= count, name


def condition(told: Document, kind: str) -> dict[str, str]:
    """Empty when the status holds no such condition."""
    found: dict[str, str] = next((each for each in told["conditions"] if each["type"] == kind), {})
    return found


def holds(told: Document, kind: str, reason: str | None = None, *, status: str = "True") -> bool:
    found = condition(told, kind)
    return found.get("status") == status and reason in (None, found["reason"])


def is_ready(told: Document) -> bool:
    return holds(told, "Ready")


@contextmanager
def deployed(machine: Machine, scratch: Path, *, secrets: frozenset[str] = frozenset()) -> Iterator[Product]:
    """A machine whose user may keep services running (an administrator has said so), and an empty repository."""
    machine.root(f"loginctl enable-linger {USER}")
    product = Product(machine, scratch, secrets=secrets)
    try:
        yield product
    finally:
        product.server.down()


SMALL_APP = (Path(__file__).parent / "small_app.py").read_text()


def small(product: Product, *, service: str = "", rest: str = "") -> str:
    """desired-state.yaml for the small app, polled every 2 s. `service` and `rest` are lines of YAML to add."""
    return f"""\
apiVersion: gitops-vm/v1
app: small
service:
  exec: python app.py
  port: {product.port}
  notify: true
  readinessProbe: {{httpGet: {{path: /readyz}}, periodSeconds: 1}}
  startupProbe: {{httpGet: {{path: /healthz}}}}
{service}rollout: {{timeout: 10s, soak: 0s}}
sync: {{interval: 2s}}
{rest}"""


def files_of(product: Product, *, app: str = SMALL_APP, service: str = "", rest: str = "") -> dict[str, str]:
    """The whole repository of the small app."""
    return {"app.py": app, "desired-state.yaml": small(product, service=service, rest=rest)}
