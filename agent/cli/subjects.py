"""What `watch` watches: each VM or URL is one thing that is well or not, with an outage and alerts of its own."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..addresses import shown
from ..errors import AgentError
from ..host.git_errors import public
from ..host.status_reader import read_remote
from ..vms import VM
from . import Misuse
from .fleet import chosen, fleet

if TYPE_CHECKING:
    from .verbs import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """`host` is what follows status/ in the name of a branch of `repo`. Empty: not looked at.

    `error`: why it is not known which branches `repo` has; it stands for all of them then.
    """

    name: str
    url: str = ""
    repo: str = ""
    host: str = ""
    error: str = ""

    @property
    def key(self) -> str:
        """A file name. Another place to look at is another subject, and begins anew."""
        place = f"{self.name}\0{self.url}\0{self.repo}\0{self.host}"
        digest = hashlib.sha256(place.encode()).hexdigest()
        return f"{re.sub(r'[^A-Za-z0-9.-]+', '-', self.name)[:60].strip('-.')}-{digest[:12]}"


def subjects(call: Call) -> list[Subject]:
    """Those named, or those of vms.ini. Raises Misuse when there is nothing to look at."""
    options, vms = call.options, fleet(call)
    urls = [each for each in options.targets if "://" in each]
    names = [each for each in options.targets if "://" not in each]
    if not options.targets and not options.remote:
        names = [name for name, vm in vms.items() if vm.url or vm.evidence]
    found = [_vm(chosen(name, vms)) for name in names] + _typed(urls, options.remote or "", options.host or "")
    if not found:
        raise Misuse("what to watch? write a URL, --remote URL of the repository, or a NAME of vms.ini (docs/vms.md)")
    return found


def _vm(vm: VM) -> Subject:
    if not vm.url and not vm.evidence:
        raise Misuse(f"[{vm.section}] in vms.ini has neither url nor repo: there is nothing to watch")
    return Subject(name=vm.section, url=vm.url, repo=vm.evidence, host=vm.name if vm.evidence else "")


def _typed(urls: list[str], remote: str, host: str) -> list[Subject]:
    """One URL and one host are one VM; else each is a subject of its own."""
    if host and not remote:
        raise Misuse("--host goes with --remote URL")
    if host and len(urls) == 1:
        return [Subject(name=host, url=urls[0], repo=remote, host=host)]
    return [*(Subject(name=shown(url), url=url) for url in urls), *(_reporting(remote, host) if remote else ())]


def _reporting(remote: str, host: str) -> list[Subject]:
    """The one asked for, or every VM that has a branch there."""
    try:
        hosts = [host] if host else sorted(read_remote(remote))
    except AgentError as error:
        return [Subject(name=public(remote), repo=remote, error=str(error))]
    return [Subject(name=each, repo=remote, host=each) for each in hosts]
