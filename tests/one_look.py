"""One question to the Windows of a disk, without the whole of a diagnosis."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from strange_machines import Strange

from bootmend.windows.discovery import find_windows
from bootmend.windows.image import Image
from bootmend.windows.installation import Windows

Answer = TypeVar("Answer")


def look(odd: Strange, ask: Callable[[Windows], Answer]) -> Answer:
    image = Image(odd.disk)
    try:
        return ask(find_windows(image, odd.given)[0])
    finally:
        image.close()
