"""Which Windows on this disk is the one that boots.

The boot chain decides where it leads to a folder that is there; otherwise any volume with a
`\\Windows\\System32\\config\\SYSTEM`. A disk without one is told what it is instead.
"""

from __future__ import annotations

from bootmend.errors import Missing, Refused
from bootmend.texts import say
from bootmend.windows.bootchain import read_boot_chain
from bootmend.windows.donor import Given
from bootmend.windows.image import Image, describe, locked_volumes
from bootmend.windows.installation import Windows

SYSTEM_HIVE = "System32\\config\\SYSTEM"
MOST_WINDOWS = 16
"""Installations on one disk; a table of partitions that all are the same one must not be read for each."""


def find_windows(image: Image, given: Given) -> list[Windows]:
    """Every installation, the one that boots first. Raises Missing or Refused (all locked) with a plain answer."""
    chain = read_boot_chain(image)
    found: list[Windows] = []
    places: list[tuple[int, str]] = []
    if chain.windows_volume is not None:
        places.append((chain.windows_volume, chain.windows_path))
    places.extend((number, "\\Windows") for number, volume in image.volumes() if volume.kind == "ntfs")
    for number, path in dict.fromkeys(places):
        if any(w.volume == number and w.path.lower() == path.lower() for w in found):
            continue
        if number in dict(image.volumes()) and image.volume(number).exists(f"{path}\\{SYSTEM_HIVE}"):
            found.append(Windows(image, number, path, chain, given))
        if len(found) == MOST_WINDOWS:
            break
    if found:
        return found
    locked = locked_volumes(image)
    if locked:
        numbers = ", ".join(str(number) for number in locked)
        raise Refused(say("windows.all_locked", numbers=numbers), say("windows.all_locked_next"))
    contents = "; ".join(f"{p.number}: {describe(image.content(p.number))}" for p in image.partitions)
    raise Missing(say("windows.none_here", disk=image.device.name, contents=contents or say("windows.no_partitions")))
