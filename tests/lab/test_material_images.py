"""Lab images, in the eyes of an independent PE reader (pefile)."""

from __future__ import annotations

import hashlib
from typing import Any

import pefile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootmend.errors import Misuse
from bootmend.formats.pe import Pe
from bootmend.lab.pe_image import AMD64, ARM64, I386
from bootmend.lab.pe_maker import Kind, make_driver

WORDS: dict[str, Any] = {"version": "10.0.20348.2227", "description": "Lab Disk Driver", "company": "Lab Corporation"}


def _strings(image: Any) -> dict[str, str]:
    tables = [table for info in image.FileInfo[0] if info.Key == b"StringFileInfo" for table in info.StringTable]
    return {key.decode(): value.decode() for table in tables for key, value in table.entries.items()}


def _imports(image: Any) -> dict[str, list[str]]:
    return {
        entry.dll.decode(): [function.name.decode() for function in entry.imports]
        for entry in getattr(image, "DIRECTORY_ENTRY_IMPORT", [])
    }


@pytest.mark.parametrize("machine", [AMD64, ARM64, I386])
@pytest.mark.parametrize("kind", ["driver", "exe", "dll"])
def test_an_independent_reader_finds_nothing_odd(machine: int, kind: Kind) -> None:
    data = make_driver("labdisk.sys", machine=machine, kind=kind, size=30_000, seed=5, **WORDS)
    image = pefile.PE(data=data)
    assert image.get_warnings() == []
    assert image.verify_checksum()
    assert image.FILE_HEADER.Machine == machine
    assert image.OPTIONAL_HEADER.Magic == (0x10B if machine == I386 else 0x20B)
    assert image.OPTIONAL_HEADER.Subsystem == 1
    assert image.is_dll() == (kind == "dll")
    assert len(data) == 30_208
    names = [section.Name.rstrip(b"\0").decode() for section in image.sections]
    pdata = [] if machine == I386 else [".pdata"]
    assert names == [".text", ".rdata", ".data", *pdata, ".rsrc", ".reloc"]
    strings = _strings(image)
    assert strings["FileVersion"] == strings["ProductVersion"] == WORDS["version"]
    assert strings["CompanyName"] == WORDS["company"]
    assert strings["FileDescription"] == WORDS["description"]
    assert strings["OriginalFilename"] == "labdisk.sys"
    fixed = image.VS_FIXEDFILEINFO[0]
    assert (fixed.FileVersionMS, fixed.FileVersionLS) == (10 << 16, 20348 << 16 | 2227)
    assert fixed.FileType == {"driver": 3, "exe": 1, "dll": 2}[kind]
    modules = {"ntoskrnl.exe", "HAL.dll"} if kind == "driver" else {"ntdll.dll"}
    assert set(_imports(image)) == modules
    (block,) = image.DIRECTORY_ENTRY_BASERELOC
    # One real entry (HIGHLOW or DIR64) and the filler behind it.
    assert [entry.type for entry in block.entries] == [3 if machine == I386 else 10, 0]


def test_the_pointer_that_is_relocated_follows_the_image() -> None:
    for machine, size in ((AMD64, 8), (I386, 4)):
        image = pefile.PE(data=make_driver("a.sys", machine=machine, **WORDS))
        entry = image.OPTIONAL_HEADER.AddressOfEntryPoint
        moved = image.OPTIONAL_HEADER.ImageBase + 0x100000
        image.relocate_image(moved)
        place = image.DIRECTORY_ENTRY_BASERELOC[0].entries[0].rva
        assert int.from_bytes(image.get_data(place, size), "little") == moved + entry


def test_unwind_information_covers_the_entry_point() -> None:
    image = pefile.PE(data=make_driver("a.sys", **WORDS))
    (entry,) = image.DIRECTORY_ENTRY_EXCEPTION
    assert entry.struct.BeginAddress == image.OPTIONAL_HEADER.AddressOfEntryPoint
    assert entry.unwindinfo.Version == 1


