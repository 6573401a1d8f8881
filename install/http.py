# ruff: noqa: INP001, T201 - sent as text to the machine it runs on: no package
"""http.py URL: one look at it, from the machine this runs on, with whatever Python that has. Prints JSON: `code`, 0 when there
was no answer within ten seconds, and `error`, why.
"""

from __future__ import annotations

import http.client
import json
import sys
import urllib.error
import urllib.parse
import urllib.request


def look(url: str) -> dict[str, object]:
    request = urllib.request.Request(url, headers={"User-Agent": "gitops-vm"})  # noqa: S310 - as its caller made it
    # A proxy knows nothing of what is on this machine.
    near = urllib.parse.urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}
    opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if near else []))
    try:
        with opener.open(request, timeout=10) as answer:
            return {"code": answer.status, "error": ""}
    except urllib.error.HTTPError as error:
        return {"code": error.code, "error": ""}
    except (OSError, ValueError, http.client.HTTPException) as error:  # the last two: it does not speak HTTP
        return {"code": 0, "error": str(getattr(error, "reason", error))}


print(json.dumps(look(sys.argv[1])))
