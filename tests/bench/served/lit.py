"""`lit.py MODEL PORT`: the same pipeline behind LitServe, batching as its documentation shows."""

from __future__ import annotations

import sys
from typing import Any

import litserve as ls
from transformers import pipeline


class Mood(ls.LitAPI):
    def setup(self, device: str) -> None:
        self.classify = pipeline("sentiment-analysis", model=sys.argv[1], device=device)

    def decode_request(self, request: dict[str, str]) -> str:
        return request["text"]

    def predict(self, texts: list[str]) -> list[dict[str, Any]]:
        return self.classify(texts, batch_size=16)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


if __name__ == "__main__":
    api = Mood(max_batch_size=16, batch_timeout=0.005, api_path="/api/mood")
    server = ls.LitServer(api, accelerator="cpu", healthcheck_path="/readyz")
    server.run(port=int(sys.argv[2]), host="127.0.0.1", generate_client_file=False, log_level="warning")