def test_imports_and_exports_are_those_asked_for() -> None:
    imports = {"ntoskrnl.exe": ["KeBugCheckEx", "IoCreateDevice"], "storport.sys": ["StorPortInitialize"]}
    exports = ["KdSendPacket", "KdD0Transition", "KdPower"]
    image = pefile.PE(data=make_driver("kdcom.dll", kind="dll", imports=imports, exports=exports, **WORDS))
    assert _imports(image) == imports
    table = image.DIRECTORY_ENTRY_EXPORT
    assert table.name == b"kdcom.dll"
    assert [symbol.name.decode() for symbol in table.symbols] == sorted(exports)
    assert {symbol.address for symbol in table.symbols} == {image.OPTIONAL_HEADER.AddressOfEntryPoint}


@pytest.mark.parametrize(
    ("name", "kind", "boot", "subsystem"),
    [
        ("winload.efi", "exe", True, 16),
        ("bootmgfw.efi", "exe", True, 10),
        ("bootx64.efi", "exe", True, 10),
        ("smss.exe", "exe", False, 1),
        ("disk.sys", "driver", True, 1),
    ],
)
def test_images_of_the_boot_environment_have_its_subsystems(name: str, kind: Kind, boot: bool, subsystem: int) -> None:
    image = pefile.PE(data=make_driver(name, kind=kind, boot=boot, **WORDS))
    assert image.OPTIONAL_HEADER.Subsystem == subsystem
    assert bool(_imports(image)) == (subsystem == 1)
    assert bool(image.OPTIONAL_HEADER.DllCharacteristics & 0x80) == (boot and kind == "driver")


def test_the_same_words_give_the_same_bytes_and_others_give_others() -> None:
    def digest(name: str, **changes: Any) -> str:
        return hashlib.sha256(make_driver(name, **{**WORDS, **changes})).hexdigest()

    assert digest("a.sys", seed=1) == digest("a.sys", seed=1)
    made = [digest("a.sys", seed=1), digest("a.sys", seed=2), digest("b.sys", seed=1)]
    made += [digest("a.sys", seed=1, version="10.0.20348.1"), digest("a.sys", seed=1, machine=ARM64)]
    assert len(set(made)) == len(made)


@settings(max_examples=30, deadline=None)
@given(
    size=st.integers(0, 250_000),
    exports=st.sets(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True), max_size=30),
    imports=st.dictionaries(
        st.from_regex(r"[a-z]{1,12}\.(dll|sys)", fullmatch=True),
        st.lists(st.from_regex(r"[A-Z][A-Za-z]{0,20}", fullmatch=True), min_size=1, max_size=20, unique=True),
        max_size=5,
    ),
    company=st.text(st.characters(codec="utf-16-le", exclude_characters="\0"), min_size=1, max_size=40),
    machine=st.sampled_from([AMD64, ARM64, I386]),
)
def test_any_words_make_a_sound_image(
    size: int, exports: set[str], imports: dict[str, list[str]], company: str, machine: int
) -> None:
    words = {**WORDS, "company": company}
    data = make_driver("any.sys", size=size, exports=sorted(exports), imports=imports, machine=machine, **words)
    assert len(data) % 512 == 0
    assert len(data) == -(-size // 512) * 512 or size < len(data) < 32_768
    image = pefile.PE(data=data)
    assert _imports(image) == imports
    own = Pe.parse(data, "any.sys")
    assert own.checksum == own.compute_checksum()
    assert sorted(own.exports()) == sorted(exports)
    version = own.version()
    assert version is not None
    assert version.strings["CompanyName"] == company


def test_what_makes_no_image_is_refused() -> None:
    with pytest.raises(Misuse, match="machine"):
        make_driver("a.sys", machine=0x1C0, **WORDS)
    for version in ("", "10.0.20348.1.5", "10.x", "70000.0", "-1"):
        with pytest.raises(Misuse, match="version"):
            make_driver("a.sys", **{**WORDS, "version": version})
