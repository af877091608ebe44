"""The article's sample analysis: every field that it prints, from a dump of a kernel that made the article's calls."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from dumps.article_kernel import article_memory, image, kernel
from dumps.crashed import InMemory, made

from bootmend.dumps import open_dump
from bootmend.dumps.code import fits
from bootmend.dumps.dump import Dump
from bootmend.dumps.fields import Session, Value, analyze_fields
from bootmend.dumps.header import DumpType
from bootmend.dumps.modules import Module
from bootmend.dumps.names import Names
from bootmend.dumps.stack import Stack, walk
from bootmend.dumps.store import Store
from bootmend.dumps.symbols import Symbols
from bootmend.dumps.verdict import judge
from bootmend.formats.pe import Pe
from bootmend.reports.dump import document, text

PRINTED: dict[str, Value] = {
    "DUMP_CLASS": 1,
    "DUMP_QUALIFIER": 401,
    "BUILD_VERSION_STRING": "10.0.14393.1770 (rs1_release.170917-1700)",
    "DUMP_TYPE": 1,
    "BUGCHECK_P1": "1",
    "BUGCHECK_P2": "ffffd80f4bfe7070",
    "BUGCHECK_P3": "ffffb00b0513d320",
    "BUGCHECK_P4": "ffffffffc0000428",
    "BUGCHECK_STR": "0x5A_c0000428",
    "CPU_COUNT": "1",
    "CPU_MHZ": "a22",
    "CPU_VENDOR": "GenuineIntel",
    "CPU_FAMILY": "6",
    "CPU_MODEL": "3d",
    "CPU_STEPPING": "4",
    "DEFAULT_BUCKET_ID": "WIN8_DRIVER_FAULT",
    "PROCESS_NAME": "System",
    "CURRENT_IRQL": "0",
    "ANALYSIS_SESSION_HOST": "MININT-6RMM091",
    "ANALYSIS_SESSION_TIME": "11-15-2017 19:32:42.0841",
    "RETRACER_ANALYSIS_TAG_STATUS": "DEBUG_FLR_FAULTING_IP is not found",
    "THREAD_SHA1_HASH_MOD_FUNC": "eb79608c07faa1af62c0e61f25ff6bc1d6dfdb25",
    "THREAD_SHA1_HASH_MOD_FUNC_OFFSET": "96a3a314834bb4e8443a8b7201525fc5dfc1878b",
    "THREAD_SHA1_HASH_MOD": "30a3e915496deaace47137d5b90c3ecc03746bf6",
    "MODULE_NAME": "filecrypt",
    "IMAGE_NAME": "filecrypt.sys",
    "DEBUG_FLR_IMAGE_TIMESTAMP": "0",
    "IMAGE_VERSION": "",
    "STACK_COMMAND": ".thread ; .cxr ; kb",
    "FAILURE_BUCKET_ID": "0x5A_c0000428_IMAGE_filecrypt.sys",
    "BUCKET_ID": "0x5A_c0000428_IMAGE_filecrypt.sys",
    "PRIMARY_PROBLEM_CLASS": "0x5A_c0000428_IMAGE_filecrypt.sys",
    "TARGET_TIME": "2017-11-13T20:51:04.000Z",
    "OSBUILD": 14393,
    "OSSERVICEPACK": 1770,
    "SERVICEPACK_NUMBER": 0,
    "OS_REVISION": 0,
    "SUITE_MASK": 144,
    "PRODUCT_TYPE": 3,
    "OSPLATFORM_TYPE": "x64",
    "OSNAME": "Windows 10",
    "OSEDITION": "Windows 10 Server TerminalServer DataCenter",
    "OS_LOCALE": "",
    "USER_LCID": 0,
    "OSBUILD_TIMESTAMP": "2017-09-17 19:16:08",
    "BUILDDATESTAMP_STR": "170917-1700",
    "BUILDLAB_STR": "rs1_release",
    "BUILDOSVER_STR": "10.0.14393.1770",
    "ANALYSIS_SESSION_ELAPSED_TIME": "bfc",
    "ANALYSIS_SOURCE": "KM",
    "FAILURE_ID_HASH_STRING": "km:0x5a_c0000428_image_filecrypt.sys",
    "FAILURE_ID_HASH": "{35f25777-b01e-70a1-c502-f690dab6cb3a}",
    "FAILURE_ID_REPORT_LINK": "https://go.microsoft.com/fwlink/?LinkID=397724"
    "&FailureHash=35f25777-b01e-70a1-c502-f690dab6cb3a",
}
"""What the article prints, in its order; STACK_TEXT and what is not in the dump stand below."""
STACK_LINES = (
    "ffffc701`1dc74948 fffff803`b2ff4b4a : 00000000`0000005a 00000000`00000001 ffffd80f`4bfe7070 ffffb00b`0513d320"
    " : nt!KeBugCheckEx",
    "ffffc701`1dc74950 fffff803`b3205df3 : ffffd80f`4bba9f58 ffffd80f`4bba9f58 ffffc701`1dc74b80 ffffd80f`00000006"
    " : nt!IopLoadDriver+0x19f8e6",
)
"""The two lines of the stack that the article prints; it adds source files out of Microsoft's private symbols."""
NOT_IN_A_DUMP = {"ANALYSIS_VERSION", "FOLLOWUP_NAME"}
"""The debugger's own version, and whom its list of owners (triage.ini) names."""
FRAMES = (
    "nt!KeBugCheckEx",
    "nt!IopLoadDriver+0x19f8e6",
    "nt!IopInitializeSystemDrivers+0x137",
    "nt!IoInitSystem+0x16",
    "nt!Phase1Initialization+0x3c",
    "nt!PspSystemThreadStartup+0x41",
    "nt!KxStartSystemThread+0x16",
)
SESSION = Session("MININT-6RMM091", datetime(2017, 11, 15, 19, 32, 42, 84_100, UTC), 0xBFC)


