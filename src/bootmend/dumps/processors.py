"""The processors of the machine that stopped, and what the one that stopped it was running.

A processor's control block (KPRCB) is found through KiProcessorBlock; where its fields stand tells the KDBG
of the very kernel, so that no table per build is needed. The name of a process is found by the first process
of every Windows, which is called "System". What kind of processor an arm64 one is stands elsewhere, and is not
looked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.binary import View
from bootmend.dumps.header import AMD64, ARM64
from bootmend.dumps.kdbg import Kdbg
from bootmend.dumps.memory import Memory
from bootmend.dumps.registers import Context, context_size, read_context

MOST_PROCESSORS = 2048
"""What Windows supports; a broken header may tell more."""
_MOST_PROCESSES = 8192
_SYSTEM = b"System\0\0\0\0\0\0\0\0\0"
_NAME = 15
_CR8 = 0xA0
"""In KSPECIAL_REGISTERS: the IRQL, as the processor keeps it."""
_HIGHEST_IRQL = 15
_BEHIND_LINKS = 0x600
"""How far behind its links in the list the name of a process may stand."""


@dataclass(frozen=True, slots=True)
class Processor:
    """One KPRCB: what kind of processor, where it was, and the thread it ran."""

    number: int
    prcb: int
    megahertz: int | None
    vendor: str
    family: int | None
    model: int | None
    stepping: int | None
    thread: int
    context: Context | None
    irql: int | None = None
    """When its state was saved: on the one that stopped the machine that was at the stop, before it was raised."""


def read_processors(memory: Memory, kdbg: Kdbg, count: int, machine: int = AMD64) -> list[Processor]:
    """Those whose control block is in the dump."""
    found = []
    for number in range(min(count, MOST_PROCESSORS)):
        prcb = memory.pointer(kdbg["KiProcessorBlock"] + memory.width * number)
        if prcb is None:
            break
        one = _processor(memory, kdbg, number, prcb, machine) if prcb else None
        if one is not None:
            found.append(one)
    return found


def _processor(memory: Memory, kdbg: Kdbg, number: int, prcb: int, machine: int) -> Processor | None:
    """Field by field: the whole block is tens of kilobytes."""
    thread = memory.pointer(prcb + kdbg["OffsetPrcbCurrentThread"])
    kind = memory.read(prcb + kdbg["OffsetPrcbCpuType"], 4) if machine != ARM64 else None
    if thread is None or (kind is None and machine != ARM64):
        return None
    at = memory.pointer(prcb + kdbg["OffsetPrcbContext"]) if kdbg["OffsetPrcbContext"] else None
    size = context_size(machine)
    raw = memory.read(at, size) if at and size is not None else None
    return Processor(
        number=number,
        prcb=prcb,
        megahertz=memory.u32(prcb + kdbg["OffsetPrcbMhz"]) if kdbg["OffsetPrcbMhz"] else None,
        vendor=_vendor(memory, kdbg, prcb) if kind is not None else "",
        family=kind[0] if kind is not None else None,
        model=kind[3] if kind is not None else None,
        stepping=kind[2] if kind is not None else None,
        thread=thread,
        context=read_context(View(raw, "CONTEXT"), 0, machine) if raw is not None else None,
        irql=_irql(memory, kdbg, prcb) if machine == AMD64 else None,
    )


def _vendor(memory: Memory, kdbg: Kdbg, prcb: int) -> str:
    vendor = (memory.read(prcb + kdbg["OffsetPrcbVendorString"], 13) or b"").split(b"\0")[0].decode("latin-1")
    return vendor if vendor.isprintable() else ""


def _irql(memory: Memory, kdbg: Kdbg, prcb: int) -> int | None:
    """None where the kernel does not tell where it saves it, and where no IRQL can be that high."""
    offset = kdbg["OffsetPrcbProcStateSpecialReg"]
    saved = memory.u64(prcb + offset + _CR8) if offset else None
    return saved if saved is not None and saved <= _HIGHEST_IRQL else None


def process_of(memory: Memory, kdbg: Kdbg, thread: int) -> int | None:
    """The process whose address space the thread runs in."""
    offset = kdbg["OffsetKThreadApcProcess"]
    return memory.pointer(thread + offset) or None if thread and offset else None


def process_name(memory: Memory, kdbg: Kdbg, process: int, head: int) -> str | None:
    """The image name (fifteen letters at most) of a process; `head` is PsActiveProcessHead.

    All processes hang in one list by links inside their blocks. The first one is System: where its name
    stands behind the links, stands that of every other.
    """
    first = memory.pointer(head)
    behind = _window(memory, first) if first else b""
    distance = behind.find(_SYSTEM)
    if first is None or distance < 0:
        return None
    size = kdbg["SizeEProcess"] or 0x1000
    links: int | None = first
    for _ in range(_MOST_PROCESSES):
        if links is None or links == head:
            return None
        if process < links < process + size:
            raw = memory.read(links + distance, _NAME)
            return _text(raw) if raw is not None else None
        links = memory.pointer(links)
    return None


def _window(memory: Memory, address: int) -> bytes:
    """As much of what is behind `address` as the dump holds, up to _BEHIND_LINKS bytes."""
    for length in (_BEHIND_LINKS, _BEHIND_LINKS // 2):
        data = memory.read(address, length)
        if data is not None:
            return data
    return b""


KNOWN_NAME_OFFSETS = ((26100, 0x338), (19041, 0x5A8), (10586, 0x450), (10240, 0x448), (9200, 0x438), (7600, 0x2E0))
"""From which build on ImageFileName stands where in an x64 EPROCESS, by the public symbols; for triage dumps,
which hold one process only."""


def name_in_block(block: bytes, build: int, machine: int = AMD64) -> str | None:
    """The image name in a copy of an EPROCESS; of other processors than x64 only that of System can be told."""
    if block.find(_SYSTEM) >= 0:
        return "System"
    if machine != AMD64:
        return None
    offset = next((at for first, at in KNOWN_NAME_OFFSETS if build >= first), 0)
    return _text(block[offset : offset + _NAME]) if offset else None


def _text(raw: bytes) -> str | None:
    name = raw.split(b"\0")[0]
    good = name and name.isascii() and name.decode("ascii").isprintable()
    return name.decode("ascii") if good else None
