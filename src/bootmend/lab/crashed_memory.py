"""The memory of a machine that stopped, grown from a few words: page tables, modules, processes, processors.

What a debugger needs to find its way stands where a 64-bit Windows has it, and where the block that tells
a debugger so (KDBG) says; nothing else does. `lab.dump_maker` writes it as a dump of any kind.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from bootmend.dumps.kdbg import FIELDS

PAGE = 0x1000
KERNEL = 0xFFFFF80300000000
POOL = 0xFFFFB00B00000000
LARGE, HUGE = 2 << 20, 1 << 30
SYSTEM_TIME = 0x01D35CC120A74000
"""A moment in November 2017."""
UP_TIME = 123_456_789
_PRESENT, _WRITABLE, _LARGE_PAGE, _TRANSITION = 1, 2, 1 << 7, 1 << 11
_KDBG_SIZE = 0x380
_LINKS, _NAME, _EPROCESS, _APC_PROCESS, _PRCB_SIZE = 0x2F0, 0x450, 0x7D0, 0xB8, 0x800
"""Where a process of 14393 has its links and name, by the public symbols; the size of a block that is enough."""
_PRCB = {
    "OffsetPrcbNumber": 0x24,
    "OffsetPrcbCpuType": 0x40,
    "OffsetPrcbMhz": 0x44,
    "OffsetPrcbCurrentThread": 0x8,
    "OffsetPrcbProcStateSpecialReg": 0x100,
    "OffsetPrcbVendorString": 0x600,
    "OffsetPrcbContext": 0x620,
}
_RING, _UNLOADED = 50, 0x28
"""Rows of MmUnloadedDrivers, and bytes of one."""
_CR8 = 0xA0
"""In KSPECIAL_REGISTERS."""
_FROZEN = 15
"""The IRQL of the processors that the stop found elsewhere."""


@dataclass(frozen=True, slots=True)
class CrashedModule:
    path: str
    base: int
    size: int
    timestamp: int = 0x59BEC4B8
    checksum: int = 0x1234


@dataclass(frozen=True, slots=True)
class Crash:
    """What is to be found in the dump."""

    code: int = 0x5A
    arguments: tuple[int | str, ...] = (1, 0, 0, 0)
    """A text becomes a UNICODE_STRING in memory, and its address the argument."""
    modules: tuple[CrashedModule, ...] = (
        CrashedModule("\\SystemRoot\\system32\\ntoskrnl.exe", KERNEL + 0x2000000, 0x800000),
        CrashedModule("\\SystemRoot\\system32\\hal.dll", KERNEL + 0x2C00000, 0x60000),
        CrashedModule("\\SystemRoot\\System32\\drivers\\FLTMGR.SYS", KERNEL + 0x3000000, 0x5C000),
    )
    unloaded: tuple[tuple[str, int, int], ...] = (("dump_storport.sys", KERNEL + 0x5000000, KERNEL + 0x500F000),)
    processes: tuple[str, ...] = ("System", "smss.exe")
    current: int = 0
    """Which process runs on the processor that stopped the machine."""
    processors: int = 1
    build: int = 14393
    lab: str = "14393.1770.amd64fre.rs1_release.170917-1700"
    rip: int = KERNEL + 0x2150000
    rsp: int = 0xFFFFC7011DC74948
    registers: tuple[int, ...] = ()
    """rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15 of that processor; else each tells its number."""
    encoded: bool = False
    """KDBG as a machine keeps it that was not stopped through KeBugCheck."""
    system_time: int = SYSTEM_TIME
    """FILETIME, UTC."""
    up_time: int = UP_TIME
    """100 ns."""


class CrashedMemory:
    """Physical pages by frame, and the page tables among them. Frames are scattered, as on a real machine."""

    def __init__(self, crash: Crash, *, frames: int = 0x10000, levels: int = 4) -> None:
        self.frames = frames
        self.shifts = tuple(range(12 + 9 * (levels - 1), 11, -9))
        self.pages: dict[int, bytearray] = {}
        self._next = 0
        self.root = self._frame()
        self._pool = POOL
        self.crash = crash
        self.loaded_list = self.process_list = self.kdbg = 0
        self.prcbs: list[int] = []
        self.arguments = self._grow(crash)

    def _frame(self) -> int:
        """A new page, somewhere: by an odd step every frame comes once, where `frames` is a power of two."""
        self._next += 1
        number = self._next * 2654435761 % self.frames
        self.pages[number] = bytearray(PAGE)
        return number

    def map(self, address: int, *, transition: bool = False, marks: int = 0) -> int:
        """A page at that virtual address; gives its frame. A page in transition is not present, but is there.

        `marks` are bits of its entry beside those that lead there.
        """
        table, index = self._walk(address, 12)
        entry = int.from_bytes(self.pages[table][index : index + 8], "little")
        if entry:
            return entry >> 12 & 0xFFFFFFFFFF
        frame = self._frame()
        flags = _TRANSITION if transition else _PRESENT | _WRITABLE
        struct.pack_into("<Q", self.pages[table], index, frame << 12 | flags | marks)
        return frame

    def map_large(self, address: int, size: int, first: int) -> None:
        """A page of 2 MiB or 1 GiB on the frames from `first` on; they hold what is written to them later."""
        shift = size.bit_length() - 1
        table, index = self._walk(address, shift)
        struct.pack_into("<Q", self.pages[table], index, first << 12 | _PRESENT | _WRITABLE | _LARGE_PAGE)

    def _walk(self, address: int, last: int) -> tuple[int, int]:
        """The table that holds the entry for `address` at level `last` (its shift), and where in it."""
        table = self.root
        for shift in self.shifts:
            index = (address >> shift & 0x1FF) * 8
            if shift == last:
                return table, index
            entry = int.from_bytes(self.pages[table][index : index + 8], "little")
            if not entry:
                entry = self._frame() << 12 | _PRESENT | _WRITABLE
                struct.pack_into("<Q", self.pages[table], index, entry)
            table = entry >> 12 & 0xFFFFFFFFFF
        raise AssertionError("every level has its shift")

    def write(self, address: int, data: bytes) -> None:
        """`data` at a virtual address; pages are mapped as needed."""
        while data:
            within = address % PAGE
            piece = data[: PAGE - within]
            page = self.pages[self.map(address)]
            page[within : within + len(piece)] = piece
            address += len(piece)
            data = data[len(piece) :]

    def read(self, address: int, length: int) -> bytes:
        """What stands at a virtual address; pages that are not there are mapped, all zeros."""
        pieces = []
        while length > 0:
            within = address % PAGE
            take = min(length, PAGE - within)
            pieces.append(bytes(self.pages[self.map(address)][within : within + take]))
            address, length = address + take, length - take
        return b"".join(pieces)

    def place(self, data: bytes) -> int:
        """`data` somewhere in the pool; its address."""
        address = self._pool
        self._pool += len(data) + 15 & ~15
        self.write(address, data)
        return address

    def unicode_string(self, text: str) -> int:
        return self.place(self._counted(text))

    def _counted(self, text: str) -> bytes:
        raw = text.encode("utf-16-le")
        return struct.pack("<HHIQ", len(raw), len(raw) + 2, 0, self.place(raw + b"\0\0"))

    def _grow(self, crash: Crash) -> tuple[int, ...]:
        kernel = crash.modules[0].base
        self.loaded_list, self.process_list = kernel + 0x300000, kernel + 0x300100
        self.kdbg = kernel + 0x310000
        self._modules(crash)
        processes = self._processes(crash)
        self._processors(crash, processes)
        ring = [bytes(_UNLOADED)] * _RING
        for number, (name, low, high) in enumerate(crash.unloaded):
            ring[number % _RING] = self._counted(name) + struct.pack("<QQQ", low, high, 0)
        following = (len(crash.unloaded) - 1) % _RING + 1 if crash.unloaded else 0
        fields = {
            "KernBase": kernel,
            "PsLoadedModuleList": self.loaded_list,
            "PsActiveProcessHead": self.process_list,
            "NtBuildLab": self.place(crash.lab.encode().ljust(0x80, b"\0")),
            "KiProcessorBlock": self.place(struct.pack(f"<{len(self.prcbs)}Q", *self.prcbs)),
            "MmUnloadedDrivers": self.place(struct.pack("<Q", self.place(b"".join(ring)))),
            # It goes back to the first row only when the next one comes.
            "MmLastUnloadedDriver": self.place(struct.pack("<Q", following)),
            "OffsetKThreadApcProcess": _APC_PROCESS,
            "SizeEProcess": _EPROCESS,
            **_PRCB,
        }
        block = bytearray(_KDBG_SIZE)
        struct.pack_into("<QQ4sI", block, 0, self.kdbg, self.kdbg, b"KDBG", _KDBG_SIZE)
        for name, value in fields.items():
            offset, width = FIELDS[name]
            block[offset : offset + width] = value.to_bytes(width, "little")
        self.write(self.kdbg, encoded(bytes(block)) if crash.encoded else bytes(block))
        return tuple(self.unicode_string(one) if isinstance(one, str) else one for one in crash.arguments)

    def _modules(self, crash: Crash) -> None:
        entries = [self.place(bytes(0xA0)) for _ in crash.modules]
        ring = [self.loaded_list, *entries, self.loaded_list]
        for at, (module, entry) in enumerate(zip(crash.modules, entries, strict=True), 1):
            data = bytearray(0xA0)
            struct.pack_into("<QQ", data, 0, ring[at + 1], ring[at - 1])
            struct.pack_into("<QQI", data, 0x30, module.base, module.base + 0x1000, module.size)
            data[0x48:0x58] = self._counted(module.path)
            data[0x58:0x68] = self._counted(module.path.rsplit("\\", 1)[-1])
            struct.pack_into("<I", data, 0x78, module.checksum)
            self.write(entry, bytes(data))
            head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
            self.write(module.base, head + b"PE\0\0" + struct.pack("<HHI", 0x8664, 1, module.timestamp))
        self.write(self.loaded_list, struct.pack("<QQ", ring[1], ring[-2]))

    def _processes(self, crash: Crash) -> list[int]:
        blocks = [self.place(bytes(_EPROCESS)) for _ in crash.processes]
        ring = [self.process_list, *(block + _LINKS for block in blocks), self.process_list]
        for at, (name, block) in enumerate(zip(crash.processes, blocks, strict=True), 1):
            self.write(block + _LINKS, struct.pack("<QQ", ring[at + 1], ring[at - 1]))
            self.write(block + _NAME, name.encode()[:14].ljust(15, b"\0"))
        self.write(self.process_list, struct.pack("<QQ", ring[1], ring[-2]))
        return blocks

    def _processors(self, crash: Crash, processes: list[int]) -> None:
        for number in range(crash.processors):
            process = processes[crash.current if number == 0 else 0]
            thread = self.place(bytes(0x100))
            self.write(thread + _APC_PROCESS, struct.pack("<Q", process))
            rsp = crash.rsp + number * 0x10000
            data = bytearray(_PRCB_SIZE)
            struct.pack_into("<Q", data, _PRCB["OffsetPrcbCurrentThread"], thread)
            struct.pack_into("<I", data, _PRCB["OffsetPrcbNumber"], number)
            struct.pack_into("<BBHI", data, _PRCB["OffsetPrcbCpuType"], 6, 1, 0x3D04, 0xA22)
            struct.pack_into("<Q", data, _PRCB["OffsetPrcbProcStateSpecialReg"] + _CR8, 0 if number == 0 else _FROZEN)
            struct.pack_into("<13s", data, _PRCB["OffsetPrcbVendorString"], b"GenuineIntel")
            struct.pack_into("<Q", data, _PRCB["OffsetPrcbContext"], self.place(context(crash.rip, rsp)))
            self.prcbs.append(self.place(bytes(data)))


def context(rip: int, rsp: int, registers: tuple[int, ...] = ()) -> bytes:
    """CONTEXT of x64; registers that are not given tell their number."""
    data = bytearray(0x4D0)
    struct.pack_into("<I", data, 0x30, 0x10001F)
    struct.pack_into("<HHHHHHI", data, 0x38, 0x10, 0x2B, 0x2B, 0x53, 0x2B, 0x18, 0x246)
    for number, value in enumerate(registers or range(0x1000, 0x1010)):
        struct.pack_into("<Q", data, 0x78 + 8 * number, value)
    struct.pack_into("<Q", data, 0x98, rsp)
    struct.pack_into("<Q", data, 0xF8, rip)
    return bytes(data)


def encoded(block: bytes, never: int = 0x1D2C3B4A5968770B, always: int = 0x9F8E7D6C5B4A3928, at: int = KERNEL) -> bytes:
    """The block as a running kernel keeps it, by three secrets: the way back of KdDecodeDataBlock."""
    turn = never & 0x3F
    words = []
    for (word,) in struct.iter_unpack("<Q", block):
        swapped = int.from_bytes((word ^ always).to_bytes(8, "little"), "big") ^ at
        words.append((swapped >> turn | swapped << 64 - turn) & 0xFFFFFFFFFFFFFFFF ^ never)
    return struct.pack(f"<{len(words)}Q", *words)
