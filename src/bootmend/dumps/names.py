"""What the code of a dump is called: functions by the image's PDB where one is at hand, else by what it exports.

The part of a function that the compiler moved elsewhere (`IopLoadDriver+0x19f8e6`) counts from the function's start;
all else from the nearest symbol before it, as Microsoft's debugger does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bootmend.dumps.code import FileCode, FindImage, ImageCode, MemoryCode, OtherBuild
from bootmend.dumps.header import AMD64
from bootmend.dumps.modules import Module, Modules
from bootmend.dumps.unwind import Stuck, find_function, primary
from bootmend.formats.pe import Pe

if TYPE_CHECKING:
    from bootmend.dumps.dump import Dump
    from bootmend.dumps.symbols import Functions, Symbols

_DECORATED = "?"


class Place(NamedTuple):
    """`offset` counts from the start of the function, or of the module where the function has no known name."""

    function: str
    offset: int


def no_images(_module: Module) -> None:
    """Where no disk is at hand: images are read from the pages of the dump alone."""
    return


class Names:
    """The images of a dump and the symbols beside them, each looked for once."""

    def __init__(self, dump: Dump, find_image: FindImage = no_images, symbols: Symbols | None = None) -> None:
        self._memory = dump.memory
        self._followed = dump.header.machine == AMD64
        self._modules: Modules = dump.modules
        self._find = find_image
        self.symbols = symbols
        self._codes: dict[int, ImageCode | None] = {}
        self._files: dict[int, Pe | None] = {}
        self._why: dict[int, str] = {}

    def file(self, module: Module) -> Pe | None:
        """The module's file, where the very build that ran is at hand."""
        if module.base not in self._files:
            self._files[module.base] = None
            try:
                self._files[module.base] = self._find(module)
            except OtherBuild as reason:
                self._why[module.base] = str(reason)
        return self._files[module.base]

    def code(self, module: Module) -> ImageCode | None:
        """Its code, from its file or from its pages in the dump; that of x64 alone, whose functions can be told."""
        if not self._followed:
            return None
        if module.base not in self._codes:
            pe = self.file(module)
            pages = MemoryCode(self._memory, module) if pe is None else None
            usable = pages if pages is not None and pages.pdata[1] else None
            self._codes[module.base] = FileCode(pe) if pe is not None else usable
        return self._codes[module.base]

    def other_build(self, module: Module) -> str:
        """What is said of a module whose file is at hand, but not the build that ran; else empty."""
        return self._why.get(module.base, "")

    def functions(self, module: Module) -> Functions | None:
        """By the module's PDB."""
        code = self.code(module) if self.symbols is not None else None
        if code is None or self.symbols is None or code.pdb_id is None:
            return None
        return self.symbols.of(code.pdb_id, module.file.rsplit(".", 1)[-1])

    def at(self, address: int) -> Place | None:
        """None where no module is."""
        module = self._modules.at(address)
        return self.place(module, address) if module is not None else None

    def place(self, module: Module, address: int) -> Place:
        rva, code = address - module.base, self.code(module)
        if code is None:
            return Place("", rva)
        start, moved = _start(code, rva)
        functions = self.functions(module)
        named = functions.at(start if moved else rva) if functions is not None else None
        name, since = named if named is not None else (code.name_at(start), start)
        # A part that was split off may stand before its function: the debugger counts from the function all the same.
        return Place(name, rva - since & 0xFFFFFFFF) if name else Place("", rva)

    @property
    def of_kernel(self) -> bool:
        """The kernel's own PDB is used."""
        kernel = next((one for one in self._modules.loaded if one.kernel), None)
        return kernel is not None and self.functions(kernel) is not None


def is_decorated(function: str) -> bool:
    """A C++ name as the compiler wrote it: the debugger would show another one."""
    return function.startswith(_DECORATED)


def _start(code: ImageCode, rva: int) -> tuple[int, bool]:
    """Where the function at `rva` starts, and whether `rva` lies in a part of it that stands elsewhere."""
    try:
        row = find_function(code, rva)
        if row is None:
            return rva, False
        first = primary(code, row)
    except Stuck:
        return rva, False
    return first.begin, first != row
