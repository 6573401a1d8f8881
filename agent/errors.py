"""What can go wrong, sorted by what the agent does next, and the closed list of reasons it gives."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a condition holds. PascalCase, closed, part of the contract of status.json (names as in Flux where it has one)."""

    SUCCEEDED = "Succeeded"
    RECONCILIATION_SUCCEEDED = "ReconciliationSucceeded"
    PROGRESSING = "Progressing"
    RETRYING = "ProgressingWithRetry"
    SUSPENDED = "Suspended"
    STOPPED = "Stopped"
    PINNED = "Pinned"
    GIT_OPERATION_FAILED = "GitOperationFailed"
    AUTHENTICATION_FAILED = "AuthenticationFailed"
    HOST_KEY_MISMATCH = "HostKeyMismatch"
    REF_NOT_FOUND = "RefNotFound"
    INVALID_SPEC = "InvalidSpec"
    INVALID_SOURCE = "InvalidSource"
    LIMIT_EXCEEDED = "LimitExceeded"
    BUILD_FAILED = "BuildFailed"
    PYTHON_NOT_FOUND = "PythonNotFound"
    INDEX_UNREACHABLE = "PackageIndexUnreachable"
    MODEL_UNAVAILABLE = "ModelUnavailable"
    HUB_UNREACHABLE = "ModelHubUnreachable"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    DISK_FULL = "DiskFull"
    PORT_IN_USE = "PortInUse"
    SERVICE_MANAGER_FAILED = "ServiceManagerFailed"
    HEALTH_CHECK_FAILED = "HealthCheckFailed"
    PROCESS_EXITED = "ProcessExited"
    SERVICE_DOWN = "ServiceDown"
    REVISION_REJECTED = "RevisionRejected"
    STATUS_PUSH_FAILED = "StatusPushFailed"
    BUSY = "AnotherAgentRuns"
    AGENT_UNREACHABLE = "AgentUnreachable"
    """What a verb with --on says; no status has it."""


class AgentError(Exception):
    """An expected failure: it becomes a condition in the report, never a traceback.

    `hint` is the line to type, if there is one; `evidence` is an excerpt for the report (redacted before it is published).
    """

    def __init__(self, reason: Reason, message: str, *, hint: str = "", evidence: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.hint = hint
        self.evidence = evidence

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class Transient(AgentError):
    """Time may cure it: keep what runs, retry later."""


class Stalled(AgentError):
    """Only a push cures it: keep what runs, wait for one."""


class Broken(AgentError):
    """Only somebody on the VM cures it: the message says exactly what to type."""
