"""Opens the local backend that the environment means, as the app does, and prints as JSON what it said and answers."""

import json
import os
import sys

from app.backends import open_backend
from app.moods import Failure
from app.settings import prepared

lines: list[str] = []
try:
    backend = open_backend(prepared(os.environ), "local", lines.append)
except Failure as failure:
    json.dump({"said": lines, "reason": failure.reason, "message": failure.message}, sys.stdout)
else:
    json.dump(
        {
            "said": lines,
            "backend": backend.name,
            "device": backend.device,
            "scores": backend.scores(["I am so happy today!"]),
            "thoughts": [backend.thought("fear") for _ in range(int(os.environ.get("THOUGHTS", "0")))],
            "source": backend.thought_source,
        },
        sys.stdout,
    )
