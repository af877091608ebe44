"""A dump as a whole: opened, and everything in it found when it is first asked for."""

from __future__ import annotations

import re
from functools import cached_property

from bootmend.binary import View
from bootmend.dumps import bugchecks
from bootmend.dumps.bitmap import BitmapPages
from bootmend.dumps.full import RunPages
from bootmend.dumps.header import (
    AMD64,
    ARM64,
    CONTEXT32,
    CONTEXT64,
    EXCEPTION32,
    EXCEPTION64,
    I386,
    MACHINES,
    DumpType,
    Header,
    read_header,
)
from bootmend.dumps.kdbg import SHORTEST, SIZE, Kdbg, parse_kdbg, read_kdbg
from bootmend.dumps.memory import BlockMemory, Memory, NoMemory, Pages
from bootmend.dumps.modules import Modules, loaded_modules, unloaded_modules
from bootmend.dumps.paging_arm64 import Arm64Memory
from bootmend.dumps.paging_x64 import X64Memory
from bootmend.dumps.paging_x86 import X86Memory
from bootmend.dumps.processors import Processor, name_in_block, process_name, process_of, read_processors
from bootmend.dumps.reader import Bytes, EndsEarly, Reader
from bootmend.dumps.registers import (
    Context,
    ExceptionRecord,
    context_size,
    read_context,
    read_exception,
    record_size,
)
from bootmend.dumps.triage import Triage, read_triage
from bootmend.errors import ParseError
from bootmend.texts import say

_LAB = re.compile(rb"\d+\.\d+\.[a-z0-9]+(?:fre|chk)\.[A-Za-z0-9_]+\.\d{6}-\d{4}")
"""A build's own words about itself, such as 19041.1.amd64fre.vb_release.191206-1406."""
_LAB_LENGTH = 0x80
_SHORT_BLOCK = 0x400
_MOST_SHORT_BLOCKS = 512
FILE_SYSTEMS = (0x23, 0x24, 0x26, 0x27, 0x34, 0x12C, 0x149)
"""Codes by which a file system or the cache gives up: for an exception, or for a volume that contradicts itself."""
EXCEPTIONS: dict[int, tuple[int | None, int | None]] = {
    0x3B: (None, 2),
    0x3D: (0, 1),
    0x7E: (2, 3),
    0x135: (None, 1),
    0x139: (2, None),
    **dict.fromkeys(FILE_SYSTEMS, (1, 2)),
}
"""Codes whose arguments point at an exception record and at a context: which ones, from 0."""


