"""`stuck_graph.py FOLDER WORD`: model.onnx there never comes to an end of a text with this word. Needs onnx alone."""

import json
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

folder, word = Path(sys.argv[1]), sys.argv[2]
token = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"][word]
model = onnx.load(folder / "model.onnx")
graph = model.graph
(output,) = graph.output
for node in graph.node:
    node.output[:] = ["answer" if name == output.name else name for name in node.output]
    node.input[:] = ["answer" if name == output.name else name for name in node.input]

body = helper.make_graph(
    [helper.make_node("Identity", ["goes_on"], ["still"]), helper.make_node("Identity", ["before"], ["after"])],
    "turn",
    [
        helper.make_tensor_value_info("turn", TensorProto.INT64, []),
        helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
        helper.make_tensor_value_info("before", TensorProto.FLOAT, None),
    ],
    [
        helper.make_tensor_value_info("still", TensorProto.BOOL, []),
        helper.make_tensor_value_info("after", TensorProto.FLOAT, None),
    ],
)
graph.initializer.extend(
    [
        helper.make_tensor("word", TensorProto.INT64, [], [token]),
        helper.make_tensor("endless", TensorProto.INT64, [], [2**62]),
        helper.make_tensor("yes", TensorProto.BOOL, [], [True]),
    ]
)
graph.node.extend(
    [
        helper.make_node("Equal", ["input_ids", "word"], ["is_word"]),
        helper.make_node("Cast", ["is_word"], ["as_number"], to=TensorProto.INT64),
        helper.make_node("ReduceMax", ["as_number"], ["found"], keepdims=0),
        helper.make_node("Mul", ["found", "endless"], ["turns"]),
        helper.make_node("Loop", ["turns", "yes", "answer"], [output.name], body=body),
    ]
)
onnx.save(model, folder / "model.onnx")
