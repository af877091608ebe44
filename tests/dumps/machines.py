"""Machines of other processors than x64 that stopped: page tables of every kind, and what a debugger looks for.

`Machine` is the 32-bit x86 with plain tables or with PAE, or the arm64, by `kind`. Offsets into blocks of the kernel
are made up where the debugger's block (KDBG) tells them, and by the public types where it does not.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from bootmend.dumps.header import HEAD32, HEAD64, DumpType
from bootmend.dumps.kdbg import FIELDS
from bootmend.dumps.modules import LOADERS

PAGE = 0x1000
KINDS = ("x86", "pae", "arm64")
MODULES = (("\\SystemRoot\\system32\\ntkrnlpa.exe", 0x40_0000), ("\\SystemRoot\\System32\\drivers\\faulty.sys", 0x9000))
GONE = ("gone.sys", 0x5000)
PROCESSES = ("System", "smss.exe")
LABS = {4: b"7601.17514.x86fre.win7sp1_rtm.101119-1850", 8: b"22000.1.arm64fre.co_release.210604-1628"}
STAMP, CHECKSUM, MEGAHERTZ = 0x5CE00000, 0x4321, 0x960
_KDBG_SIZE, _LINKS, _NAME, _APC_PROCESS, _BLOCK = 0x340, 0xB8, 0x16C, 0x50, 0x300
_PRCB = {
    "OffsetPrcbCurrentThread": 0x4,
    "OffsetPrcbCpuType": 0x14,
    "OffsetPrcbNumber": 0x18,
    "OffsetPrcbMhz": 0x1C,
    "OffsetPrcbVendorString": 0x40,
    "OffsetPrcbContext": 0x60,
}


@dataclass(frozen=True)
class _Level:
    """One level of page tables: what indexes it, and bytes of an entry."""

    shift: int
    bits: int
    entry: int


_TABLES = {
    "x86": (_Level(22, 10, 4), _Level(12, 10, 4)),
    "pae": (_Level(30, 2, 8), _Level(21, 9, 8), _Level(12, 9, 8)),
    "arm64": tuple(_Level(shift, 9, 8) for shift in (39, 30, 21, 12)),
}


class Tables:
    """Physical pages by frame, and page tables among them."""

    def __init__(self, kind: str, frames: int = 0x400) -> None:
        self.kind = kind
        self.width = 8 if kind == "arm64" else 4
        self.frames = frames
        self.levels = _TABLES[kind]
        self.pages: dict[int, bytearray] = {}
        self._next = 0
        self.root = self.frame() * PAGE + (0x7E0 if kind == "pae" else 0)
        """Of PAE in the midst of a page, as Windows has it."""

    def frame(self) -> int:
        """A new page, somewhere: by an odd step every frame comes once."""
        self._next += 1
        number = self._next * 2654435761 % self.frames
        self.pages[number] = bytearray(PAGE)
        return number

    def entry(self, address: int, last: int) -> tuple[int, int, int]:
        """Frame, offset and width of the entry for `address` at the level of that shift."""
        table = self.root
        for level in self.levels:
            place = table + (address >> level.shift & (1 << level.bits) - 1) * level.entry
            frame, offset = divmod(place, PAGE)
            if level.shift == last:
                return frame, offset, level.entry
            known = int.from_bytes(self.pages[frame][offset : offset + level.entry], "little")
            if not known:
                # Present; but for the first entries of PAE, which have no such bit, writable; for arm64 a table.
                known = self.frame() * PAGE | (1 if self.kind == "pae" and level.shift == 30 else 3)
                self.put(frame, offset, known, level.entry)
            table = known & 0xFFFF_FFFF_F000
        raise AssertionError("every level has its shift")

    def put(self, frame: int, offset: int, value: int, width: int) -> None:
        self.pages[frame][offset : offset + width] = value.to_bytes(width, "little")

    def map(self, address: int, marks: int | None = None) -> int:
        """The frame of the page at that virtual address; `marks` are the bits of its entry."""
        frame, offset, width = self.entry(address, 12)
        known = int.from_bytes(self.pages[frame][offset : offset + width], "little")
        if known:
            return (known & 0xFFFF_FFFF_F000) // PAGE
        # Of arm64 a page that was accessed and is shared inside.
        usual = 0x703 if self.kind == "arm64" else 3
        page = self.frame()
        self.put(frame, offset, page * PAGE | (usual if marks is None else marks), width)
        return page

    def map_large(self, address: int, shift: int, first: int) -> None:
        """A large page or block of `1 << shift` bytes on the frames from `first` on."""
        frame, offset, width = self.entry(address, shift)
        self.put(frame, offset, first * PAGE | (0x701 if self.kind == "arm64" else 0x83), width)

    def write(self, address: int, data: bytes) -> None:
        while data:
            within = address % PAGE
            piece = data[: PAGE - within]
            self.pages[self.map(address)][within : within + len(piece)] = piece
            address, data = address + len(piece), data[len(piece) :]


class Machine(Tables):
    """What stands in it is told by the constants of this file; `code` and `arguments` are those of the stop."""

    def __init__(self, kind: str, code: int, arguments: tuple[int, ...], *, kdbg_size: int = _KDBG_SIZE) -> None:
        super().__init__(kind)
        self.code, self.arguments = code, arguments
        self.base = 0xFFFFF80310000000 if self.width == 8 else 0x82800000
        self.bases = [self.base, self.base + 0x800000]
        self.gone = self.base + 0xA00000
        self._pool = self.base + 0x4000000
        self.loaded_list, self.process_list = self.base + 0x300000, self.base + 0x300100
        self.sp, self.pc = self.base + 0x6000F00, self.base + 0x1234
        ring = [self.loaded_list, *(self.place(bytes(0xA0)) for _ in MODULES), self.loaded_list]
        for at, (path, size) in enumerate(MODULES, 1):
            base = self.bases[at - 1]
            self.write(ring[at], self.loader(base, size, path, ring[at + 1], ring[at - 1]))
            head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
            self.write(base, head + b"PE\0\0" + struct.pack("<HHI", self.machine, 1, STAMP))
        self.write(self.loaded_list, self.words(ring[1], ring[-2]))
        blocks = [self.place(bytes(_BLOCK)) for _ in PROCESSES]
        ring = [self.process_list, *(block + _LINKS for block in blocks), self.process_list]
        for at, (name, block) in enumerate(zip(PROCESSES, blocks, strict=True), 1):
            self.write(block + _LINKS, self.words(ring[at + 1], ring[at - 1]))
            self.write(block + _NAME, name.encode().ljust(15, b"\0"))
        self.write(self.process_list, self.words(ring[1], ring[-2]))
        self.prcb, self.process = self._processor(blocks[1]), blocks[1]
        row = self.counted(GONE[0]) + self.words(self.gone, self.gone + GONE[1]) + bytes(8)
        fields = {
            # As kernels of 32 bits write it: an address with its sign.
            "KernBase": self.base | (0xFFFFFFFF << 32 if self.width == 4 else 0),
            "NtBuildLab": self.place(LABS[self.width].ljust(0x80, b"\0")),
            "KiProcessorBlock": self.place(self.words(self.prcb)),
            "MmUnloadedDrivers": self.place(self.words(self.place(row.ljust(50 * len(row), b"\0")))),
            "MmLastUnloadedDriver": self.place(struct.pack("<I", 1)),
            "OffsetKThreadApcProcess": _APC_PROCESS,
            "SizeEProcess": _BLOCK,
            **_PRCB,
        }
        self.kdbg_data = bytearray(_KDBG_SIZE)
        struct.pack_into("<16x4sI", self.kdbg_data, 0, b"KDBG", kdbg_size)
        for name, value in fields.items():
            offset, width = FIELDS[name]
            self.kdbg_data[offset : offset + width] = value.to_bytes(width, "little")
        self.kdbg = self.base + 0x310000
        self.write(self.kdbg, bytes(self.kdbg_data))

    @property
    def machine(self) -> int:
        return 0xAA64 if self.width == 8 else 0x14C

    def words(self, *values: int) -> bytes:
        return b"".join(value.to_bytes(self.width, "little") for value in values)

    def place(self, data: bytes) -> int:
        address = self._pool
        self._pool += len(data) + 15 & ~15
        self.write(address, data)
        return address

    def counted(self, text: str) -> bytes:
        raw = text.encode("utf-16-le")
        head = struct.pack("<HH", len(raw), len(raw) + 2).ljust(self.width, b"\0")
        return head + self.words(self.place(raw + b"\0\0"))

    def loader(self, base: int, size: int, path: str, following: int = 0, before: int = 0) -> bytes:
        at, data = LOADERS[self.width], bytearray(LOADERS[self.width].size)
        names = self.counted(path), self.counted(path.rsplit("\\", 1)[-1])
        for offset, part in (
            (0, self.words(following, before)),
            (at.base, self.words(base)),
            (at.image_size, struct.pack("<I", size)),
            (at.full_name, names[0]),
            (at.base_name, names[1]),
            (at.checksum, struct.pack("<I", CHECKSUM)),
            (at.timestamp, struct.pack("<I", STAMP)),
        ):
            data[offset : offset + len(part)] = part
        return bytes(data)

    def _processor(self, process: int) -> int:
        thread = bytearray(0x100)
        thread[_APC_PROCESS : _APC_PROCESS + self.width] = self.words(process)
        data = bytearray(0x80)
        for name, part in (
            ("OffsetPrcbCurrentThread", self.words(self.place(bytes(thread)))),
            ("OffsetPrcbCpuType", struct.pack("<BBH", 6, 1, 0x3D04)),
            ("OffsetPrcbNumber", b"\0"),
            ("OffsetPrcbMhz", struct.pack("<I", MEGAHERTZ)),
            ("OffsetPrcbVendorString", b"GenuineIntel\0"),
            ("OffsetPrcbContext", self.words(self.place(self.context()))),
        ):
            data[_PRCB[name] : _PRCB[name] + len(part)] = part
        return self.place(bytes(data))

    def context(self) -> bytes:
        """CONTEXT; registers that are not told tell their place."""
        if self.width == 8:
            data = bytearray(0x390)
            struct.pack_into("<II29Q4Q", data, 0, 0x400007, 0x60000005, *range(29), 0x29, 0x30, self.sp, self.pc)
            return bytes(data)
        data = bytearray(0x2CC)
        struct.pack_into("<I", data, 0, 0x1003F)
        struct.pack_into("<7I5I", data, 0x9C, *range(7), self.pc, 8, 0x10246, self.sp, 0x10)
        return bytes(data)

    def header(self, kind: DumpType, runs: list[tuple[int, int]] | None = None, *, pae_told: bool = True) -> bytes:
        wide = self.width == 8
        data = bytearray(b"PAGE" * ((HEAD64 if wide else HEAD32) // 4))
        data[:8] = b"PAGEDU64" if wide else b"PAGEDUMP"
        struct.pack_into("<II", data, 0x08, 15, 22000 if wide else 7601)
        lists = self.words(self.root, self.base, self.loaded_list, self.process_list)
        data[0x10 : 0x10 + len(lists)] = lists
        struct.pack_into("<III", data, 0x30 if wide else 0x20, self.machine, 1, self.code)
        arguments = self.words(*self.arguments)
        at = 0x40 if wide else 0x2C
        data[at : at + len(arguments)] = arguments
        at = 0x80 if wide else 0x60
        data[at : at + self.width] = self.words(self.kdbg)
        if not wide and pae_told:
            data[0x5C] = self.kind == "pae"
        if runs is not None:
            listed = b"".join(self.words(first, count) for first, count in runs)
            head = self.words(len(runs), sum(count for _, count in runs))
            start = 0x88 if wide else 0x64
            data[start : start + len(head) + len(listed)] = head + listed
        context = self.context()
        at = 0x348 if wide else 0x320
        data[at : at + len(context)] = context
        struct.pack_into("<I", data, 0xF98 if wide else 0xF88, kind)
        struct.pack_into("<Q", data, 0xFA8 if wide else 0xFC0, 0x01D35CC120A74000)
        struct.pack_into("<Q", data, 0x1030 if wide else 0xFB8, 123_456_789)
        return bytes(data)

    def dump(self, kind: DumpType, *, pae_told: bool = True) -> bytes:
        """A dump of that kind: complete, kernel in the older layout, bitmap, or small."""
        if kind == DumpType.TRIAGE:
            return self._small()
        if kind == DumpType.FULL:
            half = self.frames // 2
            body = b"".join(bytes(self.pages.get(frame, bytes(PAGE))) for frame in range(self.frames))
            return self.header(kind, [(0, half), (half, self.frames - half)], pae_told=pae_told) + body
        frames = sorted(self.pages)
        bits = bytearray(self.frames // 8)
        for frame in frames:
            bits[frame // 8] |= 1 << frame % 8
        head = self.header(kind, pae_told=pae_told)
        first = len(head) + PAGE
        if kind == DumpType.KERNEL:
            start = 0x28 if self.width == 8 else 0x20
            table = struct.pack("<8sIIIII", b"SDMPDUMP", 0, first, self.frames, len(frames), self.frames)
        else:
            start = 0x38
            table = struct.pack("<8s24xQQQ", b"SDMPDUMP", first, len(frames), self.frames)
        return (
            head + (table.ljust(start, b"\0") + bits).ljust(PAGE, b"\0") + b"".join(self.pages[one] for one in frames)
        )

    def _small(self) -> bytes:
        head, width = self.header(DumpType.TRIAGE), self.width
        out, start = bytearray(0x80), len(head)

        def put(part: bytes) -> int:
            out.extend(bytes(-len(out) % 8))
            out.extend(part)
            return start + len(out) - len(part)

        names = [put(struct.pack("<I", len(path)) + path.encode("utf-16-le") + b"\0\0") for path, _ in MODULES]
        pool = start + len(out) - names[0]
        rows = [
            self.words(name) + self.loader(base, size, path)
            for name, base, (path, size) in zip(names, self.bases, MODULES, strict=True)
        ]
        drivers = put(b"".join(rows))
        gone = GONE[0].encode("utf-16-le")
        count = self.words(1) + struct.pack("<HH", len(gone), len(gone)).ljust(2 * width, b"\0")
        unloaded = put(count + gone.ljust(24, b"\0") + self.words(self.gone, self.gone + GONE[1]))
        kdbg, block = put(bytes(self.kdbg_data)), put(b"text of a block".ljust(64, b"\0"))
        listed = put(struct.pack("<QII", self.arguments[0], block, 64))
        struct.pack_into("<II", out, 0x04, start + len(out) + 4, put(b"TRGD"))
        struct.pack_into("<I", out, 0x18, unloaded)
        struct.pack_into("<IIII", out, 0x30, drivers, len(rows), names[0], pool)
        struct.pack_into("<IIII", out, 0x70 if width == 8 else 0x58, kdbg, _KDBG_SIZE, listed, 1)
        return head + bytes(out)
