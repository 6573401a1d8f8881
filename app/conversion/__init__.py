"""From a model of transformers to graphs for ONNX Runtime. On a laptop, with requirements/convert.txt; no VM has these packages."""
