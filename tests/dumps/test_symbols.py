"""Functions by PDB: against llvm-pdbutil for every function of every PDB at hand, and PDBs that must not be used.

BOOTMEND_DUMP_MUTATIONS sets how many broken ones are made of each (a long campaign: 5000).
"""

from __future__ import annotations

import os
import random
import re
import shutil
import struct
import subprocess
import time
import uuid
from dataclasses import replace
from pathlib import Path

import purepdb
import pytest
from driver_wheels import wheel_file
from dumps.article_kernel import image

from bootmend.dumps import symbols
from bootmend.dumps.code import FileCode
from bootmend.dumps.pdb_id import PdbId, read_pdb_id
from bootmend.dumps.store import Store
from bootmend.dumps.symbols import Functions, NotUsable, Symbols, read_functions
from bootmend.dumps.undecorate import undecorated
from bootmend.formats.pe import Pe

COUNT = int(os.environ.get("BOOTMEND_DUMP_MUTATIONS", "60"))
DEBUGPY = "debugpy==1.8.22"
"""Libraries and programs by Microsoft's compiler and linker, with their private symbols."""
OURS = (("ntoskrnl.exe", "ntkrnlmp.pdb"), ("named.sys", "named.pdb"))
THEIRS = (
    ("attach_amd64.dll", "attach_amd64.pdb"),
    ("inject_dll_amd64.exe", "inject_dll_amd64.pdb"),
    ("run_code_on_dllmain_amd64.dll", "run_code_on_dllmain_amd64.pdb"),
)
SLOWEST = 5.0
RECORD = re.compile(r"\| S_(PUB32|[GL]PROC32|THUNK32)\w* \[size = \d+\] `(.*)`\n((?: {6,}[^\d\s|].*\n)+)")


def id_of(data: bytes, name: str) -> PdbId:
    found = FileCode(Pe.parse(data, name)).pdb_id
    assert found is not None
    return found


@pytest.mark.parametrize(("name", "pdb"), [*OURS, *THEIRS])
def test_every_function_as_another_reader_reads_it(name: str, pdb: str, tmp_path: Path) -> None:
    tool = shutil.which("llvm-pdbutil") or pytest.skip("llvm-pdbutil is not installed")
    own = (name, pdb) in OURS
    path = tmp_path / pdb
    path.write_bytes(image(pdb) if own else wheel_file(DEBUGPY, f"/{pdb}"))
    ours = read_functions(path, id_of(image(name) if own else wheel_file(DEBUGPY, f"/{name}"), name))
    words = [tool, "dump", "-section-headers", "-publics", "-symbols", str(path)]
    told = subprocess.run(words, capture_output=True, check=True).stdout.decode("utf-8", "replace")
    procedures: dict[int, set[str]] = {}
    public: dict[int, set[str]] = {}
    sections = re.findall(r"([0-9A-F]+) virtual address\n(?:.*\n){6} *([0-9A-F]+) flags", told)
    for kind, record, rest in RECORD.findall(told):
        segment, offset = map(int, re.findall(r"addr = (\d+):(\d+)", rest)[0])
        if segment > len(sections):
            continue  # a plain number, no place in the image
        start, flags = (int(word, 16) for word in sections[segment - 1])
        if kind == "PUB32" and ("function" in rest or flags & 0x20000020):
            public.setdefault(start + offset, set()).add(undecorated(record))
        elif kind != "PUB32":
            procedures.setdefault(start + offset, set()).add(record)
    assert set(ours.starts) == {*procedures, *public}
    for at, found in zip(ours.starts, ours.names, strict=True):
        assert found in procedures.get(at, public.get(at, set())), hex(at)
    assert len(procedures) > 100 or own


@pytest.mark.parametrize("pdb", [pdb for _, pdb in THEIRS])
def test_plain_names_of_decorated_ones(pdb: str, tmp_path: Path) -> None:
    """What is taken off is what llvm-undname takes off; what is left as it is stays whole."""
    tool = shutil.which("llvm-undname") or pytest.skip("llvm-undname is not installed")
    path = tmp_path / pdb
    path.write_bytes(wheel_file(DEBUGPY, f"/{pdb}"))
    with purepdb.PDB.open(str(path)) as opened:
        names = [one.name for one in opened.public_symbols() if one.is_function and one.name.startswith("?")]
    without = ("access-specifier", "calling-convention", "return-type", "member-type")
    words = [tool, *(f"--no-{word}" for word in without)]
    done = subprocess.run(words, input="\n".join(names), capture_output=True, text=True, check=True)
    plain = 0
    for row in done.stdout.strip().split("\n\n"):
        decorated, theirs = row.splitlines()
        ours = undecorated(decorated)
        assert ours in (decorated, theirs.split("(")[0])
        plain += ours != decorated
    assert plain > 10


