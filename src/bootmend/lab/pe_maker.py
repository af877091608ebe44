"""Windows images grown from a few words: drivers, programs and DLLs that any PE reader takes for real.

    headers | .text   an entry point that returns success, then seeded bytes
            | .rdata  imports, exports, unwind information
            | .data   one pointer, so that there is something to relocate
            | PAGE (a kernel: code far behind) | .pdata (64-bit) | .rsrc version | .reloc

Nobody's code is in them, and they say so in their copyright line. The same words give the same bytes.

Source: Microsoft, "PE Format"; "x64 exception handling" and "ARM64 exception handling" for .pdata.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bootmend.errors import Misuse
from bootmend.lab.import_table import export_table, import_table, usual_exports, usual_imports
from bootmend.lab.kernel_code import STUB, KernelCode
from bootmend.lab.pe_image import AMD64, ARM64, HEADERS_SIZE, I386, PAGE, Headers, Section, round_up, write_image
from bootmend.lab.version_resource import version_section

Kind = Literal["driver", "exe", "dll"]

_CODE, _READ_ONLY, _READ_WRITE, _DISCARDED = 0x68000020, 0x48000040, 0xC8000040, 0x42000040
_NATIVE, _EFI_APPLICATION, _BOOT_APPLICATION = 1, 10, 16
_EXECUTABLE, _LARGE_ADDRESS_AWARE, _32_BIT, _DLL = 0x2, 0x20, 0x100, 0x2000
_DYNAMIC_BASE, _FORCE_INTEGRITY, _NX_COMPATIBLE, _HIGH_ENTROPY = 0x40, 0x80, 0x100, 0x20
_FUNCTIONS = {
    AMD64: STUB,
    ARM64: b"\x00\x00\x80\x52\xc0\x03\x5f\xd6",
    I386: b"\x33\xc0\xc2\x08\x00",
}
"""A whole function that returns 0, STATUS_SUCCESS."""
_LEAF = b"\x01\0\0\0"
"""UNWIND_INFO, version 1: a leaf function, nothing to undo."""


def make_driver(
    name: str,
    *,
    version: str,
    description: str,
    company: str,
    machine: int = AMD64,
    size: int = 0x8000,
    seed: int = 0,
    imports: Mapping[str, Sequence[str]] | None = None,
    exports: Sequence[str] | None = None,
    boot: bool = False,
    kind: Kind = "driver",
    kernel: KernelCode | None = None,
) -> bytes:
    """The bytes of an unsigned image called `name`, of `size` bytes (rounded up to 512; small ones grow).

    `imports` (module -> functions) of None stands for what such images use; so do `exports`. `boot` makes a program or
    DLL of the boot environment (winload, bootmgfw: no imports, their subsystem); of a driver it asks
    that its signature be enforced (`/INTEGRITYCHECK`). `kernel` is what its code is to be. Raises Misuse for an
    unknown machine type.
    """
    if machine not in _FUNCTIONS:
        raise Misuse(f"no such machine type: {machine:#x}")
    choice = random.Random(f"{name}/{seed}")
    boot_program = boot and kind != "driver"
    if imports is None:
        imports = {} if boot_program else usual_imports(kind, choice, name)
    if exports is None:
        exports = usual_exports(name)
    words = _Words(name, version, description, company, machine, imports, exports, kind, kernel)
    code = kernel.text if kernel is not None else _FUNCTIONS[machine]
    smallest, _ = _sections(words, code)
    room = round_up(size, 0x200) - HEADERS_SIZE - sum(section.raw_size for section in smallest[1:])
    sections, directories = _sections(words, code + choice.randbytes(max(room, 0x200) - len(code)))
    plus64 = machine != I386
    headers = Headers(
        machine=machine,
        image_base=words.image_base,
        subsystem=_boot_subsystem(name) if boot_program else _NATIVE,
        file_flags=_EXECUTABLE | (_LARGE_ADDRESS_AWARE if plus64 else _32_BIT) | (_DLL if kind == "dll" else 0),
        dll_flags=_DYNAMIC_BASE
        | _NX_COMPATIBLE
        | (_HIGH_ENTROPY if plus64 else 0)
        | (_FORCE_INTEGRITY if boot and kind == "driver" else 0),
        time_stamp=choice.randrange(0x50000000, 0x65000000),
        directories=directories,
    )
    return write_image(headers, sections)


def _boot_subsystem(name: str) -> int:
    """The firmware starts bootmgfw and bootx64; all that they start in turn are boot applications."""
    return _EFI_APPLICATION if name.lower().startswith(("bootmgfw", "bootx64", "bootaa64")) else _BOOT_APPLICATION


@dataclass(frozen=True, slots=True)
class _Words:
    """What an image is made of, beside its code."""

    name: str
    version: str
    description: str
    company: str
    machine: int
    imports: Mapping[str, Sequence[str]]
    exports: Sequence[str]
    kind: Kind
    kernel: KernelCode | None

    @property
    def pointer_size(self) -> int:
        return 4 if self.machine == I386 else 8

    @property
    def image_base(self) -> int:
        return 0x10000000 if self.machine == I386 else 0x1C0000000

    @property
    def strings(self) -> dict[str, str]:
        return {
            "CompanyName": self.company,
            "FileDescription": self.description,
            "FileVersion": self.version,
            "InternalName": self.name,
            "LegalCopyright": "made by the bootmend lab; holds nobody's code",
            "OriginalFilename": self.name,
            "ProductName": self.description,
            "ProductVersion": self.version,
        }


def _sections(words: _Words, code: bytes) -> tuple[list[Section], dict[str, tuple[int, int]]]:
    """All sections, `.text` holding `code`, and where the data directories are. Sizes do not depend on `code`."""
    directories: dict[str, tuple[int, int]] = {}
    text = Section(b".text", PAGE, code, _CODE)
    rdata, functions = _read_only_data(words, text, directories)
    pointer = (words.image_base + text.rva).to_bytes(words.pointer_size, "little")
    data = Section(b".data", rdata.end, pointer, _READ_WRITE)
    sections = [text, rdata, data]
    if words.kernel is not None:
        paged_at = words.kernel.paged_at
        sections[-1] = data = replace(data, more=paged_at - data.rva - len(pointer))
        sections.append(Section(b"PAGE", paged_at, words.kernel.paged, _CODE))
    if words.machine != I386:
        pdata = Section(b".pdata", sections[-1].end, functions, _READ_ONLY)
        directories["exception"] = (pdata.rva, len(pdata.data))
        sections.append(pdata)
    resource_at = sections[-1].end
    resource = version_section(resource_at, words.version, words.kind, words.strings)
    sections.append(Section(b".rsrc", resource_at, resource, _READ_ONLY))
    directories["resource"] = (resource_at, len(resource))
    relocation = 3 if words.machine == I386 else 10  # IMAGE_REL_BASED_HIGHLOW, _DIR64
    # One block of two entries, the second a filler: blocks end on 4 bytes.
    reloc = Section(b".reloc", sections[-1].end, struct.pack("<IIHH", data.rva, 12, relocation << 12, 0), _DISCARDED)
    directories["reloc"] = (reloc.rva, len(reloc.data))
    sections.append(reloc)
    return sections, directories


def _read_only_data(words: _Words, text: Section, directories: dict[str, tuple[int, int]]) -> tuple[Section, bytes]:
    """The `.rdata` section behind `text`, and the exception table, which leads to unwind information in it."""
    rva = text.end
    content = bytearray()
    if words.imports:
        table = import_table(rva, words.imports, words.pointer_size)
        directories["iat"] = (rva, table.iat_size)
        directories["import"] = (rva + table.descriptors, table.descriptors_size)
        content += table.data
        content += bytes(-len(content) % 4)
    if words.exports:
        entries = words.kernel.entries if words.kernel is not None else None
        exported = export_table(rva + len(content), words.name, words.exports, text.rva, entries)
        directories["export"] = (rva + len(content), len(exported))
        content += exported
        content += bytes(-len(content) % 4)
    unwind_at = rva + len(content)
    content += _LEAF
    rows = _exception_table(words.machine, text.rva, unwind_at)
    if words.kernel is not None:
        rows += _functions_of(words.kernel, rva, content)
    return Section(b".rdata", rva, bytes(content), _READ_ONLY), rows


def _exception_table(machine: int, function: int, unwind_at: int) -> bytes:
    """The one row of the stub; nothing on 32-bit machines."""
    length = len(_FUNCTIONS[machine])
    if machine == ARM64:
        # Packed unwind data: flag 1, function length in instructions.
        return struct.pack("<II", function, 1 | length // 4 << 2)
    return struct.pack("<III", function, function + length, unwind_at) if machine == AMD64 else b""


def _functions_of(kernel: KernelCode, rva: int, content: bytearray) -> bytes:
    """Rows for a kernel's functions; their unwind information is added to `content`, which stands at `rva`."""
    rows: dict[str, bytes] = {}
    for name, function in kernel.functions.items():
        rows[name] = struct.pack("<III", function.begin, function.end, rva + len(content))
        content += function.unwind + (rows[function.part_of] if function.part_of else b"")
    return b"".join(rows.values())
