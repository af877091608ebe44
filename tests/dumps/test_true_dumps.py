"""True dumps on a lab machine's disk: their stack runs through the images that stand there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from lab_machines import broken

from bootmend.cli.dump import _of_disk
from bootmend.cli.dump_sources import beside
from bootmend.dumps import open_dump
from bootmend.dumps.hashes import Frame, thread_hashes
from bootmend.dumps.header import DumpType
from bootmend.dumps.stack import Stack, walk
from bootmend.dumps.verdict import Verdict, judge
from bootmend.lab.kernel_code import BUG_CHECK, kernel_code
from bootmend.lab.last_calls import KERNEL_BASE
from bootmend.windows.crash_audit import audit_sentence
from bootmend.windows.crash_files import CrashFile, crash_files
from bootmend.windows.crash_images import image_finder
from bootmend.windows.discovery import find_windows
from bootmend.windows.image import Image
from bootmend.windows.installation import Windows

ARTICLE = {
    "mod": "30a3e915496deaace47137d5b90c3ecc03746bf6",
    "mod_func": "eb79608c07faa1af62c0e61f25ff6bc1d6dfdb25",
    "mod_func_offset": "96a3a314834bb4e8443a8b7201525fc5dfc1878b",
}
"""THREAD_SHA1_HASH_* that Microsoft's article on stop 0x5A prints."""


@contextmanager
def machine_with(fault: str) -> Iterator[tuple[Windows, list[CrashFile]]]:
    with broken(2, fault) as sample:
        image = Image(sample.disk)
        windows = find_windows(image, sample.given)[0]
        yield windows, crash_files(windows).found
        image.close()


def named(stack: Stack) -> list[Frame]:
    """The frames by the lab's own knowledge of its kernel, in place of the symbols nobody has of it."""
    code = kernel_code()
    frames = []
    for frame in stack.frames:
        rva = frame.address - KERNEL_BASE
        inside = (one.part_of or name for name, one in code.functions.items() if one.begin <= rva < one.end)
        name = next(inside, BUG_CHECK)
        frames.append(Frame("nt", name, rva - code.entries[name]))
    return frames


@pytest.mark.parametrize(
    ("fault", "number", "path", "kind"),
    [
        ("crash-dump", 0, "\\Windows\\MEMORY.DMP", DumpType.BITMAP_KERNEL),
        ("crash-dump", 1, "\\Windows\\Minidump\\021824-9156-01.dmp", DumpType.TRIAGE),
        ("crash-dump-page-file", 0, "\\pagefile.sys", DumpType.BITMAP_KERNEL),
        ("crash-dump-stale", 0, "\\Windows\\MEMORY.DMP", DumpType.BITMAP_KERNEL),
    ],
)
def test_the_stack_of_the_article_out_of_a_dump_and_its_disk(
    fault: str, number: int, path: str, kind: DumpType
) -> None:
    with machine_with(fault) as (windows, found):
        file = found[number]
        assert (file.path, file.header.type) == (path, kind)
        dump = open_dump(file.file, file.where)
        assert walk(dump).frames == ()  # its own pages hold no code
        stack = walk(dump, image_finder(windows))
        assert stack.whole
        hashes = thread_hashes(named(stack))
        assert {"mod": hashes.mod, "mod_func": hashes.mod_func, "mod_func_offset": hashes.mod_func_offset} == ARTICLE
        told = stack.hashes()
        assert told is not None
        assert told.mod == ARTICLE["mod"]
        found_by = judge(dump, stack)
        assert found_by.status == 0xC0000428
        assert found_by.image == ("" if kind == DumpType.TRIAGE else "filecrypt.sys")
        assert dump.process == "System"
        assert dump.build_lab.startswith("20348.2227.")
        assert not dump.notes
        loaded = [module.file.lower() for module in dump.modules.loaded]
        assert loaded[:2] == ["ntoskrnl.exe", "hal.dll"]
        assert "filecrypt.sys" not in loaded  # it was just being loaded
        find = image_finder(windows)
        assert all(find(module) is not None for module in dump.modules.loaded)
        assert dump.reader.bytes_read < 1 << 20


@pytest.mark.parametrize(
    ("fault", "said", "never"),
    [
        ("catalog-lost+crash-dump", "the catalog that vouches for it is not in the store", "earlier stop"),
        ("crash-dump-page-file", "so it was mended since", "earlier stop"),
        ("driver-missing+crash-dump", "there is no such file", "earlier stop"),
        ("driver-unsigned+crash-dump", "so it was mended since", "earlier stop"),
        ("crash-dump-stale", "it may tell of an earlier stop", "30 days"),
    ],
)
def test_what_the_disk_knows_of_the_file_is_told(
    fault: str, said: str, never: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with broken(2, fault) as sample:
        image = Image(sample.disk)
        with beside([], []) as found:
            _of_disk(find_windows(image, sample.given)[0], sample.disk, found, modules=False, json=False)
        image.close()
    told = capsys.readouterr().out
    assert said in told
    assert never not in told
    assert "The file: filecrypt.sys" in told
    assert ARTICLE["mod"] in told


def test_no_sentence_where_no_file_is_named() -> None:
    with machine_with("catalog-lost+crash-dump") as (windows, _):
        assert audit_sentence(windows, Verdict(status=0xC0000428)) == ""
        assert audit_sentence(windows, Verdict(image="filecrypt.sys")) == ""
        assert "No service" in audit_sentence(windows, Verdict(image="nobody.sys", status=0xC0000428))
