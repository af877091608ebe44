"""The bundle for support: what is in it, what never is, that it is whole or not there."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lab_machines
import pytest
from command_line import command, said
from lab_machines import Broken, broken

from bootmend.cli.output import written
from bootmend.disk.digest import data_digest
from bootmend.dumps import open_dump
from bootmend.dumps.verdict import judge
from bootmend.errors import ParseError, Refused
from bootmend.lab.open_machine import OpenMachine
from bootmend.repair import diagnose
from bootmend.reports.bundle import MANIFEST, Bundle
from bootmend.reports.collected import Collected, Wanted, collect, readme
from bootmend.reports.collected_dump import collect_dump
from bootmend.reports.terminal import show_diagnosis


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def collected(sample: Broken, folder: Path, dump: Wanted = "mini") -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of a bundle by name, and its manifest."""
    target, started = folder / "bundle.zip", datetime.now(UTC)
    with Bundle(target, "os.vhd") as bundle:
        result = diagnose(sample.disk, sample.given)
        told = written(lambda out: show_diagnosis(out, result))
        collect(bundle, Collected(sample.disk, result, started, told))
        collect_dump(bundle, result.windows, dump)
        bundle.add("README.txt", "README", readme(bundle, "os.vhd", started, dump))
        result.image.close()
    assert [one.name for one in folder.iterdir()] == ["bundle.zip"]
    with zipfile.ZipFile(target) as made:
        assert made.testzip() is None
        files = {name: made.read(name) for name in made.namelist()}
    return files, json.loads(files[MANIFEST])


@pytest.mark.parametrize("generation", [1, 2])
def test_what_is_in_it(generation: int, tmp_path: Path) -> None:
    with broken(generation, "catalog-lost+crash-dump") as sample:
        before, _ = data_digest(sample.disk)
        files, manifest = collected(sample, tmp_path)
        assert data_digest(sample.disk)[0] == before
        assert set(files) == {MANIFEST, *(one["name"] for one in manifest["files"])}
        for one in manifest["files"]:
            assert hashlib.sha256(files[one["name"]]).hexdigest() == one["sha256"]
            assert (len(files[one["name"]]), one["cut"]) == (one["size"], False)
        result = json.loads(files["result.json"])
        assert result["findings"][0]["rule"] == "catalog_missing"
        assert result["dump"]["finding"] == 1
        for name in ("report.txt", "report.html"):
            assert b"filecrypt.sys cannot be verified" in files[name]
        assert {one["problem"] for one in json.loads(files["drivers.json"])["drivers"]} >= {None, "catalog_lost"}
        assert [one["content"] for one in json.loads(files["disk.json"])["partitions"]][-1] == "ntfs"
        store = next(data for name, data in files.items() if name.startswith("boot/") and name.endswith("BCD.txt"))
        assert b"Windows Boot Loader" in store
        keys = b"".join(data for name, data in files.items() if name.endswith(".reg")).replace(b"\0", b"")
        for word in (b"CrashDumpEnabled", b"\\Select]", b"UpperFilters"):
            assert word in keys
        services = {one["name"]: one for one in json.loads(files["registry/services.json"])["services"]}
        assert services["FileCrypt"]["error_control"] == 3
        assert files["logs/System.evtx"].startswith(b"ElfFile")
        assert b"hands" not in files["README.txt"]
        assert b"dump/mini.dmp" in files["README.txt"]


def test_what_is_never_in_it(tmp_path: Path) -> None:
    """A word put into SAM, SECURITY and a user's folder is in no part."""
    with broken(2, "crash-dump") as sample:
        secret = b"hunter2-and-more"
        with OpenMachine(sample.disk, sample.machine.manifest) as machine:
            for name in ("SAM", "SECURITY"):
                path = f"\\Windows\\System32\\config\\{name}"
                machine.windows.replace(path, machine.windows.read(path) + secret)
            machine.windows.mkdir("\\Users\\lab")
            machine.windows.create("\\Users\\lab\\passwords.txt", secret)
        files, manifest = collected(sample, tmp_path)
        assert not any(secret in data for data in files.values())
        assert not any(data.startswith(b"regf") for name, data in files.items() if not name.startswith("boot/"))
        assert any("SAM" in one["reason"] for one in manifest["left_out"])


