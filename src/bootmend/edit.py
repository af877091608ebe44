"""A single change that the user asked for by name (a switch, a bcdedit line, a file), start to end.

    device -> Overlay -> Image + Desk -> the edits -> settle() -> the overlay's patches -> commit

The disk itself is not touched before the commit, and a change that raises on the way leaves it as
it was. Unlike a repair nothing is diagnosed: the user said what he wants.
"""

from __future__ import annotations

from functools import cached_property

from bootmend.disk.device import BlockDevice
from bootmend.disk.overlay import Overlay
from bootmend.errors import Refused
from bootmend.signing.roots import Trust
from bootmend.texts import say
from bootmend.windows.desk import Desk
from bootmend.windows.discovery import find_windows
from bootmend.windows.donor import Given
from bootmend.windows.image import Image
from bootmend.windows.installation import Windows


class Edit:
    """One change in the making: edit `desk` (hives, stores) and `image` (files), then `settle`."""

    def __init__(self, device: BlockDevice, accept: frozenset[str] = frozenset()) -> None:
        self.device = device
        self.accept = accept
        self.overlay = Overlay(device)
        self.image = Image(self.overlay, accept=accept)
        self.desk = Desk(self.image, accept)

    @cached_property
    def windows(self) -> Windows:
        """The Windows that boots from this disk. Raises Missing or Refused where there is none to edit."""
        found = find_windows(self.image, Given(Trust()))[0]
        if self.image.volume(found.volume).state().hibernated:
            raise Refused(say("plan.hibernated", volume=found.volume), say("plan.hibernated_next"))
        return found

    def settle(self) -> int:
        """Everything is on the overlay; gives how many bytes would change. Edits after it are lost."""
        self.desk.save()
        self.image.close()
        return self.overlay.changed_bytes()
