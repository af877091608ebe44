"""What an image imports and exports, by name and ordinal, forwarders, and tables that never end."""

from __future__ import annotations

import struct

import pytest

from bootmend.errors import ParseError
from bootmend.formats.pe import Pe, read_linkage
from bootmend.lab.pe_image import AMD64, I386
from bootmend.lab.pe_maker import make_driver

IMPORTS = {"ntoskrnl.exe": ["ZwClose", "IoCreateDevice"], "HAL.dll": ["KeStallExecutionProcessor"]}
EXPORTS = ["StorPortInitialize", "StorPortNotification"]


def image(machine: int = AMD64, imports: dict[str, list[str]] | None = None, exports: list[str] | None = None) -> bytes:
    given = IMPORTS if imports is None else imports
    offered = EXPORTS if exports is None else exports
    return make_driver(
        "lab.sys", version="1.0", description="", company="", machine=machine, imports=given, exports=offered
    )


def place(pe: Pe, number: int) -> int:
    """File offset of a data directory's table."""
    return pe.at_rva(pe.directories[number][0], 20, "a table").base


@pytest.mark.parametrize("machine", [AMD64, I386])
def test_names_of_both_tables(machine: int) -> None:
    linkage = read_linkage(Pe.parse(image(machine), "lab.sys"))
    assert linkage.imports == {"ntoskrnl.exe": ("ZwClose", "IoCreateDevice"), "hal.dll": ("KeStallExecutionProcessor",)}
    assert linkage.exports == {"#1": "", "#2": "", "StorPortInitialize": "", "StorPortNotification": ""}
    assert linkage.size == 3 + 4


def test_it_agrees_with_the_plain_readers() -> None:
    pe = Pe.parse(image(), "lab.sys")
    linkage = read_linkage(pe)
    assert {name.lower(): tuple(names) for name, names in pe.imports().items()} == linkage.imports
    assert set(pe.exports()) == {name for name in linkage.exports if not name.startswith("#")}


def test_an_image_without_tables() -> None:
    linkage = read_linkage(Pe.parse(image(imports={}, exports=[]), "lab.sys"))
    assert (linkage.imports, linkage.exports) == ({}, {})


def test_an_import_by_ordinal() -> None:
    data = bytearray(image())
    pe = Pe.parse(bytes(data), "lab.sys")
    row = place(pe, 1)
    (lookup,) = struct.unpack_from("<I", data, row)
    at = pe.at_rva(lookup, 8, "a thunk").base
    struct.pack_into("<Q", data, at, 1 << 63 | 7)
    assert read_linkage(Pe.parse(bytes(data), "lab.sys")).imports["ntoskrnl.exe"] == ("#7", "IoCreateDevice")


def test_a_forwarder_is_text_inside_the_export_directory() -> None:
    data = bytearray(image(exports=["Ab", "NTOSKRNL.KeStall"]))
    pe = Pe.parse(bytes(data), "lab.sys")
    rva, size = pe.directories[0]
    start = place(pe, 0)
    text = rva + data.index(b"NTOSKRNL.KeStall", start, start + size) - start
    (functions,) = struct.unpack_from("<I", data, start + 28)
    struct.pack_into("<I", data, pe.at_rva(functions, 4, "addresses").base, text)
    linkage = read_linkage(Pe.parse(bytes(data), "lab.sys"))
    assert linkage.exports["Ab"] == linkage.exports["#1"] == "NTOSKRNL.KeStall"
    assert linkage.exports["NTOSKRNL.KeStall"] == ""


@pytest.mark.parametrize(
    ("directory", "field", "value"),
    [(1, 12, 0x7FFFFFF0), (1, 0, 0x7FFFFFF0), (0, 20, 0x7FFFFFFF), (0, 24, 60_000), (0, 28, 0x7FFFFFF0)],
    ids=["library name", "thunks", "functions", "names", "addresses"],
)
def test_tables_outside_the_file_are_refused(directory: int, field: int, value: int) -> None:
    data = bytearray(image())
    start = place(Pe.parse(bytes(data), "lab.sys"), directory)
    struct.pack_into("<I", data, start + field, value)
    with pytest.raises(ParseError, match=r"lab\.sys"):
        read_linkage(Pe.parse(bytes(data), "lab.sys"))


def test_thunks_without_an_end() -> None:
    data = bytearray(image())
    pe = Pe.parse(bytes(data), "lab.sys")
    row = place(pe, 1)
    (lookup,) = struct.unpack_from("<I", data, row)
    room = pe.room_at(lookup)
    at = pe.at_rva(lookup, 8, "a thunk").base
    struct.pack_into("<I", data, row + 12, pe.directories[0][0])  # a name that stays whole
    data[at : at + room // 8 * 8] = (1 << 63 | 1).to_bytes(8, "little") * (room // 8)
    with pytest.raises(ParseError):
        read_linkage(Pe.parse(bytes(data), "lab.sys"))
