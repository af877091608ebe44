"""A real small dump of a Windows 10 machine, against what was found in it by other means."""

from __future__ import annotations

import json
from typing import Any

import pytest
from command_line import command
from dumps.crashed import InMemory
from sample_data import need, unpacked

from bootmend.dumps import open_dump
from bootmend.dumps.dump import Dump
from bootmend.dumps.verdict import judge

pytestmark = pytest.mark.data
NAME = "dumps/triage-x64-19041.dmp.xz"
EXPECTED = "dumps/triage-x64-19041.expected.json"


@pytest.fixture(scope="module")
def dump() -> Dump:
    return open_dump(InMemory(unpacked(NAME)), "triage.dmp")


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(need(EXPECTED).read_text())
    return found


def test_header(dump: Dump, expected: dict[str, Any]) -> None:
    header = dump.header
    assert header.bits == 64
    assert header.build == expected["MinorVersion"]
    assert hex(header.machine) == expected["machine"]
    assert header.processors == expected["ncpu"]
    assert hex(header.code) == expected["bugcheck"]
    assert [hex(one) for one in header.arguments] == expected["params"]
    assert header.type == expected["DumpType_at_0xF98"]
    assert hex(header.directory_table_base) == expected["DirectoryTableBase"]
    assert hex(header.ps_loaded_module_list) == expected["PsLoadedModuleList"]
    assert hex(header.kdbg) == expected["KdDebuggerDataBlock"]
    assert hex(header.required_space or 0) == expected["RequiredDumpSpace"]
    assert (header.product_type, header.suite_mask) == (expected["ProductType_0x1040"], expected["SuiteMask_0x1044"])
    assert header.up_time is not None
    assert header.up_time / 10_000_000 == pytest.approx(expected["uptime_s"])
    assert dump.code == 0x7E


def test_modules(dump: Dump, expected: dict[str, Any]) -> None:
    found = [
        {
            "path": one.path,
            "base": hex(one.base),
            "size": hex(one.size),
            "checksum": hex(one.checksum or 0),
            "timestamp": hex(one.timestamp or 0),
        }
        for one in dump.modules.loaded
    ]
    assert len(found) == 151
    assert found == expected["modules"]
    gone = [{"name": one.name, "start": hex(one.start), "end": hex(one.end)} for one in dump.modules.unloaded]
    assert gone == expected["unloaded"]


def test_what_the_debugger_block_leads_to(dump: Dump) -> None:
    assert dump.kdbg is not None
    assert not dump.kdbg.encoded
    assert dump.kdbg["PsLoadedModuleList"] == dump.header.ps_loaded_module_list
    assert dump.kdbg["KernBase"] == dump.modules.loaded[0].base
    assert dump.build_lab == "19041.1.amd64fre.vb_release.191206-1406"
    assert dump.process == "System"
    one = dump.processor
    assert one is not None
    assert (one.vendor, one.family, one.model, one.stepping, one.megahertz) == ("AuthenticAMD", 0x17, 0x71, 0, 3593)


def test_the_exception_is_the_one_the_arguments_point_at(dump: Dump) -> None:
    assert dump.exception is not None
    assert (dump.exception.code, dump.exception.address) == (0xC0000005, dump.header.arguments[1])
    assert dump.fault_context is not None
    assert dump.fault_context.pc == dump.header.arguments[1]


def test_verdict(dump: Dump, expected: dict[str, Any]) -> None:
    verdict = judge(dump)
    assert verdict.image == "amdppm.sys"
    assert verdict.address is not None
    assert dump.modules.where(verdict.address) == expected["param2_module"].replace(".sys", "").replace("0x", "")
    assert verdict.status == 0xC0000005
    assert not verdict.verified


def test_the_stack_points_where_it_did(dump: Dump, expected: dict[str, Any]) -> None:
    assert dump.triage is not None
    top = dump.triage.stack_top
    for offset, where in expected["raw_stack_hits"]:
        value = dump.memory.u64(top + int(offset, 16))
        assert value is not None
        module = dump.modules.at(value)
        assert module is not None
        assert f"{module.file}+{value - module.base:#x}" == where


def test_little_is_read() -> None:
    fresh = open_dump(InMemory(unpacked(NAME)), "triage.dmp")
    judge(fresh)
    assert fresh.modules.loaded
    assert len(fresh.processors) == 16
    assert fresh.process == "System"
    assert fresh.reader.bytes_read < 200_000
    assert fresh.reader.reads < 140


def test_on_the_command_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("dump") / "010121-1-01.dmp"
    path.write_bytes(unpacked(NAME))
    done = command("dump", path, "--modules")
    assert done.returncode == 0
    told = done.stdout.decode()
    assert "Windows stopped with 0x7E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED" in told.splitlines()[2]
    assert "It struck in amdppm.sys (amdppm+334c)." in told
    assert "PROCESS_NAME:  System" in told
    assert "fffff80487de0000 fffff80487dfc000  dam.sys" in told
    document = json.loads(command("dump", path, "--json").stdout)
    assert document["schema"] == "bootmend.dump/1"
    assert document["image_name"] == "amdppm.sys"
    assert document["bugcheck_p1"] == "ffffffffc0000005"
    assert document["current_irql"] == "0"
    assert len(document["modules"]) == 151


def test_a_small_dump_that_was_cut_short() -> None:
    data = unpacked(NAME)
    cut = open_dump(InMemory(data[: len(data) // 2]), "cut.dmp")
    assert any("cut short" in note for note in cut.notes)
    assert judge(cut).image == "amdppm.sys"
    assert len(cut.modules.loaded) == 151
