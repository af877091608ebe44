"""pefile as the oracle: the same headers, tables, versions and checksums for every real image at hand."""

from __future__ import annotations

import pytest
from driver_wheels import VCRUNTIME, WINDIVERT, WINDIVERT_2015, WINIO, WINTUN, wheel_files
from signing_real import carved_images

from bootmend.formats.pe import Pe

pefile = pytest.importorskip("pefile")


def real_images() -> dict[str, bytes]:
    found = dict(carved_images())
    for requirement, _ in (WINDIVERT, WINDIVERT_2015, WINIO, VCRUNTIME, WINTUN):
        for ending in (".sys", ".dll", ".exe", ".pyd"):
            try:
                found.update(wheel_files(requirement, ending))
            except AssertionError:
                continue  # this wheel has none of them
    return found


def test_real_images_read_alike() -> None:
    images = real_images()
    assert len(images) > 30
    for name, data in images.items():
        ours, theirs = Pe.parse(data, name), pefile.PE(data=data)
        optional = theirs.OPTIONAL_HEADER
        assert (ours.machine, ours.timestamp) == (theirs.FILE_HEADER.Machine, theirs.FILE_HEADER.TimeDateStamp), name
        assert (ours.checksum, ours.size_of_image) == (optional.CheckSum, optional.SizeOfImage), name
        assert (ours.subsystem, ours.entry_point) == (optional.Subsystem, optional.AddressOfEntryPoint), name
        assert ours.compute_checksum() == theirs.generate_checksum(), name
        assert [(one.rva, one.raw_offset, one.raw_size, one.virtual_size) for one in ours.sections] == [
            (one.VirtualAddress, one.PointerToRawData, one.SizeOfRawData, one.Misc_VirtualSize)
            for one in theirs.sections
        ], name
        assert ours.imports() == their_imports(theirs), name
        table = getattr(theirs, "DIRECTORY_ENTRY_EXPORT", None)
        named = [one.name.decode("latin-1") for one in table.symbols if one.name] if table else []
        assert sorted(ours.exports()) == sorted(named), name
        version = ours.version()
        assert (version.strings if version else {}) == their_strings(theirs), name


def their_imports(image: object) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for library in getattr(image, "DIRECTORY_ENTRY_IMPORT", []):
        names = [f"#{one.ordinal}" if one.import_by_ordinal else one.name.decode("latin-1") for one in library.imports]
        found.setdefault(library.dll.decode("latin-1"), []).extend(names)
    return found


def their_strings(image: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for group in getattr(image, "FileInfo", []):
        for info in group:
            for table in getattr(info, "StringTable", []):
                for key, value in table.entries.items():
                    found.setdefault(key.decode("utf-8"), value.decode("utf-8"))
    return found
