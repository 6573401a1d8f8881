"""A VM in memory: the same interfaces as the real one, simulated time, programs that fall ill on purpose."""

from __future__ import annotations

from tests.memory.host import MemoryHost
from tests.memory.program import End, Program
from tests.memory.releases import release_of, spec_of
from tests.memory.services import Clock, MemoryServices
from tests.memory.vm import Fault, PowerCut

__all__ = ["Clock", "End", "Fault", "MemoryHost", "MemoryServices", "PowerCut", "Program", "release_of", "spec_of"]