class Dump:
    """What a kernel dump tells. What it does not tell is None or empty; `notes` say what is odd about it."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.header: Header = read_header(reader)
        self.notes: list[str] = []
        self.triage: Triage | None = None
        self.length = min(self.header.required_space or reader.size, reader.size)
        """Bytes of the file that are the dump: a page file goes on behind it."""
        self.memory: Memory = self._open()

    @property
    def name(self) -> str:
        return self.reader.name

    @property
    def code(self) -> int:
        """The stop code as the blue screen showed it."""
        return bugchecks.plain_code(self.header.code)

    def _open(self) -> Memory:
        """Where the file ends before the tables that say where things are, its header still tells the stop."""
        try:
            return self._pages()
        except EndsEarly as reason:
            self.notes.append(say("dumps.header_left", reason=reason))
            return NoMemory()

    def _pages(self) -> Memory:
        header, reader = self.header, self.reader
        kind = header.type
        if kind == DumpType.TRIAGE:
            self.triage = read_triage(reader, header)
            if not self.triage.whole:
                self.notes.append(say("dumps.triage_cut"))
            self._without_stack()
            return BlockMemory(reader, self.triage.blocks, header.bits // 8)
        if kind not in _PAGED:
            self.notes.append(say("dumps.header_only", type=type_name(kind, header.bits)))
            return NoMemory()
        pages = RunPages(reader, header) if kind == DumpType.FULL else BitmapPages(reader, header.size)
        self.length = min(pages.end, reader.size)
        if pages.end > reader.size:
            self.notes.append(say("dumps.cut", size=reader.size, needed=pages.end))
        return self._paged(pages)

    def _paged(self, pages: Pages) -> Memory:
        """By the processor's page tables. A header of 32 bits is that of x86, no other processor has one."""
        header, reader = self.header, self.reader
        root, listed = header.directory_table_base, header.ps_loaded_module_list
        if (header.machine == I386) != (header.bits == 32) or header.machine not in MACHINES:
            self.notes.append(say("dumps.other_machine", machine=header.platform))
            return NoMemory()
        self._without_stack()
        if header.machine == ARM64:
            return Arm64Memory(reader, pages, root)
        if header.machine == I386:
            return X86Memory(reader, pages, root, listed, pae=header.pae)
        return X64Memory(reader, pages, root, listed)

    def _without_stack(self) -> None:
        if self.header.machine != AMD64:
            self.notes.append(say("dumps.no_stacks", machine=self.header.platform))

    @cached_property
    def kdbg(self) -> Kdbg | None:
        header = self.header
        lists = (header.ps_loaded_module_list, header.ps_active_process_head)
        if self.triage is not None and self.triage.debugger_data and self.triage.debugger_data_size >= SHORTEST:
            size = min(self.triage.debugger_data_size, SIZE)
            return parse_kdbg(self._raw(self.triage.debugger_data, size), *lists, self.memory.width)
        return read_kdbg(self.memory, header.kdbg, *lists) if header.kdbg else None

    @cached_property
    def modules(self) -> Modules:
        if self.triage is not None:
            return Modules(self.triage.modules, self.triage.unloaded)
        loaded = loaded_modules(self.memory, self.header.ps_loaded_module_list)
        kdbg = self.kdbg
        if kdbg is None:
            return Modules(loaded)
        return Modules(loaded, unloaded_modules(self.memory, kdbg["MmUnloadedDrivers"], kdbg["MmLastUnloadedDriver"]))

    @cached_property
    def processors(self) -> list[Processor]:
        if self.kdbg is None:
            return []
        return read_processors(self.memory, self.kdbg, self.header.processors, self.header.machine)

    @cached_property
    def processor(self) -> Processor | None:
        """The one that stopped the machine: whose registers are those of the header, or the only one."""
        if len(self.processors) == 1:
            return self.processors[0]
        if self.triage is not None and self.triage.prcb and self.kdbg is not None:
            number = self._word(self.triage.prcb + self.kdbg["OffsetPrcbNumber"], 4)
            return next((one for one in self.processors if one.number == number), None)
        here = self.context
        if here is None:
            return None
        return next((one for one in self.processors if one.context is not None and one.context.sp == here.sp), None)

    @cached_property
    def context(self) -> Context | None:
        """The registers that the header holds."""
        header = self.header
        return read_context(header.view, CONTEXT64 if header.bits == 64 else CONTEXT32, header.machine)

    @cached_property
    def exception(self) -> ExceptionRecord | None:
        """The exception behind the stop: where an argument points at its record that one, else the header's.

        Where an argument does, and leads nowhere, there is none: the header's is then about the stop itself.
        """
        at, _ = EXCEPTIONS.get(self.code, (None, None))
        header = self.header
        width = header.bits // 8
        if at is not None:
            raw = self.memory.read(header.arguments[at], record_size(width))
            return read_exception(View(raw, self.name), 0, width) if raw is not None else None
        return read_exception(header.view, EXCEPTION64 if width == 8 else EXCEPTION32, width)

    @cached_property
    def fault_context(self) -> Context | None:
        """The registers where the exception struck: an argument points at them, or they are the header's."""
        _, at = EXCEPTIONS.get(self.code, (None, None))
        size = context_size(self.header.machine)
        if at is not None and size is not None:
            raw = self.memory.read(self.header.arguments[at], size)
            if raw is not None:
                return read_context(View(raw, self.name), 0, self.header.machine)
        return self.context

    @cached_property
    def process(self) -> str | None:
        """The name of the process that ran on the processor that stopped."""
        kdbg = self.kdbg
        if self.triage is not None:
            size = kdbg["SizeEProcess"] if kdbg is not None else 0
            block = self._raw(self.triage.process, size) if self.triage.process and size else b""
            return name_in_block(block, self.header.build, self.header.machine) if block else None
        if kdbg is None or self.processor is None:
            return None
        process = process_of(self.memory, kdbg, self.processor.thread)
        head = self.header.ps_active_process_head
        return process_name(self.memory, kdbg, process, head) if process is not None else None

    @cached_property
    def build_lab(self) -> str:
        """Such as 14393.1770.amd64fre.rs1_release.170917-1700; empty where the dump does not tell."""
        kdbg = self.kdbg
        if kdbg is not None and kdbg["NtBuildLab"]:
            for length in (_LAB_LENGTH, _LAB_LENGTH // 2):
                raw = self.memory.read(kdbg["NtBuildLab"], length)
                if raw is not None and (match := _LAB.search(raw)):
                    return match[0].decode("ascii")
        if isinstance(self.memory, BlockMemory):
            short = [block for block in self.memory.blocks if block.length <= _SHORT_BLOCK][:_MOST_SHORT_BLOCKS]
            for block in short:
                raw = self.memory.read(block.address, block.length)
                if raw is not None and (match := _LAB.search(raw)):
                    return match[0].decode("ascii")
        return ""

    def text_at(self, address: int) -> str | None:
        """A name behind a pointer: a UNICODE_STRING, or the letters themselves; None where there is none."""
        text = self.memory.unicode_string(address)
        if text and _is_name(text):
            return text
        for length in (0x208, 0x40, 0x10):
            raw = self.memory.read(address, length)
            if raw is not None:
                text = raw.decode("utf-16-le", "replace").split("\0")[0]
                return text if _is_name(text) else None
        return None

    def letters_at(self, address: int) -> str | None:
        """A name of 8-bit letters behind a pointer; None where there is none."""
        for length in (0x100, 0x40, 0x10):
            raw = self.memory.read(address, length)
            if raw is not None:
                text = raw.split(b"\0")[0].decode("latin-1")
                return text if _is_name(text) else None
        return None

    def _raw(self, offset: int, length: int) -> bytes:
        try:
            return self.reader.bytes(offset, length, "a part of a triage dump")
        except ParseError:
            return b""

    def _word(self, offset: int, width: int) -> int:
        return int.from_bytes(self._raw(offset, width), "little")


_PAGED = (DumpType.FULL, DumpType.KERNEL, DumpType.BITMAP_FULL, DumpType.BITMAP_KERNEL)
_SHORTEST_NAME = 3


def _is_name(text: str) -> bool:
    return len(text) >= _SHORTEST_NAME and text.isprintable() and "\ufffd" not in text and text.isascii()


def type_name(kind: int, bits: int) -> str:
    """Words for a type of dump."""
    known = {one.value: one.name.lower() for one in DumpType}
    return say("dumps.type", name=say(f"dumps.type_{known[kind]}"), bits=bits) if kind in known else f"type {kind:#x}"


def open_dump(file: Bytes, name: str) -> Dump:
    """Opens a dump; InputError or ParseError for what is none, or is broken at its head."""
    return Dump(Reader(file, name))
