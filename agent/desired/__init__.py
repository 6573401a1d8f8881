"""desired-state.yaml: the one file an operator edits, read strictly, merged for one VM, with every default filled in."""

from __future__ import annotations

from ..problems import InvalidSpec, Problem
from .model import AppSource, Python, Spec, Suspend
from .models import Model
from .read import parse
from .remotes import Ref
from .rollout import Backoff, Retry, Rollback, Rollout, SelfHeal, Strategy, Sync
from .service import HttpGet, Launched, Probe, Service

__all__ = [
    "AppSource",
    "Backoff",
    "HttpGet",
    "InvalidSpec",
    "Launched",
    "Model",
    "Probe",
    "Problem",
    "Python",
    "Ref",
    "Retry",
    "Rollback",
    "Rollout",
    "SelfHeal",
    "Service",
    "Spec",
    "Strategy",
    "Suspend",
    "Sync",
    "parse",
]