def test_the_mini_dump_gives_the_verdict(tmp_path: Path) -> None:
    with broken(2, "crash-dump") as sample:
        files, manifest = collected(sample, tmp_path)
    dump = open_dump(Bytes(files["dump/mini.dmp"]), "mini.dmp")
    told = json.loads(files["dump/analysis.json"])
    assert judge(dump).bucket == told["failure_bucket_id"] == "0x5A_c0000428_IMAGE_filecrypt.sys"
    assert len(told["stack"]) == 7
    assert any("021824" in one["what"] for one in manifest["left_out"])


@pytest.mark.parametrize("fault", ["crash-dump", "crash-dump-page-file"])
def test_the_whole_dump_only_when_asked_for(fault: str, tmp_path: Path) -> None:
    with broken(2, fault) as sample:
        files, _ = collected(sample, tmp_path, "full")
        assert "dump/mini.dmp" not in files
        whole = files["dump/full.dmp"]
        assert whole.startswith(b"PAGEDU64")
        assert len(whole) < 1 << 20  # nothing of the page file behind it
        assert open_dump(Bytes(whole), "x").notes == []
        assert b"passwords" in files["README.txt"]


def test_no_dump_where_none_is_wanted(tmp_path: Path) -> None:
    with broken(2, "crash-dump") as sample:
        files, manifest = collected(sample, tmp_path, "none")
        assert not [name for name in files if name.startswith("dump/")]
        assert sum("not asked for" in one["reason"] for one in manifest["left_out"]) == 2


def test_what_cannot_be_read_is_listed(tmp_path: Path) -> None:
    with broken(2, "hive-unreadable-system+crash-dump") as sample:
        with OpenMachine(sample.disk, sample.machine.manifest) as machine:
            machine.windows.write_in_place("\\Windows\\MEMORY.DMP", 0x2000, bytes(0x40))
        files, manifest = collected(sample, tmp_path)
        assert json.loads(files["result.json"])["findings"][0]["rule"] == "hive_unreadable"
        assert "drivers.json" not in files
        left = {one["what"]: one["reason"] for one in manifest["left_out"]}
        assert any("SYSTEM" in reason for reason in left.values())
        assert any(what.endswith("MEMORY.DMP") for what in left)
        assert "logs/System.evtx" in files


def pieces(*given: bytes | Exception) -> Iterator[bytes]:
    for one in given:
        if isinstance(one, Exception):
            raise one
        yield one


def test_parts_are_bounded_and_broken_ones_end(tmp_path: Path) -> None:
    broken_bytes = ParseError("x", 0, "more")
    with Bundle(tmp_path / "b.zip", "disk") as bundle:
        bundle.add("a", "long", pieces(b"12345", b"67890"), most=7)
        bundle.add("b", "half", pieces(b"123", broken_bytes))
        bundle.add("c", "none", pieces(broken_bytes))
        bundle.add("d", "just", pieces(b"1234567"), most=7)
    with zipfile.ZipFile(tmp_path / "b.zip") as made:
        held = {name: made.read(name) for name in made.namelist() if name != MANIFEST}
        manifest = json.loads(made.read(MANIFEST))
    assert held == {"a": b"1234567", "b": b"123", "d": b"1234567"}
    assert [one["cut"] for one in manifest["files"]] == [True, True, False]
    assert len(manifest["left_out"]) == 3


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Bundle(tmp_path / "b.zip", "disk") as bundle:
        bundle.add("a", "x", pieces(b"1", ZeroDivisionError()))
    assert list(tmp_path.iterdir()) == []


def test_it_never_takes_the_place_of_a_file(tmp_path: Path) -> None:
    target = tmp_path / "b.zip"
    with pytest.raises(Refused), Bundle(target, "disk") as bundle:
        bundle.add("a", "x", b"1")
        target.write_bytes(b"mine")  # it came meanwhile
    assert target.read_bytes() == b"mine"
    with pytest.raises(Refused):
        Bundle(target, "disk")
    assert [one.name for one in tmp_path.iterdir()] == ["b.zip"]


def test_on_the_command_line(tmp_path: Path) -> None:
    machine = lab_machines.base(2)
    target = tmp_path / "bundle.zip"
    done = command("collect", machine.path, "-o", target, "--json")
    assert done.returncode == 0
    manifest = json.loads(done.stdout)
    assert manifest["schema"] == "bootmend.bundle/1"
    assert target.stat().st_mode & 0o077 == 0
    again = command("collect", machine.path, "-o", target)
    assert again.returncode == 3
    assert "there already" in said(again)
    nowhere = command("collect", machine.path, "-o", tmp_path / "no" / "b.zip")
    assert nowhere.returncode == 4
    assert "no" in said(nowhere)
