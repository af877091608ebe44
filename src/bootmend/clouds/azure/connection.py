"""The way to Azure: who asks, in which subscription, at what pace.

Signing in is the SDK's own DefaultAzureCredential: environment, managed identity, `az login` and the like. The
subscription is the one given, that of AZURE_SUBSCRIPTION_ID, or the default one of `az`, which also knows of which
cloud it is (az_profile.py).
BOOTMEND_AZURE_SIMULATOR leads to the double of `bootmend azure simulate` instead: it is asked with a token that means
nothing, so that no real one ever goes there.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from azure.core.credentials import AccessToken
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.mgmt.compute import ComputeManagementClient
from requests.adapters import HTTPAdapter

from bootmend.clouds.azure.toll import Toll
from bootmend.errors import Misuse
from bootmend.texts import say

SIMULATOR = "BOOTMEND_AZURE_SIMULATOR"
_SUBSCRIPTION = "AZURE_SUBSCRIPTION_ID"
_POLLING = 5.0
"""Seconds between two questions after an operation, where Azure does not say how long."""
_DAY = 86_400
_CONNECTIONS = 256
"""More are opened where they are needed, and closed after one call."""


@dataclass(slots=True)
class Connection:
    client: ComputeManagementClient
    subscription: str
    haste: float = 1.0
    """How much faster than real time the other side goes: 1 on Azure, more on a double."""
    toll: Toll = field(default_factory=Toll)


def connect(subscription: str = "") -> Connection:
    """Nothing is asked yet. Misuse where no subscription is known."""
    # The SDK logs each of its troubles; what comes of them is told in one sentence (answers.py).
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    if simulator := os.environ.get(SIMULATOR):
        return _to_double(simulator)
    from azure.identity import DefaultAzureCredential

    from bootmend.clouds.azure.az_profile import subscription as known_as

    known = known_as(subscription or os.environ.get(_SUBSCRIPTION, ""))
    cloud, authority = known.setting
    place = {"authority": authority} if authority else {}
    credential = DefaultAzureCredential(exclude_interactive_browser_credential=True, **place)
    toll = Toll()
    client = ComputeManagementClient(
        credential, known.id, cloud_setting=cloud, polling_interval=_POLLING, **_ways(toll)
    )
    return Connection(client, known.id, toll=toll)


def to_url(url: str, subscription: str, haste: float, token: str = "") -> Connection:
    """A connection to a double on this computer. Misuse for any other place."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise Misuse(say("azure.strange_simulator", url=url))
    toll = Toll(haste)
    client = ComputeManagementClient(
        _NoCredential(),
        subscription,
        base_url=url,
        authentication_policy=_Token(token or f"simulated.{int(time.time()) + _DAY}.bootmend"),
        polling_interval=_POLLING / haste,
        **_ways(toll),
    )
    return Connection(client, subscription, haste, toll)


def _ways(toll: Toll) -> dict[str, Any]:
    """Every call pays its toll, and may have a connection of its own: many machines are repaired by many threads."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
    transport = RequestsTransport(session=session)
    return {"transport": transport, "raw_request_hook": toll.due, "raw_response_hook": toll.heard}


class _NoCredential:
    def get_token(self, *_scopes: str, **_: Any) -> AccessToken:
        return AccessToken("", 0)


class _Token(SansIOHTTPPolicy[Any, Any]):
    """The SDK's own policy sends tokens over https only, and rightly so."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.http_request.headers["Authorization"] = f"Bearer {self._token}"


def _to_double(words: str) -> Connection:
    """http://127.0.0.1:PORT/?subscription=...&pace=..., as `simulate` prints it."""
    parts = urlsplit(words)
    query = parse_qs(parts.query)
    try:
        haste = float(query.get("pace", ["1"])[0])
    except ValueError as error:
        raise Misuse(say("azure.strange_simulator", url=words)) from error
    subscription = query.get("subscription", [""])[0]
    if not subscription or not 0 < haste < 1e6:
        raise Misuse(say("azure.strange_simulator", url=words))
    return to_url(f"{parts.scheme}://{parts.netloc}", subscription, haste)
