"""Import and export tables, for images that name real functions of the kernel and of `ntdll`.

Sources: Microsoft, "PE Format", The .idata Section and The .edata Section.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from bootmend.lab import texts

_DESCRIPTOR = struct.Struct("<IIIII")
_EXPORT_DIRECTORY = struct.Struct("<IIHHIIIIIII")


@cache
def _functions() -> dict[str, list[str]]:
    """Module -> the functions of it that an image may import."""
    known: dict[str, list[str]] = {}
    names: list[str] = []
    source = resources.files("bootmend.lab").joinpath("imported_functions.txt")
    for line in source.read_text(encoding="ascii").splitlines():
        if line.startswith("["):
            names = known.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            names.append(line)
    return known


@dataclass(frozen=True, slots=True)
class ImportTable:
    """`data` begins with the import address tables (`iat_size` bytes); the descriptors stand at `descriptors`."""

    data: bytes
    iat_size: int
    descriptors: int
    descriptors_size: int


def usual_imports(kind: str, choice: random.Random, name: str = "") -> dict[str, list[str]]:
    """What an image of this kind (driver, exe, dll) and name might import; a driver always the first two."""
    own = _libraries().get(name.lower(), [])
    if kind != "driver":
        if own:
            return {library: _some(library, choice) for library in own}
        return {"ntdll.dll": sorted(choice.sample(_functions()["ntdll.dll"], 8))}
    known = _functions()
    kernel = choice.sample(known["ntoskrnl.exe"], choice.randint(12, 40))
    return {
        "ntoskrnl.exe": sorted({"IoCreateDevice", "IoDeleteDevice", *kernel}),
        "HAL.dll": sorted(choice.sample(known["HAL.dll"], choice.randint(1, 3))),
        **{library: list(known[library]) for library in own},
    }


def usual_exports(name: str) -> list[str]:
    """What an image of that name offers to others; nothing for most."""
    return next((names for module, names in _functions().items() if module.lower() == name.lower()), [])


def _some(library: str, choice: random.Random) -> list[str]:
    """A few of a library's functions: all of a small one."""
    known = _functions()[library]
    return sorted(choice.sample(known, min(len(known), 8)))


@cache
def _libraries() -> dict[str, list[str]]:
    """Name of an image -> libraries it imports from, beside those of its kind."""
    found: dict[str, list[str]] = {}
    for image, library in texts.rows("imports"):
        found.setdefault(image.lower(), []).append(library)
    return found


def import_table(rva: int, imports: Mapping[str, Sequence[str]], thunk_size: int) -> ImportTable:
    """The table for `imports` (module -> function names), at `rva`; thunks have 4 or 8 bytes."""
    thunks = sum(len(names) + 1 for names in imports.values()) * thunk_size
    descriptors_at = 2 * thunks
    descriptors_size = _DESCRIPTOR.size * (len(imports) + 1)
    texts = bytearray()
    addresses = bytearray()
    descriptors = bytearray()
    texts_at = descriptors_at + descriptors_size
    for module, names in imports.items():
        table_at = len(addresses)
        for name in names:
            addresses += (rva + texts_at + len(texts)).to_bytes(thunk_size, "little")
            texts += _even(b"\0\0" + name.encode("ascii") + b"\0")
        addresses += bytes(thunk_size)
        module_at = rva + texts_at + len(texts)
        texts += _even(module.encode("ascii") + b"\0")
        descriptors += _DESCRIPTOR.pack(rva + thunks + table_at, 0, 0, module_at, rva + table_at)
    descriptors += bytes(_DESCRIPTOR.size)
    # On disk the address table says the same as the lookup table; the loader overwrites the former.
    data = bytes(addresses * 2 + descriptors + texts)
    return ImportTable(data, thunks, descriptors_at, descriptors_size)


def export_table(
    rva: int, module: str, names: Sequence[str], target: int, entries: Mapping[str, int] | None = None
) -> bytes:
    """An export directory at `rva` that offers `names`, sorted, as the loader needs: at `entries` or else `target`."""
    ordered = sorted(names, key=lambda name: name.encode("ascii"))
    addresses_at = _EXPORT_DIRECTORY.size
    names_at = addresses_at + 4 * len(ordered)
    ordinals_at = names_at + 4 * len(ordered)
    module_at = ordinals_at + 2 * len(ordered)
    texts = bytearray(module.encode("ascii") + b"\0")
    pointers = []
    for name in ordered:
        pointers.append(rva + module_at + len(texts))
        texts += name.encode("ascii") + b"\0"
    count = len(ordered)
    directory = _EXPORT_DIRECTORY.pack(
        0, 0, 0, 0, rva + module_at, 1, count, count, rva + addresses_at, rva + names_at, rva + ordinals_at
    )
    targets = [(entries or {}).get(name, target) for name in ordered]
    tables = struct.pack(f"<{count}I{count}I{count}H", *targets, *pointers, *range(count))
    return directory + tables + bytes(texts)


def _even(data: bytes) -> bytes:
    return data + bytes(len(data) % 2)
