"""Which store a line means: the one the machine boots from, or one that is named.

bcdedit's `/store` names a file by a drive letter of the machine it runs on. Here every letter is this
disk: `F:\\boot\\bcd` and `S:\\EFI\\Microsoft\\Boot\\BCD` both mean the store the machine boots from,
wherever that is; any other path is looked for on the boot volume, then on Windows', then on the rest.
`3:\\EFI\\...` and `\\Device\\HarddiskVolume3\\...` name the volume and are taken as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bootmend.errors import Missing, Misuse
from bootmend.texts import say
from bootmend.windows.bootchain import BootChain
from bootmend.windows.firmware import BIOS_STORE, UEFI_STORE
from bootmend.windows.image import Image, address

_VOLUME = re.compile(r"(?:(\d{1,4}):|\\Device\\HarddiskVolume(\d{1,4}))(\\.*)", re.IGNORECASE)
_LETTER = re.compile(r"[A-Za-z]:(.*)")


@dataclass(frozen=True, slots=True)
class StorePlace:
    volume: int
    path: str
    notes: tuple[str, ...] = ()
    """What to tell the user about how it was found."""

    @property
    def where(self) -> str:
        return address(self.volume, self.path)


def find_store(image: Image, chain: BootChain, named: str = "") -> StorePlace:
    """Raises Missing where there is no such store, Misuse for what names no file of this disk."""
    if not named:
        return _machines_own(image, chain)
    word = named.replace("/", "\\")
    if word.startswith("\\\\"):
        raise Misuse(say("bcdedit.store_remote", store=named))
    on_volume = _VOLUME.fullmatch(word)
    if on_volume:
        number, path = int(on_volume.group(1) or on_volume.group(2)), on_volume.group(3)
        if not image.has_file(number, path):
            raise Missing(say("bcdedit.no_such_store", store=named, machine=_own_address(chain)))
        return StorePlace(number, path)
    letter = _LETTER.fullmatch(word)
    path = "\\" + (letter.group(1) if letter else word).lstrip("\\")
    if path == "\\" or ":" in path:
        raise Misuse(say("bcdedit.store_no_file", store=named))
    if chain.hive is not None and path.lower() in (BIOS_STORE.lower(), UEFI_STORE.lower(), chain.hive.path.lower()):
        place = _machines_own(image, chain)
        return StorePlace(place.volume, place.path, (*place.notes, say("bcdedit.own", store=named, where=place.where)))
    for number in _volumes(image, chain):
        if image.has_file(number, path):
            place = StorePlace(number, path)
            return StorePlace(number, path, (say("bcdedit.found", store=named, where=place.where),))
    raise Missing(say("bcdedit.no_such_store", store=named, machine=_own_address(chain)))


def _machines_own(image: Image, chain: BootChain) -> StorePlace:
    if chain.hive is None:
        tried = " ".join(chain.notes)
        raise Missing(say("bcdedit.no_store", disk=image.device.name, notes=tried).rstrip())
    return StorePlace(chain.hive.volume, chain.hive.path, tuple(chain.notes))


def _own_address(chain: BootChain) -> str:
    return say("bcdedit.own_address", where=chain.where) if chain.where else ""


def _volumes(image: Image, chain: BootChain) -> Iterator[int]:
    """The boot volume, Windows' volume, then every other that can be read."""
    first = [chain.hive.volume if chain.hive is not None else None, chain.windows_volume]
    readable = [number for number, _ in image.volumes()]
    yield from dict.fromkeys([each for each in first if each in readable] + readable)
