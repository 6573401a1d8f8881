# ruff: noqa: INP001 - sent as text to the machine it runs on: no package
"""modes.py REVISION: the names under `modes` in what that revision declares, from the agent's own copy of the repository.
Runs with the agent's own Python and changes nothing. Prints JSON: `file`, its path in the repository, and `modes`, the names
with a space between, empty for none.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta

import yaml

from agent.host import git
from agent.host.source_file import read_source
from agent.names import Revision, sha
from agent.paths import locate

paths = locate(os.environ, uid=os.getuid())
source = read_source(paths)
name = f"{sha(Revision(sys.argv[1]))}:{source.path}"
shown = git.local(paths.mirror(source.url), "show", name, deadline=timedelta(seconds=30))
declared = (yaml.safe_load(shown.text) if shown.ok else {}) or {}
json.dump({"file": source.path, "modes": " ".join(declared.get("modes") or {})}, sys.stdout)
