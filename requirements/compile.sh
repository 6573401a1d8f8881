#!/bin/sh
# Compile every lock: hashes, no index address. torch: for one platform, from the folder of CPU wheels in UV_FIND_LINKS
# (universal resolution would pull in 2.7 GB of CUDA).
set -eu
uv=$(realpath "$1")
cd "$(dirname "$0")"
for name in agent build dev api onnx; do
  "$uv" pip compile --quiet --universal --generate-hashes --python-version 3.11 "$name.in" -o "$name.txt"
done
for name in local convert; do
  "$uv" pip compile --quiet --generate-hashes --python-version 3.11 --python-platform x86_64-manylinux_2_28 "$name.in" -o "$name.txt"
done
