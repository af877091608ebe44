"""Boot diagnostics: the picture of a machine's screen and the log of its serial port.

The links that Azure gives to them hold for a while, so they are asked for once and then only the blobs are read.
https://learn.microsoft.com/rest/api/compute/virtual-machines/retrieve-boot-diagnostics-data
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bootmend.clouds.azure.answers import asking
from bootmend.clouds.azure.ids import ResourceId
from bootmend.clouds.azure.pace import Pace
from bootmend.disk.client import Client
from bootmend.disk.client import Patience as Tries
from bootmend.disk.url import Url
from bootmend.errors import BootmendError, CloudAway
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.clouds.azure.connection import Connection

_MINUTES = 60
_RENEWED_AFTER = 45 * 60.0
_MOST_PICTURE, _MOST_LOG = 16 << 20, 8 << 20
_FEW = Tries(tries=2, first_wait=0.2)
"""The next look comes soon."""


@dataclass(frozen=True, slots=True)
class Shown:
    picture: bytes | None = None
    picture_when: str | None = None
    log: str | None = None
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Links:
    picture: str
    log: str
    since: float


class Screens:
    def __init__(self, connection: Connection, pace: Pace) -> None:
        self._client = connection.client.virtual_machines
        self._pace = pace
        self._links: dict[str, _Links] = {}

    def of(self, machine: ResourceId) -> Shown:
        """What can be had; a machine without boot diagnostics shows nothing, and that is told."""
        try:
            links = self._of(machine)
        except CloudAway:
            raise
        except BootmendError as error:
            return Shown(unseen=(say("azure.no_boot_diagnostics", why=error),))
        unseen = []
        picture, when, log = None, None, None
        for link, most in ((links.picture, _MOST_PICTURE), (links.log, _MOST_LOG)):
            if not link:
                continue
            try:
                body, changed = _read(link, most)
            except BootmendError as error:
                unseen.append(say("azure.blob_unseen", why=error))
                self._links.pop(str(machine).lower(), None)
                continue
            if link == links.picture:
                picture, when = body or None, changed
            else:
                log = body.decode("utf-8", "replace").lstrip("\ufeff")
        return Shown(picture, when, log, tuple(unseen))

    def _of(self, machine: ResourceId) -> _Links:
        known = self._links.get(str(machine).lower())
        if known is not None and time.monotonic() - known.since < _RENEWED_AFTER:
            return known
        self._pace.wait(str(machine))
        with asking(machine.name):
            found = self._client.retrieve_boot_diagnostics_data(
                machine.group, machine.name, sas_uri_expiration_time_in_minutes=_MINUTES
            )
        links = _Links(
            found.console_screenshot_blob_uri or "", found.serial_console_log_blob_uri or "", time.monotonic()
        )
        self._links[str(machine).lower()] = links
        return links


def _read(link: str, most: int) -> tuple[bytes, str]:
    """The blob, and a mark that changes with it."""
    client = Client(Url.parse(link), _FEW)
    try:
        answer = client.ask("GET", (200,), most=most)
    finally:
        client.close()
    return answer.body, answer.headers.get("Last-Modified", "") + answer.headers.get("ETag", "")
