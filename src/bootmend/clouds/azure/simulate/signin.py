"""Sign-in: tokens that the double takes, and the managed-identity endpoint that azure-identity asks for one.

401 answers: https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
(AuthenticationFailed) and https://github.com/microsoft/AzureStorageExplorer/issues/2048 (ExpiredAuthenticationToken).
The endpoint: https://learn.microsoft.com/azure/app-service/overview-managed-identity (REST endpoint reference); with
IDENTITY_ENDPOINT and IDENTITY_HEADER in the environment DefaultAzureCredential signs in here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from azure.core.credentials import AccessToken

from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call
from bootmend.clouds.azure.simulate.world import World, new_guid

_LIFETIME = 3600
IDENTITY_PATH = "/simulate/identity"
IDENTITY_HEADER = "bootmend-simulate"


class FakeCredential:
    """A credential that makes tokens which the double takes; counts how many were asked for."""

    def __init__(self, seconds: int = _LIFETIME) -> None:
        self.seconds = seconds
        self.asked = 0

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # noqa: ARG002  as azure-core calls it
        self.asked += 1
        return _token(int(time.time()) + self.seconds)


def check(world: World, headers: Mapping[str, str]) -> None:
    """A call without a token is let through unless one is required: the SDK sends none over plain http on its own."""
    token = headers.get("authorization", "").removeprefix("Bearer ").strip()
    if not token:
        if world.settings.get("token required"):
            raise ArmError(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        return
    kind, _, rest = token.partition(".")
    until = rest.partition(".")[0]
    if kind != "simulated" or not until.isdigit():
        raise ArmError(401, "InvalidAuthenticationToken", "The access token is invalid.")
    if int(until) <= world.clock.now() or int(until) <= world.settings.get("tokens end", 0):
        ended, now = (
            datetime.fromtimestamp(when, UTC).strftime("%m/%d/%Y %I:%M:%S %p") for when in (int(until), time.time())
        )
        raise ArmError(
            401,
            "ExpiredAuthenticationToken",
            f"The access token expiry UTC time '{ended}' is earlier than current UTC time '{now}'.",
        )


def expire_tokens(world: World) -> None:
    """All tokens handed out so far are of no more use; one made for longer than those is."""
    world.settings["tokens end"] = int(world.clock.now()) + _LIFETIME


def identity(call: Call) -> Answer:
    """A token for whoever knows the header."""
    if call.headers.get("x-identity-header") != IDENTITY_HEADER:
        return Answer(401, {"statusCode": 401, "message": "No or wrong X-IDENTITY-HEADER."})
    token = _token(int(time.time()) + _LIFETIME)
    return Answer(
        200,
        {
            "access_token": token.token,
            "expires_on": str(token.expires_on),
            "resource": call.query.get("resource", ""),
            "token_type": "Bearer",
        },
    )


def _token(until: int) -> AccessToken:
    return AccessToken(f"simulated.{until}.{new_guid()}", until)
