"""What was made, from what, with what: manifest.json beside a model's files."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

MADE_WITH = ("torch", "transformers", "tokenizers", "onnx", "onnxscript", "onnxruntime")


def write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    """Last of all files: it has their digests. Everybody may read them then."""
    files = sorted(path for path in folder.iterdir() if path.name != "manifest.json")
    manifest = {
        **facts,
        "madeWith": {"python": platform.python_version()} | {name: version(name) for name in MADE_WITH},
        "sha256": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    for path in folder.iterdir():
        # save_pretrained writes weights with mode 0600; the service may run as somebody else.
        path.chmod(0o644)
