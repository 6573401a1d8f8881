"""Packages for a GPU, which a VM without one never fetches: torch for CUDA is 2.7 GB of them."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import Reason, Stalled
from ..lockfile import Kind, Lock
from ..source import Packages
from .command import Result

_MENTIONED = re.compile(rb"nvidia-cu(?:blas|dnn)")
_PLANNED = re.compile(r"^ \+ (nvidia-cu(?:blas|dnn)\S*)==", re.MULTILINE)  # as uv's dry run writes it, of 0.13
_DRIVER = (Path("/proc/driver/nvidia/version"), Path("/dev/nvidia0"))
_CURES = {
    Kind.UV: "name the index https://download.pytorch.org/whl/cpu for torch under [tool.uv.sources], then uv lock",
    Kind.PYLOCK: "uv pip compile --torch-backend cpu --format pylock.toml",
}
_CURE = "uv pip compile --torch-backend cpu"


def is_doubtful(lock: Lock, packages: Packages) -> bool:
    """Whether this lock may mean CUDA, on a VM that has no GPU and was not told to use one."""
    if packages.torch_backend not in {"auto", "cpu"} or any(path.exists() for path in _DRIVER):
        return False
    return any(_MENTIONED.search(data) for _, data in lock.files)


def refuse_cuda(lock: Lock, rehearsal: Result) -> None:
    """Raises Stalled where a dry run of the installation has planned for CUDA."""
    if found := _PLANNED.findall(rehearsal.stderr.decode(errors="replace")):
        message = f"{lock.path} pins CUDA ({', '.join(found)}), and this VM has no GPU"
        hint = f"{_CURES.get(lock.kind, _CURE)}; or torchBackend in source.yaml, if CUDA is meant"
        raise Stalled(Reason.BUILD_FAILED, message, hint=hint)
