"""What a browser shows while the pages load: no script, no request but for itself, again every two seconds."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse

from .faces import face

AGAIN = 2  # seconds

_STYLE = """
:root { color-scheme: light dark; --paper: #faf6ee; --text: #2a2622; --soft: #655d54; --skin: #f2b632; }
@media (prefers-color-scheme: dark) { :root { --paper: #17181a; --text: #f1ece3; --soft: #b5ada1; } }
body { margin: 0; min-height: 100vh; display: grid; place-content: center; justify-items: center; text-align: center;
       gap: .5rem; padding: 1rem; box-sizing: border-box; background: var(--paper); color: var(--text);
       font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { margin: .5rem 0; font: 600 1.7rem/1.2 "Iowan Old Style", Palatino, "Palatino Linotype", "P052", Georgia, serif; }
p { margin: 0; max-width: 34rem; color: var(--soft); }
.face { width: 96px; animation: breathe 2s ease-in-out infinite; }
.skin { fill: var(--skin); } .ink { fill: #2a2622; }
.line { fill: none; stroke: #2a2622; stroke-width: 3.5; stroke-linecap: round; }
@keyframes breathe { 50% { transform: scale(1.06); } }
@media (prefers-reduced-motion: reduce) { .face { animation: none; } }
"""


def loading_page(doing: str) -> HTMLResponse:
    body = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{AGAIN}"><meta name="robots" content="noindex"><title>Starting · Mood</title>
<link rel="icon" href="data:,"><style>{_STYLE}</style></head>
<body><div>{face("joy")}</div><main><h1>Just waking up</h1>
<p role="status">{escape(doing)}</p><p>This page looks again by itself.</p></main></body></html>"""
    return HTMLResponse(body, status_code=503, headers={"retry-after": str(AGAIN), "cache-control": "no-store"})
