"""What this machine can do: memory that is left, and what its processor is good at."""

from __future__ import annotations

from pathlib import Path

from ..moods import Failure

MEGA = 1000**2
# Loaded, a graph takes its size twice for a moment: the file, and the weights in the order that the processor likes.
# torch maps the file, but brings its libraries.
SHARE = {"onnx": 2.0, "transformers": 1.3}
LIBRARIES = {"onnx": 60 * MEGA, "transformers": 350 * MEGA}


def estimated(kind: str, weights: int) -> int:
    """The memory that a model takes; both in bytes."""
    return int(weights * SHARE[kind]) + LIBRARIES[kind]


def must_fit(model: str, kind: str, weights: int) -> None:
    """`weights` in bytes. Raises Failure with what is needed and what is there."""
    needed, there = estimated(kind, weights), memory()
    if needed > there:
        raise Failure(
            "MemoryShort",
            f"{model} needs about {needed // MEGA} MB of memory, and {there // MEGA} MB are available. "
            "Choose a smaller model or one with an int8 ONNX file (MODEL=...), or give the VM more memory.",
            passing=True,
        )


def memory(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that this process can still take: what the machine has, and less where a control group says so."""
    lines = (proc / "meminfo").read_text().splitlines()
    machine = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    return min([machine, *_rooms(proc, cgroups)])


def _rooms(proc: Path, cgroups: Path) -> list[int]:
    """Under each limit from this process's control group up to the root (cgroup v2: Documentation/admin-guide/cgroup-v2.rst)."""
    try:
        own = (proc / "self/cgroup").read_text().partition("0::/")[2].strip()
    except OSError:
        return []
    group = cgroups / own
    groups = [group, *group.parents[: len(Path(own).parts)]]
    return [room for each in groups if (room := _room(each)) is not None]


def _room(group: Path) -> int | None:
    try:
        limits = [(group / name).read_text().strip() for name in ("memory.max", "memory.high")]
        used = int((group / "memory.current").read_text())
        cached = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    bounds = [int(limit) for limit in limits if limit != "max"]
    # Pages of files that nobody used lately are given up before anything is refused.
    return max(0, min(bounds) - used + int(cached.get("inactive_file", 0))) if bounds else None


def multiplies_bytes(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Without these instructions ONNX Runtime's int8 is hardly quicker, and on AVX2 it may saturate: fp32 is taken if there is a choice.

    https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
    """
    text = cpuinfo.read_text()
    return any(flag in text for flag in ("avx512_vnni", "avx_vnni", "asimddp"))
