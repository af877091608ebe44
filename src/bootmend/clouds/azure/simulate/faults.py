"""Faults on demand: the Nth call of a kind fails, is dropped, or sets an operation going that fails."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from bootmend.clouds.azure.simulate.wire import ArmError


@dataclass(slots=True)
class Fault:
    """Strikes the `nth` call that it matches, and the `times - 1` after it.

    `action` and `path` are patterns with wildcards; blobs have the actions blob/read and blob/write.
    do "answer": the answer is `status`, `code`, `message`. "drop before": the connection ends and nothing was done;
    "drop after": it was done, and nobody is told. "fail operation": accepted, and Failed in the end.
    """

    action: str = "*"
    path: str = "*"
    method: str = "*"
    nth: int = 1
    times: int = 1
    do: Literal["answer", "drop before", "drop after", "fail operation"] = "answer"
    status: int = 500
    code: str = "InternalServerError"
    message: str = "An error occurred in the double, as it was asked to."
    retry_after: int | None = None
    seen: int = 0

    def matches(self, method: str, action: str, path: str) -> bool:
        return (
            fnmatchcase(action.lower(), self.action.lower())
            and fnmatchcase(path.lower(), self.path.lower())
            and fnmatchcase(method, self.method)
        )

    def error(self) -> ArmError:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return ArmError(self.status, self.code, self.message, headers)


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.pending: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self.pending.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self.pending.clear()

    def strike(self, method: str, action: str, path: str) -> Fault | None:
        """The fault that hits this call; all that match it count it."""
        hit = None
        with self._lock:
            for fault in self.pending:
                if fault.matches(method, action, path):
                    fault.seen += 1
                    if hit is None and fault.nth <= fault.seen < fault.nth + fault.times:
                        hit = fault
        return hit


def no_capacity(action: str = "Microsoft.Compute/virtualMachines/start/action", nth: int = 1) -> Fault:
    """https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/allocation-failure"""
    return Fault(
        action=action,
        nth=nth,
        do="fail operation",
        status=409,
        code="AllocationFailed",
        message="Allocation failed. We do not have sufficient capacity for the requested VM size in this region.",
    )


def no_quota(action: str = "Microsoft.Compute/virtualMachines/write", nth: int = 1) -> Fault:
    """https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-resource-quota"""
    return Fault(
        action=action,
        nth=nth,
        status=409,
        code="OperationNotAllowed",
        message="Operation could not be completed as it results in exceeding approved Total Regional Cores quota.",
    )
