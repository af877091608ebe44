"""Boot diagnostics: the picture of a machine's screen and the log of its serial port.

https://learn.microsoft.com/rest/api/compute/virtual-machines/retrieve-boot-diagnostics-data
"""

from __future__ import annotations

import re
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

_MINUTES = 10
_MOST_PICTURE, _MOST_LOG = 16 << 20, 8 << 20
_FEW = Tries(tries=2, first_wait=0.2)
"""The next look comes soon."""


@dataclass(frozen=True, slots=True)
class Shown:
    picture: bytes | None = None
    picture_when: str | None = None
    log: str | None = None
    log_size: int | None = None
    """Of the whole log, in bytes; `log` may be its end only."""
    unseen: tuple[str, ...] = ()


class Screens:
    def __init__(self, connection: Connection, pace: Pace) -> None:
        self._client = connection.client.virtual_machines
        self._pace = pace

    def of(self, machine: ResourceId) -> Shown:
        """What can be had; a machine without boot diagnostics shows nothing, and that is told."""
        try:
            picture_link, log_link = self._links(machine)
        except CloudAway:
            raise
        except BootmendError as error:
            return Shown(unseen=(say("azure.no_boot_diagnostics", why=error),))
        unseen: list[str] = []
        picture, when, _ = _read(picture_link, _MOST_PICTURE, unseen)
        log, _, size = _read(log_link, _MOST_LOG, unseen, end=True)
        text = log.decode("utf-8", "replace") if log is not None else None
        return Shown(picture or None, when, text, size if size and size > _MOST_LOG else None, tuple(unseen))

    def _links(self, machine: ResourceId) -> tuple[str, str]:
        """Asked for at every look: whether an older link shows a newer picture is told nowhere."""
        self._pace.wait(str(machine))
        with asking(machine.name):
            found = self._client.retrieve_boot_diagnostics_data(
                machine.group, machine.name, sas_uri_expiration_time_in_minutes=_MINUTES
            )
        return found.console_screenshot_blob_uri or "", found.serial_console_log_blob_uri or ""


def _read(link: str, most: int, unseen: list[str], *, end: bool = False) -> tuple[bytes | None, str | None, int | None]:
    """The blob (with `end`, its last `most` bytes), a mark that changes with it, and its size.

    Why it cannot be read goes to `unseen`.
    """
    if not link:
        return None, None, None
    try:
        client = Client(Url.parse(link), _FEW)
        try:
            size = _size(client) if end else 0
            if size > most:  # a log: blobs know no ranges from the end
                answer = client.ask("GET", (206,), {"Range": f"bytes={size - most}-{size - 1}"}, most=most)
            else:
                answer = client.ask("GET", (200,), most=most)
        finally:
            client.close()
    except BootmendError as error:
        unseen.append(say("azure.blob_unseen", why=error))
        return None, None, None
    mark = answer.headers.get("Last-Modified", "") + answer.headers.get("ETag", "")
    return answer.body, mark, size if size > most else len(answer.body)


def _size(client: Client) -> int:
    """0 where it is not told."""
    told = client.ask("HEAD", (200,)).headers.get("Content-Length", "")
    return int(told) if re.fullmatch(r"\d{1,15}", told) else 0
