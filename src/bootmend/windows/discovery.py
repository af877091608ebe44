"""Which Windows on this disk is the one that boots.

The boot chain decides where it leads to a folder that is there; otherwise any volume with a folder in its
root that holds `System32\\config\\SYSTEM`. A disk without one is told what it is instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from bootmend.errors import InputError, Missing, Refused
from bootmend.texts import say
from bootmend.volumes.detect import Locked
from bootmend.volumes.volume import Volume
from bootmend.windows.bootchain import BootChain, read_boot_chain
from bootmend.windows.donor import Given
from bootmend.windows.image import Image, address, describe, locked_volumes
from bootmend.windows.installation import KERNEL, Windows

SYSTEM_HIVE = "System32\\config\\SYSTEM"
MOST_ROOT_FOLDERS = 500
MOST_WINDOWS = 16
"""Installations on one disk; a table of partitions that all are the same one must not be read for each."""


def find_windows(image: Image, given: Given) -> list[Windows]:
    """Every installation, the one that boots first. Raises Missing or Refused (encrypted) with a plain answer."""
    chain = read_boot_chain(image)
    _refuse_locked(image, chain)
    found: list[Windows] = []
    for number, path in _places(image, chain):
        if not any(w.volume == number and w.path.lower() == path.lower() for w in found):
            found.append(Windows(image, number, path, chain, given))
        if len(found) == MOST_WINDOWS:
            break
    if not found:
        raise _none(image, chain)
    chain.installations = [(one.volume, one.path) for one in found]
    if chain.windows_volume is not None and not found[0].boots_by_default:
        named = address(chain.windows_volume, chain.windows_path)
        chain.notes.append(say("windows.boots_elsewhere", named=named, taken=found[0].where("").rstrip("\\")))
    return found


def _refuse_locked(image: Image, chain: BootChain) -> None:
    """What boots is encrypted: another Windows beside it is not the one that was asked for."""
    number = chain.windows_volume
    if number is not None and isinstance(image.content(number), Locked):
        raise Refused(say("windows.boots_locked", number=number), say("windows.all_locked_next"))


def _places(image: Image, chain: BootChain) -> Iterator[tuple[int, str]]:
    """Where a Windows folder stands: the default entry's first, then those with a SYSTEM hive, then those without."""
    readable = dict(image.volumes())
    candidates: list[tuple[int, str]] = []
    if chain.windows_volume in readable:
        candidates.append((chain.windows_volume, chain.windows_path))
    for number, volume in readable.items():
        if volume.kind == "ntfs":
            candidates.extend((number, path) for path in _root_folders(volume))
    whole = [place for place in candidates if _stands(readable[place[0]], f"{place[1]}\\{SYSTEM_HIVE}")]
    # Without its SYSTEM hive it is still the machine's Windows: the hive's own error is the answer then.
    gutted = [place for place in candidates if _stands(readable[place[0]], f"{place[1]}\\{KERNEL}")]
    default = [place for place in candidates[:1] if chain.windows_volume == place[0]]
    yield from (place for place in default if place in whole or place in gutted)
    yield from whole
    yield from gutted


def _root_folders(volume: Volume) -> list[str]:
    """\\Windows first; an old or renamed one (\\WINNT) has another name."""
    with suppress(InputError):
        names = [entry.name for entry in volume.listdir("\\") if entry.directory][:MOST_ROOT_FOLDERS]
        return ["\\Windows", *(f"\\{name}" for name in sorted(names) if name.lower() != "windows")]
    return ["\\Windows"]


def _stands(volume: Volume, path: str) -> bool:
    """Damage on the way to it, on some data volume perhaps, is no reason to give up the whole disk."""
    with suppress(InputError):
        return volume.exists(path)
    return False


def _none(image: Image, chain: BootChain) -> Refused | Missing:
    locked = locked_volumes(image)
    if locked:
        numbers = ", ".join(str(number) for number in locked)
        return Refused(say("windows.all_locked", numbers=numbers), say("windows.all_locked_next"))
    contents = "; ".join(f"{p.number}: {describe(image.content(p.number))}" for p in image.partitions)
    none = say("windows.none_here", disk=image.device.name, contents=contents or say("windows.no_partitions"))
    # Why it is not found may well be what is wrong with the table: the disk was cut short, its GPT is gone.
    return Missing(" ".join([none, *image.table.warnings, *_hints(image, chain)]))


def _hints(image: Image, chain: BootChain) -> Iterator[str]:
    """Where the Windows that was looked for may be."""
    if chain.hive is not None and chain.windows_volume is not None:
        content = describe(image.content(chain.windows_volume))
        place = address(chain.windows_volume, chain.windows_path)
        yield say("rules_boot.none_leads_here", store=chain.where, place=place, content=content)
    elif chain.hive is not None:
        yield say("rules_boot.none_leads_away", store=chain.where)
    elif image.table.kind == "none" and not any(image.volumes()):
        yield say("rules_boot.none_table")
