"""`python -m agent build`, which no person types: the process that makes an environment."""

from __future__ import annotations

from collections.abc import Mapping

from ..host.build_process import BuildProcess
from ..paths import Paths


def run(paths: Paths, environ: Mapping[str, str]) -> int:
    process = BuildProcess(paths.build, paths.venvs)
    process.announce()  # before anything else is imported: until then nobody could end it
    from ..host.build import make  # noqa: PLC0415

    make(process, paths, environ)
    return 0
