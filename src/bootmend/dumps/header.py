"""The header of a kernel dump: 0x2000 bytes on 64-bit machines, 0x1000 on 32-bit ones.

Sources: Microsoft's public headers (mindumpdef.h of the Windows kits) and the descriptions of the format
in Volatility and kdmp-parser; the 64-bit offsets were checked on real triage dumps. Windows fills what it
does not set with the word "PAGE", which stands for "unknown" here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from bootmend.binary import View
from bootmend.dumps.reader import MAGICS, Reader
from bootmend.errors import InputError
from bootmend.texts import say

HEAD64, HEAD32 = 0x2000, 0x1000
CONTEXT64, EXCEPTION64 = 0x348, 0xF00
CONTEXT32, EXCEPTION32 = 0x320, 0x7D0
"""Where the registers of the processor that stopped, and a record of an exception, stand in a header."""
AMD64, ARM64, I386 = 0x8664, 0xAA64, 0x14C
MACHINES = {AMD64: "x64", ARM64: "arm64", I386: "x86"}
PROGRAM = b"MDMP"
"""How the dump of a program starts; it is not about the kernel."""
MADE_BY_A_TOOL = 0x4D415454
"""The stop code "MATT" that DumpIt writes: the machine was copied, it did not crash."""

UNSET32, _UNSET64 = 0x45474150, 0x4547415045474150
"""The word "PAGE"."""
_MOST_RUNS64, _MOST_RUNS32 = 42, 86
"""What fits into the 700 bytes that the header has for them."""


class DumpType(IntEnum):
    """What the file holds. 7 and above are written by newer systems and tools; their pages are not read here."""

    FULL = 1
    KERNEL = 2
    HEADER = 3
    TRIAGE = 4
    BITMAP_FULL = 5
    BITMAP_KERNEL = 6
    AUTOMATIC = 7
    KERNEL_MEMORY = 8
    KERNEL_AND_USER_MEMORY = 9
    COMPLETE_MEMORY = 10


@dataclass(frozen=True, slots=True)
class Run:
    """`count` page frames of memory from frame `first`."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Header:
    """Addresses are virtual except `directory_table_base`; None stands for what Windows left unset."""

    bits: int
    major: int
    """15: a free (release) build, 12: a checked one."""
    build: int
    directory_table_base: int
    ps_loaded_module_list: int
    ps_active_process_head: int
    machine: int
    processors: int
    code: int
    """As written; `bugchecks.plain_code` takes off what marks a small dump."""
    arguments: tuple[int, int, int, int]
    kdbg: int
    runs: tuple[Run, ...]
    type: int
    required_space: int | None
    system_time: int
    """FILETIME; 0 if unset."""
    up_time: int | None
    """100 ns."""
    comment: str
    product_type: int | None
    suite_mask: int | None
    pae: bool
    """Of a 32-bit machine: its page tables have three levels."""
    view: View = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes of the header: what the dump holds begins behind it."""
        return HEAD64 if self.bits == 64 else HEAD32

    @property
    def platform(self) -> str:
        return MACHINES.get(self.machine, f"{self.machine:#x}")

    @property
    def made_by_a_tool(self) -> bool:
        return self.code == MADE_BY_A_TOOL


def read_header(reader: Reader) -> Header:
    """The header; InputError with a plain answer for what is no kernel dump, ParseError for a broken one."""
    magic = reader.bytes(0, min(8, reader.size), "a dump header")
    if magic == b"\0" * 8:
        raise InputError(say("dumps.zeroed", file=reader.name))
    if magic[:4] == PROGRAM:
        raise InputError(say("dumps.of_a_program", file=reader.name))
    if magic not in MAGICS:
        raise View(magic, reader.name).fail(0, "PAGEDU64 or PAGEDUMP, the start of a kernel dump", repr(magic))
    if magic == MAGICS[0]:
        return _read64(reader.view(0, HEAD64, "a 64-bit dump header"))
    return _read32(reader.view(0, HEAD32, "a 32-bit dump header"))


def _read64(view: View) -> Header:
    runs = _runs(view, 0x88, _MOST_RUNS64, view.u32(0xF98))
    return Header(
        bits=64,
        major=view.u32(0x08),
        build=view.u32(0x0C),
        directory_table_base=view.u64(0x10),
        ps_loaded_module_list=view.u64(0x20),
        ps_active_process_head=view.u64(0x28),
        machine=view.u32(0x30),
        processors=view.u32(0x34),
        code=view.u32(0x38),
        arguments=(view.u64(0x40), view.u64(0x48), view.u64(0x50), view.u64(0x58)),
        kdbg=_set64(view, 0x80) or 0,
        runs=tuple(Run(view.u64(0x98 + at * 16), view.u64(0xA0 + at * 16)) for at in runs),
        type=view.u32(0xF98),
        required_space=_set64(view, 0xFA0),
        system_time=_set64(view, 0xFA8) or 0,
        up_time=_set64(view, 0x1030),
        comment=_comment(view, 0xFB0),
        product_type=_set32(view, 0x1040),
        suite_mask=_set32(view, 0x1044),
        pae=False,
        view=view,
    )


def _read32(view: View) -> Header:
    runs = _runs(view, 0x64, _MOST_RUNS32, view.u32(0xF88))
    return Header(
        bits=32,
        major=view.u32(0x08),
        build=view.u32(0x0C),
        directory_table_base=view.u32(0x10),
        ps_loaded_module_list=view.u32(0x18),
        ps_active_process_head=view.u32(0x1C),
        machine=view.u32(0x20),
        processors=view.u32(0x24),
        code=view.u32(0x28),
        arguments=(view.u32(0x2C), view.u32(0x30), view.u32(0x34), view.u32(0x38)),
        kdbg=_set32(view, 0x60) or 0,
        runs=tuple(Run(view.u32(0x6C + at * 8), view.u32(0x70 + at * 8)) for at in runs),
        type=view.u32(0xF88),
        required_space=_set64(view, 0xFA0),
        system_time=_set64(view, 0xFC0) or 0,
        up_time=_set64(view, 0xFB8),
        comment=_comment(view, 0x820),
        product_type=_set32(view, 0xF94),
        suite_mask=_set32(view, 0xF98),
        pae=view.u8(0x5C) == 1,
        view=view,
    )


def _runs(view: View, offset: int, most: int, kind: int) -> range:
    """The numbers of the header's runs. Only a complete dump needs them: in others nothing depends on their count."""
    count = view.u32(offset)
    if count > most and count != UNSET32 and kind == DumpType.FULL:
        raise view.fail(offset, f"at most {most} runs of memory", str(count))
    return range(count if count <= most else 0)


def _set32(view: View, offset: int) -> int | None:
    value = view.u32(offset)
    return None if value == UNSET32 else value


def _set64(view: View, offset: int) -> int | None:
    value = view.u64(offset)
    return None if value == _UNSET64 else value


def _comment(view: View, offset: int) -> str:
    raw = view.bytes(offset, 128).split(b"\0")[0]
    text = raw.decode("latin-1")
    return "" if text.startswith("PAGEPAGE") or not text.isprintable() else text