def file_of(module: Module) -> Pe | None:
    return kernel() if fits(kernel(), module) else None


def dump_of(kind: DumpType = DumpType.BITMAP_KERNEL) -> Dump:
    return open_dump(InMemory(made(article_memory(), kind)), "MEMORY.DMP")


@pytest.fixture(scope="module")
def symbols_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("symbols")
    (folder / "ntkrnlmp.pdb").write_bytes(image("ntkrnlmp.pdb"))
    return folder


def followed(dump: Dump, folder: Path | None, *, file: bool = True) -> Stack:
    symbols = Symbols(Store([folder])) if folder is not None else None
    return walk(dump, names=Names(dump, file_of, symbols) if file else Names(dump, symbols=symbols))


@pytest.mark.parametrize("kind", [DumpType.KERNEL, DumpType.BITMAP_KERNEL])
@pytest.mark.parametrize("file", [True, False])
def test_every_field_that_the_article_prints(kind: DumpType, file: bool, symbols_folder: Path) -> None:
    """With the kernel's file at hand, and from its pages in the dump alone."""
    dump = dump_of(kind)
    stack = followed(dump, symbols_folder, file=file)
    found = analyze_fields(dump, judge(dump, stack), stack, SESSION)
    assert {name: found[name] for name in PRINTED} == PRINTED
    assert found["STACK_TEXT"] is not None
    assert tuple(str(found["STACK_TEXT"]).splitlines()[:2]) == STACK_LINES
    assert [name for name in found if name in PRINTED] == list(PRINTED)
    assert set(found) - set(PRINTED) - {"STACK_TEXT", "SYMBOL_NAME"} == NOT_IN_A_DUMP
    assert tuple(frame.name for frame in stack.frames) == FRAMES


def test_what_is_computed_without_symbols_is_said(symbols_folder: Path) -> None:
    """Modules are known without them; functions that the kernel does not export are not."""
    dump = dump_of()
    bare, full = followed(dump, None), followed(dump, symbols_folder)
    for stack, told in ((bare, True), (full, False)):
        lines = list(text(dump, judge(dump, stack), stack))
        assert any("without nt symbols" in line for line in lines) is told
        assert document(dump, judge(dump, stack), stack)["nt_symbols"] is not told
    assert [frame.address for frame in bare.frames] == [frame.address for frame in full.frames]
    fields = analyze_fields(dump, judge(dump, bare), bare)
    assert fields["THREAD_SHA1_HASH_MOD"] == PRINTED["THREAD_SHA1_HASH_MOD"]
    assert fields["THREAD_SHA1_HASH_MOD_FUNC"] is None


def test_which_symbols_were_used_is_told(symbols_folder: Path) -> None:
    dump = dump_of()
    stack = followed(dump, symbols_folder)
    told = document(dump, judge(dump, stack), stack)
    assert [one["pdb"] for one in told["symbols"]] == [str(symbols_folder / "ntkrnlmp.pdb")]
    assert told["symbols"][0]["functions"] == 7
    assert any("ntkrnlmp.pdb (7 functions)" in note for note in told["notes"])
