"""`convert_tiny.py OUT [BOUND]`: the tiny model with a quantisation that turns every weight's sign, which must not get through.

BOUND is by how much the export may differ from torch; below zero none gets through.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from app.config import TINY_MODEL
from app.conversion import making
from app.conversion.graph import to_int8
from app.training.corpus import held_out


def bad(graph: Path, path: Path) -> None:
    to_int8(graph, path)
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT8:
            weights = numpy_helper.to_array(tensor)
            tensor.CopyFrom(numpy_helper.from_array(np.negative(weights), tensor.name))
    onnx.save(model, path)


if sys.argv[2:]:
    making.EXPORTED = float(sys.argv[2])
print(making.make(Path(TINY_MODEL), Path(sys.argv[1]), [example.text for example in held_out()], {}, bad))  # noqa: T201