@pytest.mark.parametrize("name", ["?", "??", "?a", "?a@", "?a@@", "?@@YAXXZ", "?a@1@@YAXXZ", "??0@@QEAA@XZ", "?9@@YA"])
def test_a_decoration_that_is_none(name: str) -> None:
    assert undecorated(name) == name


def placed(folder: Path, pdb: str = "named.pdb") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / pdb
    path.write_bytes(image(pdb))
    return path


@pytest.fixture
def wanted() -> PdbId:
    return id_of(image("named.sys"), "named.sys")


@pytest.mark.parametrize("below", ["", "named.pdb/{key}", "na/named.pdb/{key}", "sys", "symbols/sys", "Symbols/SYS"])
def test_each_layout_of_a_store(below: str, wanted: PdbId, tmp_path: Path) -> None:
    path = placed(tmp_path / below.format(key=wanted.key))
    symbols = Symbols(Store([tmp_path]))
    found = symbols.of(wanted, "sys")
    assert found is not None
    assert found.where == str(path)
    assert found.at(0x1045) == ("hidden", 0x1040)
    assert found.at(0x10E0) == ("net::Port::same", 0x10E0)
    assert found.at(0xFFF) is None


def test_the_case_of_letters_does_not_count(wanted: PdbId, tmp_path: Path) -> None:
    path = placed(tmp_path / "NAMED.PDB" / wanted.key.lower())
    path.rename(path.with_name("Named.Pdb"))
    assert Symbols(Store([tmp_path])).of(wanted) is not None


def test_one_of_another_build_is_named_and_the_right_one_is_found(wanted: PdbId, tmp_path: Path) -> None:
    placed(tmp_path / "flat")
    for other in (replace(wanted, age=wanted.age + 1), replace(wanted, guid=uuid.UUID(int=7))):
        symbols = Symbols(Store([tmp_path / "flat"]))
        assert symbols.of(other) is None
        assert "of another build" in symbols.told[0]
        assert str(wanted.guid).upper() in symbols.told[0]
    placed(tmp_path / "store" / "ntkrnlmp.pdb" / "0", "ntkrnlmp.pdb")
    (tmp_path / "flat" / "ntkrnlmp.pdb").write_bytes(image("named.pdb"))
    kernel = id_of(image("ntoskrnl.exe"), "ntoskrnl.exe")
    placed(tmp_path / "store" / "ntkrnlmp.pdb" / kernel.key, "ntkrnlmp.pdb")
    both = Symbols(Store([tmp_path / "flat", tmp_path / "store"]))
    assert both.of(kernel) is not None
    assert both.of(kernel) is both.used[0]


@pytest.mark.parametrize("left", ["named.pd_", "file.ptr"])
def test_what_a_store_keeps_otherwise_is_named(left: str, wanted: PdbId, tmp_path: Path) -> None:
    folder = tmp_path / "named.pdb" / wanted.key
    folder.mkdir(parents=True)
    (folder / left).write_bytes(b"MSCF")
    symbols = Symbols(Store([tmp_path]))
    assert symbols.of(wanted) is None
    assert left in symbols.told[0]
    assert "compressed" in symbols.told[0]


def test_none_at_hand_is_told_with_what_was_looked_for(wanted: PdbId, tmp_path: Path) -> None:
    symbols = Symbols(Store([tmp_path]))
    assert symbols.of(wanted) is None
    assert symbols.told == [f"No symbols: named.pdb {wanted.words} is in none of the folders."]


@pytest.mark.parametrize("name", ["../named.pdb", "..", "a/b", "a\\b", "", "C:x", "n\0"])
def test_a_name_that_leads_out_of_the_folder(name: str, wanted: PdbId, tmp_path: Path) -> None:
    placed(tmp_path)
    store = Store([tmp_path / "inner"])
    assert list(store.files(name, wanted.key)) == []
    assert list(store.below("..", "named.pdb")) == []


