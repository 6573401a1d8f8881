"""Makes the quick form of a model, for a VM to run: `python -m app.convert MODEL [--revision COMMIT] OUT`.

    uv venv convert && uv pip install --python convert -r requirements/convert.txt
    convert/bin/python -m app.convert bhadresh-savani/distilbert-base-uncased-emotion mood-int8

On a laptop: it needs torch and some minutes. MODEL is a directory or a hub id; OUT gets model.onnx, model_int8.onnx, the
small files and manifest.json. Exit code 1: int8 changed what the model says, and model.onnx is all there is.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from .backends.hub import Model
from .backends.local import located
from .conversion.making import Refused, make
from .moods import Failure
from .training.corpus import held_out


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m app.convert", description="a model as int8 ONNX, held against fp32"
    )
    parser.add_argument(
        "model", help="a directory, or a hub id such as distilbert/distilbert-base-uncased-finetuned-sst-2-english"
    )
    parser.add_argument("--revision", help="the commit of a hub id; else what its main branch is now")
    parser.add_argument("out", type=Path, help="the directory to fill")
    given = parser.parse_args()
    model = Model(name=given.model, revision=given.revision, token=os.environ.get("HF_TOKEN"))
    try:
        folder, facts = _fetched(model)
        verdict = make(folder, given.out, [example.text for example in held_out()], facts)
    except (Failure, Refused) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"int8 {verdict}\n")
    return 0 if verdict.passed else 1


def _fetched(model: Model) -> tuple[Path, dict[str, Any]]:
    """Its directory, and what is known of where it comes from."""
    pinned = model if model.is_directory else model.pinned()
    folder, _ = located(pinned, ["transformers"], _say)
    return folder, {"model": Path(model.name).name if model.is_directory else model.name, "revision": pinned.revision}


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
