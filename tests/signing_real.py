"""Real images and catalogs carved out of one wheel: WINTUN and a USB driver, each with its WHCP catalog."""

from __future__ import annotations

import re
from functools import cache

from driver_wheels import WINTUN, wheel_file

from bootmend.errors import ParseError
from bootmend.formats.pe import Pe
from bootmend.signing.trustlist import member_hashes

_SIGNED_MESSAGE = re.compile(rb"\x30\x82..\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", re.DOTALL)


@cache
def carved_catalogs() -> tuple[bytes, ...]:
    """Four: one of version 1 (wintun.cat), three of version 2."""
    data = wheel_file(*WINTUN)
    found = []
    for match in _SIGNED_MESSAGE.finditer(data):
        size = int.from_bytes(data[match.start() + 2 : match.start() + 4], "big") + 4
        one = data[match.start() : match.start() + size]
        try:
            member_hashes(one, "carved")
        except ParseError:
            continue
        found.append(one)
    return tuple(found)


@cache
def carved_images() -> dict[str, bytes]:
    """Name -> image, from its MZ to the end of its certificate table or last section.

    `wintun.sys` by its version resource; the three of the version 2 catalogs are `driver1` to `driver3`.
    """
    data = wheel_file(*WINTUN)
    found: dict[str, bytes] = {}
    for match in re.finditer(b"MZ\x90\0", data):
        try:
            pe = Pe.parse(data[match.start() :], "carved")
            version = pe.version()
        except ParseError:
            continue
        mapped = max(part.raw_offset + part.raw_size for part in pe.sections)
        end = sum(pe.certificate_table) if pe.certificate_table else mapped
        name = version.strings["OriginalFilename"].lower() if version else f"driver{len(found) - 1}"
        found.setdefault(name, data[match.start() : match.start() + end])
    return found
