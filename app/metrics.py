"""What Prometheus sees. The first seven names are those of the app this one descends from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from .config import Config
from .moods import Backend, Failure

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)
WHERE = ("local", "api")
STATES = ("up", "down", "unknown")

disable_created_metrics()  # a second series for each counter, which nobody asked for


class Metrics:
    """Of one process. Every request counts where it was answered, or should have been: by the local model, or by the API."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = {
            at: Counter(f"requests_{at}", f"Questions asked of the {at} model", ["task"], registry=registry)
            for at in WHERE
        }
        self._errors = {
            at: Counter(
                f"errors_{at}", f"Questions the {at} model did not answer", ["task", "reason"], registry=registry
            )
            for at in WHERE
        }
        self._latency = {
            at: Histogram(name, f"Seconds from question to answer, {at}", ["task"], buckets=SECONDS, registry=registry)
            for at, name in zip(
                WHERE, ("local_inference_latency_seconds", "api_generation_latency_seconds"), strict=True
            )
        }
        self._loaded = Gauge("local_model_loaded", "1 once the local model answers", registry=registry)
        self._pending = Gauge("questions_pending", "Asked and not answered yet", ["at"], registry=registry)
        self._ready = Gauge("app_ready", "1 once the app can answer", registry=registry)
        self._upstream = Gauge("upstream_state", "1 for the state it is in", ["task", "state"], registry=registry)
        self.cache_hits = Counter("answer_cache_hits", "Answers that cost no call", registry=registry)
        self._info = Gauge(
            "app_info", "What runs, always 1", ["mode", "model", "revision", "backend"], registry=registry
        )
        for at in WHERE:
            self._pending.labels(at)
            for task in ("mood", "thought"):
                self._requests[at].labels(task)
                self._latency[at].labels(task)

    @contextmanager
    def counted(self, task: str, backend: str) -> Iterator[None]:
        """Around one question of a backend."""
        at = "api" if backend == "api" else "local"
        self._requests[at].labels(task).inc()
        began = time.perf_counter()
        try:
            with self._pending.labels(at).track_inprogress():
                yield
        except Failure as failure:
            self._errors[at].labels(task, failure.reason).inc()
            raise
        self._latency[at].labels(task).observe(time.perf_counter() - began)
        if at == "local":
            self._loaded.set(1)

    def text(self, config: Config, state: Backend | Failure) -> bytes:
        """The exposition format, with what is true now."""
        backend = None if isinstance(state, Failure) else state
        self._ready.set(backend is not None)
        self._info.clear()
        self._info.labels(config.mode, config.model_name, config.revision or "", backend.name if backend else "").set(1)
        for task, upstream in (backend.upstream() if backend else {}).items():
            for each in STATES:
                self._upstream.labels(task, each).set(each == upstream.state)
        return generate_latest(self._registry)
