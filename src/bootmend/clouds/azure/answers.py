"""What Azure answers when it does not do it: one clear sentence each, told by type and code, never by its wording.

    no sign-in, an expired one (401)          CloudAway   `az login`
    no network, 429 to the end, 5xx           CloudAway   later
    no place for the machine                  CloudAway   later (AllocationFailed, ZonalAllocationFailed ...)
    somebody else at it (409, some codes)     CloudAway   later
    not allowed (403)                         Refused     which action, on what
    locked (ScopeLocked)                      Refused
    not there (404)                           Missing
    anything else it says no to               Refused     its code and its words

https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)

from bootmend.errors import BootmendError, CloudAway, Missing, Refused
from bootmend.texts import say

_NO_ROOM = frozenset(("AllocationFailed", "ZonalAllocationFailed", "OverconstrainedAllocationRequest"))
"""https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/allocation-failure"""
_BUSY = frozenset(
    (
        "AnotherOperationInProgress",
        "Conflict",
        "OperationPreempted",
        "RetryableError",
        "RetryableErrorDueToAnotherOperation",
    )
)
"""Somebody else's change of the same thing is under way:
https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/error-messages"""
_MOST_WORDS = 400
_ACTION = re.compile(r"perform action '([\w./*]{1,200})'")


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Turns every error of the SDK into one of ours; `what` is the name of what was asked for."""
    try:
        yield
    except AzureError as error:
        raise told(error, what) from error


def told(error: AzureError, what: str) -> BootmendError:
    if isinstance(error, HttpResponseError):
        return _answered(error, what)
    if isinstance(error, ClientAuthenticationError):
        return _no_sign_in(error)
    if isinstance(error, (ServiceRequestError, ServiceResponseError, IncompleteReadError)):
        return CloudAway(say("azure.no_answer", what=what, why=_words(error)))
    return CloudAway(say("azure.no_answer", what=what, why=_words(error)))


def word(value: object) -> str:
    """A word of Azure's: the SDK gives those it knows as members of an enum, others as they came."""
    return "" if value is None else str(getattr(value, "value", value))


def code_of(error: HttpResponseError) -> str:
    """Azure's word for it; that of the operation where one failed on its way."""
    inner = getattr(error, "error", None)
    return str(getattr(inner, "code", "") or "")


def _answered(error: HttpResponseError, what: str) -> BootmendError:
    status, code, words = error.status_code or 0, code_of(error), _words(error)
    if status == 401 or (isinstance(error, ClientAuthenticationError) and status != 403):
        return _no_sign_in(error)
    if code in _NO_ROOM:
        return CloudAway(say("azure.no_room", what=what, why=words))
    if code in _BUSY:
        return CloudAway(say("azure.busy", what=what, code=code, why=words))
    if code == "ScopeLocked":
        return Refused(say("azure.locked", what=what), say("azure.locked_next"))
    if code == "RequestDisallowedByPolicy":  # https://learn.microsoft.com/azure/governance/policy
        return Refused(say("azure.policy", what=what, why=words), say("azure.policy_next"))
    if status == 403:
        action = _ACTION.search(error.message or "")
        next_step = say("azure.forbidden_next")
        if action is not None:
            return Refused(say("azure.forbidden_action", what=what, action=action[1]), next_step)
        return Refused(say("azure.forbidden", what=what, why=words), next_step)
    if isinstance(error, ResourceNotFoundError) or status == 404:
        return Missing(say("azure.not_there", what=what, code=code or "404"))
    if status == 429 or status >= 500:
        return CloudAway(say("azure.overloaded", what=what, code=code or status, why=words))
    return Refused(say("azure.said_no", what=what, code=code or status, why=words), say("azure.said_no_next"))


def _no_sign_in(error: AzureError) -> CloudAway:
    """Its first sentence: the rest lists all the ways to sign in that there are."""
    return CloudAway(say("azure.no_sign_in", why=_words(error).partition(". ")[0].rstrip(".") + "."))


def _words(error: AzureError) -> str:
    """The first lines of what it says, without whatever looks like a signature."""
    inner = getattr(error, "error", None)
    text = str(getattr(inner, "message", "") or error.message or type(error).__name__)
    line = " ".join(text.split())
    line = re.sub(r"(?i)(sig|signature)=[^&\s'\"]+", r"\1=...", line)
    return line if len(line) <= _MOST_WORDS else line[:_MOST_WORDS] + "..."
