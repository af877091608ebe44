"""The parcel: a small disk that brings bootmend and its orders to a helper, and the results back. No network needed.

    0         4096 bytes   header: magic, then JSON with the places of the rest
    1 MiB                  program: the archive of portable.py
    orders                 JSON: what to do with which disk
    results                written by the helper: length and SHA-256, then JSON

Both sides read what the other wrote as they would read a stranger's: sizes are bounded, hashes are checked.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from typing import Any

from bootmend.disk.device import BlockDevice
from bootmend.errors import ParseError

MAGIC = b"BOOTMEND-PARCEL1"
HEADER = 4096
PROGRAM_AT = 1 << 20
MOST_RESULTS = 64 << 20
MOST_ORDERS = 4 << 20
_LENGTH = struct.Struct(">16sQ")
_RESULT = struct.Struct(">Q32s")
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Places:
    """Offsets and lengths in bytes."""

    program: int
    program_length: int
    orders: int
    orders_length: int
    results: int
    donors: int = 0
    donors_length: int = 0
    """None where it is 0."""
    mark: str = ""
    """In the header, to tell this parcel from one that was attached at its place before."""

    @property
    def size(self) -> int:
        """Of the whole disk: whole MiB, and no less than Azure's least."""
        return max(self.results + MOST_RESULTS, 20 * _MIB)


def lay_out(program_length: int, orders_length: int, mark: str = "", donors_length: int = 0) -> Places:
    orders = _up(PROGRAM_AT + program_length)
    donors = _up(orders + orders_length)
    results = _up(donors + donors_length)
    return Places(PROGRAM_AT, program_length, orders, orders_length, results, donors, donors_length, mark)


def header(places: Places) -> bytes:
    words = json.dumps(
        {
            "program": [places.program, places.program_length],
            "orders": [places.orders, places.orders_length],
            "results": places.results,
            "donors": [places.donors, places.donors_length],
            "mark": places.mark,
        }
    ).encode()
    return (_LENGTH.pack(MAGIC, len(words)) + words).ljust(HEADER, b"\0")


def read_header(device: BlockDevice) -> Places:
    """ParseError where it is no parcel."""
    block = device.read(0, HEADER)
    magic, length = _LENGTH.unpack_from(block)
    if magic != MAGIC or length > HEADER - _LENGTH.size:
        raise ParseError(device.name, 0, "the header of a parcel")
    try:
        told = json.loads(block[_LENGTH.size : _LENGTH.size + length])
        program, program_length = map(int, told["program"])
        orders, orders_length = map(int, told["orders"])
        donors, donors_length = map(int, told["donors"])
        places = Places(program, program_length, orders, orders_length, int(told["results"]), donors, donors_length)
    except (ValueError, KeyError, TypeError) as error:
        raise ParseError(device.name, _LENGTH.size, "the places of a parcel in JSON", str(error)) from error
    inside = places.results + MOST_RESULTS <= device.size and places.orders_length <= MOST_ORDERS
    inside = inside and places.donors + places.donors_length <= places.results
    least = min(places.program, places.program_length, places.orders, places.orders_length, donors, donors_length)
    if least < 0 or not inside:
        raise ParseError(device.name, _LENGTH.size, "places inside the parcel")
    return places


def read_orders(device: BlockDevice, places: Places) -> list[dict[str, Any]]:
    return _list(device, places.orders, device.read(places.orders, places.orders_length))


def results(documents: list[dict[str, Any]]) -> bytes:
    """Padded to whole sectors."""
    words = json.dumps(documents).encode()
    packed = _RESULT.pack(len(words), hashlib.sha256(words).digest()) + words
    return packed + bytes(-len(packed) % 512)


def read_results(device: BlockDevice, places: Places) -> list[dict[str, Any]]:
    """ParseError where the helper wrote none, or something else came back."""
    length, digest = _RESULT.unpack(device.read(places.results, _RESULT.size))
    if not 0 < length <= MOST_RESULTS - _RESULT.size:
        raise ParseError(device.name, places.results, "the results of a helper")
    words = device.read(places.results + _RESULT.size, length)
    if hashlib.sha256(words).digest() != digest:
        raise ParseError(device.name, places.results, "results whose SHA-256 is right")
    return _list(device, places.results, words)


def _list(device: BlockDevice, at: int, words: bytes) -> list[dict[str, Any]]:
    try:
        told = json.loads(words)
    except (ValueError, RecursionError) as error:
        raise ParseError(device.name, at, "JSON", str(error)) from error
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise ParseError(device.name, at, "a JSON list of objects")
    return told


def _up(offset: int) -> int:
    return -(-offset // _MIB) * _MIB