class Debug:
    """An image of which only the debug directory is there."""

    def __init__(self, path: bytes, *, kind: int = 2, length: int | None = None) -> None:
        data = b"RSDS" + bytes(range(16)) + struct.pack("<I", 5) + path
        self.raw = struct.pack("<12xIII4x", kind, len(data) if length is None else length, 28) + data
        self.debug_table = (0, 28)

    def read(self, rva: int, length: int) -> bytes | None:
        return self.raw[rva : rva + length] if rva >= 0 and rva + length <= len(self.raw) else None


def test_what_an_image_says_of_its_pdb() -> None:
    found = read_pdb_id(Debug(b"d:\\build\\x64\\driver.pdb\0"))
    assert found is not None
    assert (found.file, found.age) == ("driver.pdb", 5)
    assert found.key == "0302010005040706" + "08090A0B0C0D0E0F" + "5"
    slashes = read_pdb_id(Debug(b"/home/me/driver.pdb\0"))
    assert slashes is not None
    assert slashes.file == "driver.pdb"
    assert read_pdb_id(Debug(b"x.pdb\0", kind=4)) is None
    assert read_pdb_id(Debug(b"x.pdb\0", length=0xFFFFFFFF)) is None
    assert read_pdb_id(Debug(b"x.pdb\0", length=10)) is None


@pytest.mark.parametrize("pdb", ["named.pdb", "ntkrnlmp.pdb"])
def test_broken_ones(pdb: str, wanted: PdbId, tmp_path: Path) -> None:
    """Each is read or refused with a sentence, in bounded time."""
    data = image(pdb)
    expected = wanted if pdb == "named.pdb" else id_of(image("ntoskrnl.exe"), "ntoskrnl.exe")
    with purepdb.PDB.open(str(placed(tmp_path, pdb))) as opened:
        blocks = opened.msf.stream_blocks
        streams = (1, 3, opened.dbi.symrecord_stream_index, opened.dbi.public_stream_index)
        size = opened.msf.super.block_size
        places = [0, opened.msf.super.block_map_addr * size, *(block * size for at in streams for block in blocks[at])]
    refused = 0
    for seed in range(COUNT):
        dice, broken = random.Random(f"{pdb} {seed}"), bytearray(data)
        for _ in range(dice.randint(1, 8)):
            at = min(dice.choice(places) + dice.randrange(256), len(broken) - 4)
            broken[at : at + 4] = dice.choice((dice.getrandbits(32), 0, 1, 0xFFFFFFFF)).to_bytes(4, "little")
        if seed % 8 == 0:
            del broken[dice.randrange(len(broken)) :]
        path = tmp_path / "broken.pdb"
        path.write_bytes(broken)
        started = time.process_time()
        try:
            assert isinstance(read_functions(path, expected), Functions)
        except NotUsable as reason:
            assert str(reason).startswith("Not used: ")
            refused += 1
        assert time.process_time() - started < SLOWEST
    assert 0 < refused < COUNT


def test_modules_that_share_their_names(wanted: PdbId, tmp_path: Path) -> None:
    """Each would be read anew: a small file, and no end of it."""
    path = placed(tmp_path)
    with purepdb.PDB.open(str(path)) as opened:
        first, second = (one.sym_stream for one in opened.dbi.modules if one.has_symbols)
        block = opened.msf.stream_blocks[3][0] * opened.msf.super.block_size
    data = bytearray(path.read_bytes())
    at = data.index(struct.pack("<H", second), data.index(b"* Linker *", block) - 30)
    struct.pack_into("<H", data, at, first)
    path.write_bytes(data)
    with pytest.raises(NotUsable, match="the same stream"):
        read_functions(path, wanted)


@pytest.mark.parametrize("limit", ["MOST_BYTES", "MOST_NAMES", "MOST_PUBLIC"])
def test_one_that_is_too_large(limit: str, wanted: PdbId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbols, limit, 300)
    with pytest.raises(NotUsable, match="more than the 300"):
        read_functions(placed(tmp_path), wanted)


@pytest.mark.parametrize("data", [b"", b"BSJB", b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0", bytes(5000)])
def test_what_is_no_pdb(data: bytes, wanted: PdbId, tmp_path: Path) -> None:
    path = tmp_path / "named.pdb"
    path.write_bytes(data)
    with pytest.raises(NotUsable, match="cannot be read as a PDB"):
        read_functions(path, wanted)
