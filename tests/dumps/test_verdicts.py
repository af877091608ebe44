"""What each kind of stop blames: the driver of an address, a name behind a pointer, or nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dumps.crashed import ARTICLE, FILTER, InMemory, made, opened

from bootmend.dumps import open_dump
from bootmend.dumps.fields import analyze_fields
from bootmend.dumps.header import DumpType
from bootmend.dumps.verdict import Verdict, judge
from bootmend.lab.crashed_memory import Crash, CrashedMemory
from bootmend.reports.dump import summary

NT, FLTMGR = ARTICLE.modules[0].base, ARTICLE.modules[2].base
GONE = ARTICLE.unloaded[0][1]
ACCESS_VIOLATION = 0xFFFFFFFFC0000005


def verdict(code: int, *arguments: int | str) -> Verdict:
    return judge(opened(Crash(code=code, arguments=arguments)))


def test_the_article() -> None:
    dump = opened(ARTICLE)
    found = judge(dump)
    assert (found.image, found.path, found.module) == ("filecrypt.sys", FILTER, "filecrypt")
    assert found.status == 0xC0000428
    fields = analyze_fields(dump, found)
    for name, value in {
        "DUMP_CLASS": 1,
        "DUMP_QUALIFIER": 401,
        "DUMP_TYPE": 1,
        "BUILD_VERSION_STRING": "10.0.14393.1770 (rs1_release.170917-1700)",
        "BUGCHECK_P1": "1",
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
        "MODULE_NAME": "filecrypt",
        "IMAGE_NAME": "filecrypt.sys",
        "DEBUG_FLR_IMAGE_TIMESTAMP": "0",
        "STACK_COMMAND": ".thread ; .cxr ; kb",
        "FAILURE_BUCKET_ID": "0x5A_c0000428_IMAGE_filecrypt.sys",
        "BUCKET_ID": "0x5A_c0000428_IMAGE_filecrypt.sys",
        "PRIMARY_PROBLEM_CLASS": "0x5A_c0000428_IMAGE_filecrypt.sys",
        "OSBUILD": 14393,
        "OSSERVICEPACK": 1770,
        "SERVICEPACK_NUMBER": 0,
        "SUITE_MASK": 144,
        "PRODUCT_TYPE": 3,
        "OSPLATFORM_TYPE": "x64",
        "OSNAME": "Windows 10",
        "OSEDITION": "Windows 10 Server TerminalServer DataCenter",
        "OSBUILD_TIMESTAMP": "2017-09-17 18:53:44",
        "BUILDDATESTAMP_STR": "170917-1700",
        "BUILDLAB_STR": "rs1_release",
        "BUILDOSVER_STR": "10.0.14393.1770",
        "ANALYSIS_SOURCE": "KM",
        "FAILURE_ID_HASH_STRING": "km:0x5a_c0000428_image_filecrypt.sys",
        "FAILURE_ID_HASH": "{35f25777-b01e-70a1-c502-f690dab6cb3a}",
        "FAILURE_ID_REPORT_LINK": "https://go.microsoft.com/fwlink/?LinkID=397724"
        "&FailureHash=35f25777-b01e-70a1-c502-f690dab6cb3a",
    }.items():
        assert fields[name] == value, name


def test_a_path_without_its_string_head_is_read_too() -> None:
    memory = CrashedMemory(ARTICLE, frames=0x1000)
    at = memory.place(FILTER.encode("utf-16-le") + b"\0\0")
    data = bytearray(made(memory, DumpType.BITMAP_KERNEL))
    data[0x50:0x58] = at.to_bytes(8, "little")
    assert judge(open_dump(InMemory(bytes(data)), "raw.dmp")).image == "filecrypt.sys"


def test_without_the_path_nobody_is_blamed_and_the_bucket_is_unverified() -> None:
    dump = opened(replace(ARTICLE, arguments=(1, 0, 0xFFFFB00BFFFF0000, 0xFFFFFFFFC0000034)))
    found = judge(dump)
    assert found.image == ""
    assert found.bucket == "0x5A_c0000034"
    assert not found.verified
    assert any("bootmend diagnose" in line for line in summary(dump, found))


@pytest.mark.parametrize(
    ("code", "arguments", "bucket", "verified"),
    [
        (0xD1, (0x1000, 2, 0, FLTMGR + 0x10), "AV_FLTMGR!unknown_function", True),
        (0x0A, (0x1000, 2, 0, FLTMGR + 0x10), "AV_FLTMGR!unknown_function", False),
        (0x50, (0xFFFFF00000000000, 0, FLTMGR + 0x10, 0), "AV_R_INVALID_FLTMGR!unknown_function", True),
        (0x50, (0xFFFFF00000000000, 2, FLTMGR + 0x10, 0), "AV_W_INVALID_FLTMGR!unknown_function", False),
        (0x7E, (ACCESS_VIOLATION, FLTMGR + 0x10, 0, 0), "AV_FLTMGR!unknown_function", False),
        (0x3B, (0xC0000094, FLTMGR + 0x10, 0, 0), "0x3B_c0000094_FLTMGR!unknown_function", False),
        (0x116, (0xFFFFB00B00000000, FLTMGR + 0x10, 0, 0), "0x116_FLTMGR!unknown_function", False),
    ],
)
def test_the_driver_of_an_address(code: int, arguments: tuple[int, ...], bucket: str, verified: bool) -> None:
    found = verdict(code, *arguments)
    assert (found.module, found.image) == ("FLTMGR", "FLTMGR.SYS")
    assert found.address == FLTMGR + 0x10
    assert (found.bucket, found.verified) == (bucket, verified)


def test_in_the_kernel_itself_nobody_is_blamed() -> None:
    dump = opened(Crash(code=0xD1, arguments=(0x1000, 2, 0, NT + 0x1234)))
    found = judge(dump)
    assert found.module == "nt"
    assert not found.verified
    assert "unknown_function" not in found.bucket
    assert any("only the stack tells" in line for line in summary(dump, found))


def test_a_driver_that_had_been_unloaded() -> None:
    found = verdict(0xCE, 0x1000, 0, GONE + 0x40, 0)
    assert (found.image, found.unloaded) == ("dump_storport.sys", True)
    assert verdict(0xCE, 0x1000, 0, 0xDEAD000000, 0).image == ""


def test_the_irql_of_the_arguments() -> None:
    dump = opened(Crash(code=0xD1, arguments=(0x1000, 0xD, 0, FLTMGR)))
    assert analyze_fields(dump, judge(dump))["CURRENT_IRQL"] == "d"
    assert analyze_fields(opened(ARTICLE), judge(opened(ARTICLE)))["CURRENT_IRQL"] == "0"


def test_the_irql_of_each_processor() -> None:
    dump = opened(replace(ARTICLE, processors=3))
    assert [one.irql for one in dump.processors] == [0, 15, 15]


def test_an_irql_that_is_none() -> None:
    memory = CrashedMemory(ARTICLE, frames=0x1000)
    saved = memory.prcbs[0] + 0x100 + 0xA0
    memory.write(saved, (16).to_bytes(8, "little"))
    dump = open_dump(InMemory(made(memory, DumpType.BITMAP_KERNEL)), "irql.dmp")
    assert analyze_fields(dump, judge(dump))["CURRENT_IRQL"] is None


def test_the_process_that_died() -> None:
    memory = CrashedMemory(Crash(code=0xEF, processes=("System", "smss.exe", "csrss.exe")), frames=0x1000)
    process = open_dump(InMemory(made(memory, DumpType.FULL)), "died.dmp")
    assert process.kdbg is not None
    # The address of the third process: its links stand in the list, and its head before them.
    links = memory.process_list
    for _ in range(3):
        links = process.memory.u64(links) or 0
    data = bytearray(made(memory, DumpType.FULL))
    data[0x40:0x48] = (links - 0x2F0).to_bytes(8, "little")
    found = judge(open_dump(InMemory(bytes(data)), "died.dmp"))
    assert (found.image, found.verified) == ("csrss.exe", False)


def test_a_broken_structure_of_the_kernel() -> None:
    found = verdict(0x139, 3, 0, 0, 0)
    assert found.bucket.startswith("0x139_3_CORRUPT_LIST_ENTRY")
    assert verdict(0x139, 0x7777, 0, 0, 0).bucket.startswith("0x139_7777")


@pytest.mark.parametrize(
    ("code", "arguments", "text", "status"),
    [
        (0x7B, ("\\ArcName\\multi(0)disk(0)rdisk(0)partition(1)", 0xC0000034, 0, 0), "\\ArcName\\", 0xC0000034),
        (0xC0000218, ("\\SystemRoot\\System32\\Config\\SOFTWARE", 0, 0, 0), "\\SystemRoot\\System32\\Config", None),
        (0x67, (5, 8, 0xC000014C, 0), "", 0xC000014C),
        (0x6B, (0xC000012F, 2, 0, 0), "", 0xC000012F),
    ],
)
def test_names_and_statuses_of_a_stop(
    code: int, arguments: tuple[int | str, ...], text: str, status: int | None
) -> None:
    found = verdict(code, *arguments)
    assert found.text.startswith(text)
    assert bool(found.text) is bool(text)
    assert found.status == status
    assert not found.verified


def test_a_name_of_narrow_letters() -> None:
    memory = CrashedMemory(Crash(code=0xC0000221), frames=0x1000)
    at = memory.place(b"\\SystemRoot\\system32\\ntdll.dll\0")
    data = bytearray(made(memory, DumpType.FULL))
    data[0x40:0x48] = at.to_bytes(8, "little")
    assert judge(open_dump(InMemory(bytes(data)), "narrow.dmp")).text == "\\SystemRoot\\system32\\ntdll.dll"


@pytest.mark.parametrize(
    ("seconds", "words"), [(12, "12.0 seconds"), (3599, "3599.0 seconds"), (93_784, "1 days and 2:03:04 hours")]
)
def test_how_long_the_machine_had_been_up(seconds: int, words: str) -> None:
    dump = opened(replace(ARTICLE, up_time=seconds * 10_000_000))
    assert f"up for {words}" in summary(dump, judge(dump))[1]


def test_a_copy_of_a_running_machine_is_no_crash() -> None:
    dump = opened(Crash(code=0x4D415454, arguments=(0, 0, 0, 0)), DumpType.FULL)
    found = judge(dump)
    assert found == Verdict()
    told = " ".join(summary(dump, found))
    assert "did not crash" in told
    assert "stopped with" not in told
