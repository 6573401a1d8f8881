"""The program that starts a launched release in the app's own venv, and what the agent must know of it.

A copy of this directory lies in each release, with the pure-Python packages it borrows in `site/`. It runs under the
app's Python (3.10 or newer), so it imports the standard library and those packages only, never the rest of `agent`.

    python DIRECTORY --release ID --current LINK --private DIRECTORY --grace SECONDS gradio|asgi|wsgi TARGET
    python DIRECTORY --release ID --current LINK --private DIRECTORY --grace SECONDS [--notify] exec PROGRAM ARGUMENT...
"""

from __future__ import annotations

# In the private directory: where a release answers HTTP before (and while) it has the port, and where it is told what to do.
HTTP = "http"
CONTROL = "control"
AWAY = "away"  # beside these directories: where the page that answers for nobody (away.py) is told to rest

# What it answers on CONTROL, and says as STATUS= to the service manager.
ACCEPTING = "accepting"
RESTING = "resting"
DRAINING = "draining"

SITE = "site"  # the directory of the borrowed packages, beside this file
BORROWED = ("uvicorn", "h11", "click", "a2wsgi", "sdnotify", "typing_extensions")

EX_PORT_IN_USE = 98  # EADDRINUSE: a port that the app opens itself, which the release beside it may have
EX_CONFIG = 78  # sysexits.h: no start of this release can succeed, STATUS=refused: ... says why, and the agent tells it
