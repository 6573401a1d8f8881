"""base < mode < host: the specifications that one file holds, before they are validated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ..problems import Findings
from ..strict_yaml import Node
from .suggest import unknown_key
from .texts import HOST, HOST_RULE, NAME, NAME_RULE

MAX_MODES = 20
MAX_HOSTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`modes` or `hosts`: what a part of it may hold, and how it may be called."""

    key: str
    holds: tuple[str, ...]
    name: str
    rule: str
    most: int


MODES = Kind(key="modes", holds=("python", "service", "models"), name=NAME, rule=NAME_RULE, most=MAX_MODES)
HOSTS = Kind(
    key="hosts",
    holds=("mode", "suspend", "restartedAt", "python", "service", "models", "rollout", "sync"),
    name=HOST,
    rule=HOST_RULE,
    most=MAX_HOSTS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One merged specification. `title` says whose it is; one that is not `whole` may lack what another layer adds."""

    root: Node
    title: str = ""
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """The parts of a file: what holds everywhere, and what differs by mode and by host."""

    base: Node
    modes: Mapping[str, Node]
    hosts: Mapping[str, Node]

    def every(self, host: str) -> Iterator[Layer]:
        """The specification of `host` first, then every other one the file can mean."""
        yield Layer(root=self._of(host))
        if self.modes or self.hosts:
            yield Layer(root=self.base, whole=False)
        for name, mode in self.modes.items():
            yield Layer(root=merged(self.base, mode), title=f"in mode {name}", whole=not self.hosts)
        for name in self.hosts:
            yield Layer(root=self._of(name), title=f"on host {name}")

    def name_their_mode(self, host: str, findings: Findings) -> None:
        """Where modes are described, every VM runs one of them."""
        for name in (host, *self.hosts) if self.modes else ():
            mode = self._mode(name)
            if mode is None:
                findings.add(self.base.line, ("mode",), f"is missing; write one of {', '.join(self.modes)}")
            elif mode.value not in self.modes:
                findings.add(
                    mode.line, mode.path, f"is not described under modes; write one of {', '.join(self.modes)}"
                )

    def _of(self, host: str) -> Node:
        mode, part = self._mode(host), self.hosts.get(host)
        described = self.modes.get(mode.text) if mode else None
        root = merged(self.base, described) if described else self.base
        return merged(root, part) if part else root

    def _mode(self, host: str) -> Node | None:
        part = self.hosts.get(host)
        return (part.child("mode") if part else None) or self.base.child("mode")


def split(root: Node, findings: Findings) -> Layers:
    """The layers of a file; what is no layer at all is noted and left out."""
    modes, hosts = _parts(root, MODES, findings), _parts(root, HOSTS, findings)
    return Layers(base=_without(root, {MODES.key, HOSTS.key}), modes=modes, hosts=hosts)


def merged(base: Node, over: Node) -> Node:
    """Maps merge key by key, anything else is replaced. Every value keeps the place it came from."""
    if not isinstance(base.value, Mapping) or not isinstance(over.value, Mapping):
        return over
    items = dict(base.value)
    for key, item in over.value.items():
        items[key] = merged(items[key], item) if key in items else item
    return replace(base, value=items)


def _parts(root: Node, kind: Kind, findings: Findings) -> dict[str, Node]:
    node = root.child(kind.key)
    if node is None:
        return {}
    if not isinstance(node.value, Mapping) or len(node.value) > kind.most:
        findings.add(node.line, node.path, f"write a map of at most {kind.most} names, each with what differs there")
        return {}
    named = ((name, part) for name, part in node.value.items() if _named(name, part, kind, findings))
    return {name: _part(part, kind, findings) for name, part in named}


def _named(name: str, part: Node, kind: Kind, findings: Findings) -> bool:
    if re.fullmatch(kind.name, name):
        return True
    findings.add(part.line, part.path, f"is not a name; {kind.rule}")
    return False


def _part(part: Node, kind: Kind, findings: Findings) -> Node:
    if not isinstance(part.value, Mapping):
        findings.add(part.line, part.path, f"write a map with any of {', '.join(kind.holds)}")
        return replace(part, value={})
    unknown = {key: child for key, child in part.value.items() if key not in kind.holds}
    for key, child in unknown.items():
        findings.add(child.line, child.path, unknown_key(key, kind.holds))
    return _without(part, set(unknown))


def _without(node: Node, keys: set[str]) -> Node:
    if not isinstance(node.value, Mapping):
        return node
    return replace(node, value={key: item for key, item in node.value.items() if key not in keys})
