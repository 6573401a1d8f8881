"""`python DIRECTORY ...`: loads the package under a name that no module of an app has, and leaves sys.path to the app."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path

NAME = "gitops_vm_launcher"
HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != HERE]
    spec = importlib.util.spec_from_file_location(NAME, HERE / "__init__.py", submodule_search_locations=[str(HERE)])
    assert spec is not None  # noqa: S101 - for the type checker: every file has both
    assert spec.loader is not None  # noqa: S101
    sys.modules[NAME] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    program, leaving = (importlib.import_module(f"{NAME}.{name}") for name in ("program", "leaving"))
    leaving.leave(program.main(sys.argv[1:], os.environ))
