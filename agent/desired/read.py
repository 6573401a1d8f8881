"""From the bytes of desired-state.yaml to what one VM shall run."""

from __future__ import annotations

from .. import strict_yaml
from .check import checked
from .layers import split
from .model import Spec


def parse(data: bytes, *, file: str = "desired-state.yaml", host: str, allow_local: bool = False) -> Spec:
    """What `host` shall run. Raises InvalidSpec with every problem of the whole file, also in parts meant for others.

    `file` is only for the messages. With `allow_local` the app's repository may be a path on this machine.
    """
    root, findings = strict_yaml.load(data, file=file)
    layers = split(root, findings)
    layers.name_their_mode(host, findings)
    specs = [
        checked(Spec, layer.root, findings, allow_local=allow_local, whole=layer.whole, title=layer.title)
        for layer in layers.every(host)
    ]
    findings.verdict()
    if specs[0] is None:
        raise AssertionError("a specification was refused without a problem")
    return specs[0]
