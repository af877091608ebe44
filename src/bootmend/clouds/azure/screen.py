"""Boot diagnostics: the picture of a machine's screen and the log of its serial port.

https://learn.microsoft.com/rest/api/compute/virtual-machines/retrieve-boot-diagnostics-data
"""

from __future__ import annotations

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
        picture, when = _read(picture_link, _MOST_PICTURE, unseen)
        log, _ = _read(log_link, _MOST_LOG, unseen)
        text = log.decode("utf-8", "replace").lstrip("\ufeff") if log is not None else None
        return Shown(picture or None, when, text, tuple(unseen))

    def _links(self, machine: ResourceId) -> tuple[str, str]:
        """Asked for at every look: whether an older link shows a newer picture is told nowhere."""
        self._pace.wait(str(machine))
        with asking(machine.name):
            found = self._client.retrieve_boot_diagnostics_data(
                machine.group, machine.name, sas_uri_expiration_time_in_minutes=_MINUTES
            )
        return found.console_screenshot_blob_uri or "", found.serial_console_log_blob_uri or ""


def _read(link: str, most: int, unseen: list[str]) -> tuple[bytes | None, str | None]:
    """The blob, and a mark that changes with it; why it cannot be read goes to `unseen`."""
    if not link:
        return None, None
    try:
        client = Client(Url.parse(link), _FEW)
        try:
            answer = client.ask("GET", (200,), most=most)
        finally:
            client.close()
    except BootmendError as error:
        unseen.append(say("azure.blob_unseen", why=error))
        return None, None
    return answer.body, answer.headers.get("Last-Modified", "") + answer.headers.get("ETag", "")
