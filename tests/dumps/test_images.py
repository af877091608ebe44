"""Where images of a dump's modules come from, and what a stack says where only another build is at hand."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import lab_machines
import pytest
from command_line import command, said
from dumps.article_kernel import article_memory, image, kernel
from dumps.crashed import ARTICLE, InMemory, made

from bootmend.disk.container import open_disk
from bootmend.disk.overlay import Overlay
from bootmend.dumps import open_dump
from bootmend.dumps.code import OtherBuild
from bootmend.dumps.fields import analyze_fields
from bootmend.dumps.header import DumpType
from bootmend.dumps.images import Images, StoredImages
from bootmend.dumps.modules import Module
from bootmend.dumps.names import Names
from bootmend.dumps.stack import walk
from bootmend.dumps.store import Store, folders_of
from bootmend.dumps.symbols import Symbols
from bootmend.dumps.verdict import judge
from bootmend.errors import Missing
from bootmend.formats.pe import Pe
from bootmend.lab.crashed_memory import Crash, CrashedMemory, CrashedModule
from bootmend.windows.crash_images import DiskImages, image_finder
from bootmend.windows.discovery import find_windows
from bootmend.windows.image import Image

NT = Module(
    "\\SystemRoot\\system32\\ntoskrnl.exe", 0, kernel().size_of_image, timestamp=kernel().timestamp, kernel=True
)
KEY = f"{kernel().timestamp:08X}{kernel().size_of_image:x}"
NAMED = "\\SystemRoot\\System32\\drivers\\named.sys"
BASE = 0xFFFFF80390000000


def other_build() -> bytes:
    """The kernel with another time stamp."""
    data = bytearray(image("ntoskrnl.exe"))
    struct.pack_into("<I", data, int.from_bytes(data[0x3C:0x40], "little") + 8, 0x11111111)
    return bytes(data)


@pytest.mark.parametrize(
    "below",
    [
        "ntoskrnl.exe",
        f"ntoskrnl.exe/{KEY}/ntoskrnl.exe",
        f"nt/ntoskrnl.exe/{KEY}/ntoskrnl.exe",
        "System32/ntoskrnl.exe",
        "Windows/System32/ntoskrnl.exe",
    ],
)
def test_each_place_in_a_folder(below: str, tmp_path: Path) -> None:
    path = tmp_path / below
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(image("ntoskrnl.exe"))
    found = Images(StoredImages(Store([tmp_path])))(NT)
    assert found is not None
    assert found.file == str(path)


def test_another_build_is_passed_over_for_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "ntoskrnl.exe").write_bytes(other_build())
    images = Images(StoredImages(Store([tmp_path])))
    with pytest.raises(OtherBuild, match=r"ntoskrnl\.exe .* another build"):
        images(NT)
    (tmp_path / "System32").mkdir()
    (tmp_path / "System32" / "ntoskrnl.exe").write_bytes(image("ntoskrnl.exe"))
    assert Images(StoredImages(Store([tmp_path])))(NT) is not None
    assert Images(StoredImages(Store([tmp_path])))(replace(NT, path="other.sys")) is None


def test_a_broken_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "ntoskrnl.exe").write_bytes(b"MZ broken")
    assert Images(StoredImages(Store([tmp_path])))(NT) is None


def test_the_stack_says_that_the_image_differs(tmp_path: Path) -> None:
    """Where the dump has no page of its table of functions."""
    (tmp_path / "ntoskrnl.exe").write_bytes(other_build())
    memory = article_memory()
    table = next(part for part in kernel().sections if part.name == ".pdata")
    del memory.pages[memory.map(memory.crash.modules[0].base + table.rva)]
    dump = open_dump(InMemory(made(memory, DumpType.BITMAP_KERNEL)), "MEMORY.DMP")
    stack = walk(dump, Images(StoredImages(Store([tmp_path]))))
    assert stack.frames == ()
    assert stack.ended.endswith("image differs, stack not unwound there")


def test_the_dumps_own_pages_serve_where_the_file_is_of_another_build(tmp_path: Path) -> None:
    (tmp_path / "ntoskrnl.exe").write_bytes(other_build())
    dump = open_dump(InMemory(made(article_memory(), DumpType.BITMAP_KERNEL)), "MEMORY.DMP")
    assert len(walk(dump, Images(StoredImages(Store([tmp_path])))).frames) == 7


@pytest.mark.parametrize("copy", ["WinSxS", "FileRepository", ""])
def test_older_builds_that_windows_keeps(copy: str) -> None:
    """An update put another kernel in place after the crash: the one that ran is in WinSxS, or in the driver store."""
    component = "amd64_microsoft-windows-os-kernel_31bf3856ad364e35_10.0.14393.1_none_0123456789abcdef"
    folders = {
        "WinSxS": f"\\Windows\\WinSxS\\{component}",
        "FileRepository": "\\Windows\\System32\\DriverStore\\FileRepository\\kernel.inf_amd64_0123456789abcdef",
    }
    machine = lab_machines.base(2)
    with open_disk(str(machine.path)) as device:
        disk = Image(Overlay(device))
        windows = find_windows(disk, lab_machines.trust(machine))[0]
        if copy:
            disk.make_folder(windows.volume, folders[copy])
            disk.create_file(windows.volume, f"{folders[copy]}\\ntoskrnl.exe", image("ntoskrnl.exe"))
            found = image_finder(windows)(NT)
            assert found is not None
            assert copy in found.file
        else:
            with pytest.raises(OtherBuild):
                image_finder(windows)(NT)
        paths = [pe.file for pe in DiskImages(windows).copies(replace(NT, path="\\SystemRoot\\system32\\absent.sys"))]
        assert paths == []
        disk.close()


def struck(function: int, code: int = 0xD1) -> CrashedMemory:
    """A machine that stopped at an address of the driver with names."""
    pe = Pe.parse(image("named.sys"), "named.sys")
    module = CrashedModule(NAMED, BASE, pe.size_of_image, pe.timestamp)
    crash = Crash(code=code, arguments=(0x1000, 2, 0, BASE + function), modules=(*ARTICLE.modules, module))
    return CrashedMemory(crash, frames=0x1000)


@pytest.mark.parametrize(
    ("rva", "bucket", "symbol"),
    [
        (0x1045, "AV_named!hidden", "named!hidden+5"),
        (0x10F0, "AV_named!net::Port::start", "named!net::Port::start"),
    ],
)
def test_the_bucket_names_the_function(rva: int, bucket: str, symbol: str, tmp_path: Path) -> None:
    (tmp_path / "named.sys").write_bytes(image("named.sys"))
    (tmp_path / "named.pdb").write_bytes(image("named.pdb"))
    dump = open_dump(InMemory(made(struck(rva), DumpType.BITMAP_KERNEL)), "MEMORY.DMP")
    store = Store([tmp_path])
    stack = walk(dump, names=Names(dump, Images(StoredImages(store)), Symbols(store)))
    verdict = judge(dump, stack)
    assert verdict.bucket == bucket
    fields = analyze_fields(dump, verdict, stack)
    assert (fields["SYMBOL_NAME"], fields["FAULTING_IP"]) == (symbol, symbol)
    assert fields["FAILURE_ID_HASH_STRING"] == f"km:{bucket}".lower()
    assert judge(dump, walk(dump)).bucket == "AV_named!unknown_function"


def test_the_version_of_the_image_on_the_disk() -> None:
    """The driver blamed is one that the disk has, as it was loaded."""
    machine = lab_machines.base(2)
    with open_disk(str(machine.path)) as device:
        disk = Image(device)
        windows = find_windows(disk, lab_machines.trust(machine))[0]
        path = f"{windows.path}\\System32\\drivers\\fltMgr.sys"
        pe = Pe.parse(windows.image.volume(windows.volume).read(path, 1 << 24), path)
        version = pe.version()
        assert version is not None
        module = CrashedModule("\\SystemRoot\\System32\\drivers\\fltMgr.sys", BASE, pe.size_of_image, pe.timestamp)
        for there in (module, replace(module, timestamp=1)):
            crash = Crash(code=0xD1, arguments=(0x1000, 2, 0, BASE + 0x1000), modules=(ARTICLE.modules[0], there))
            memory = CrashedMemory(crash, frames=0x1000)
            dump = open_dump(InMemory(made(memory, DumpType.BITMAP_KERNEL)), "MEMORY.DMP")
            stack = walk(dump, image_finder(windows))
            found = analyze_fields(dump, judge(dump, stack), stack)["IMAGE_VERSION"]
            assert found == (version.file_version if there is module else None)
        disk.close()


def test_symbol_paths(tmp_path: Path) -> None:
    cache, plain = tmp_path / "cache", tmp_path / "a plain;folder"
    cache.mkdir()
    plain.mkdir()
    url = "https://msdl.microsoft.com/download/symbols"
    for text, folders, unused in (
        (str(plain), [plain], []),
        (f"srv*{cache}*{url}", [cache], [url]),
        (f"SRV*{cache}*{url};cache*{cache};C:\\symbols", [cache], [url, "C:\\symbols"]),
        (f"symsrv*symsrv.dll*{cache}*{url}", [cache], [url]),
        (f"cache*{cache};srv*{url}", [cache], [url]),
    ):
        found, told = folders_of([text])
        assert found == folders
        assert len(told) == len(unused)
        assert all(any(word in line for line in told) for word in unused)
        assert sum("Nothing is downloaded" in line for line in told) == unused.count(url)
    for nothing in (f"srv*{url}", str(tmp_path / "absent"), "", "srv*", ";;"):
        with pytest.raises(Missing, match="no folder of this symbol path is here"):
            folders_of([nothing])


def test_on_the_command_line(tmp_path: Path) -> None:
    """A lone dump, its symbols and its images in one folder; and paths that are none."""
    dump, folder = tmp_path / "MEMORY.DMP", tmp_path / "beside"
    dump.write_bytes(made(article_memory(), DumpType.BITMAP_KERNEL))
    folder.mkdir()
    for name in ("ntoskrnl.exe", "ntkrnlmp.pdb"):
        (folder / name).write_bytes(image(name))
    done = command("dump", dump, "--symbols", f"srv*{folder}*https://example.com/", "--images", folder, "--json")
    assert done.returncode == 0, said(done)
    told = json.loads(done.stdout)
    assert told["thread_sha1_hash_mod_func_offset"] == "96a3a314834bb4e8443a8b7201525fc5dfc1878b"
    assert told["nt_symbols"] is True
    assert "Nothing is downloaded" in told["notes"][0]
    for option in ("--symbols", "--images"):
        done = command("dump", dump, option, tmp_path / "absent")
        assert done.returncode == 4
        assert "absent" in said(done)
