"""enable, disable and status as other programs see them: exit codes, JSON, what is written and what is not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import command
from lab_machines import base

from bootmend.disk.container import open_disk
from bootmend.disk.digest import data_digest
from bootmend.lab.faults import apply_fault
from bootmend.windows.image import Image


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bootmend", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "BOOTMEND_LANG": "en"},
        check=False,
    )


def digest(path: Path) -> str:
    with open_disk(str(path)) as device:
        return data_digest(device)[0]


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert isinstance(loaded, dict)
    return loaded


def states(disk: Path) -> dict[str, str]:
    return {one["name"]: one["state"] for one in document(run("status", disk, "--json"))["switches"]}


def copy_of(generation: int, path: Path) -> Path:
    subprocess.run(["cp", "--sparse=always", str(base(generation).path), str(path)], check=True)
    return path


@pytest.fixture(params=[1, 2])
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    path = copy_of(request.param, tmp_path / "os disk.vhd")
    yield path
    path.unlink()


@pytest.fixture
def uefi(tmp_path: Path) -> Iterator[Path]:
    path = copy_of(2, tmp_path / "os.vhd")
    yield path
    path.unlink()


def test_on_off_and_undo(disk: Path) -> None:
    before, at_first = digest(disk), document(run("status", disk, "--json"))
    assert at_first["schema"] == "bootmend.status/1"
    assert {one["name"]: one["state"] for one in at_first["switches"]} == {
        "serial-console": "off",
        "crash-dump": "partly",
        "safe-mode": "off",
        "crash-debug": "off",
    }
    assert all({"where", "value", "wanted"} <= set(one) for row in at_first["switches"] for one in row["settings"])

    on = document(run("enable", disk, "serial-console", "safe-mode", "--json"))
    assert on["command"] == "enable"
    assert [one["switch"] for one in on["switches"]] == ["serial-console", "safe-mode"]
    assert on["commit"]["verified"] is True
    changes = {one["where"].rsplit(" ", 1)[1]: (one["before"], one["after"]) for one in on["switches"][0]["changes"]}
    assert changes["timeout"] == ("30", "10")
    assert changes["ems"] == (None, "Yes")
    assert states(disk) == {"serial-console": "on", "crash-dump": "partly", "safe-mode": "on", "crash-debug": "off"}
    after = digest(disk)
    assert after != before

    again = document(run("enable", disk, "serial-console", "safe-mode", "--json"))
    assert again["commit"] is None
    assert digest(disk) == after
    assert len(document(run("history", disk, "--json"))["entries"]) == 1

    assert run("undo", disk).returncode == 0
    assert digest(disk) == before

    document(run("enable", disk, "crash-debug", "--article-exact", "--json"))
    # An undone commit is no capture: what is taken away then is said.
    taken = run("disable", disk, "safe-mode", "--json")
    assert document(taken)["switches"][0]["captured"] is False
    assert "No journal tells" in taken.stderr
    for turn in ("first", "second"):
        off = document(run("disable", disk, "crash-debug", "--json"))
        assert off["switches"][0]["captured"] is True
        assert off["switches"][0]["left"] == []
        assert (off["commit"] is None) == (turn == "second")
        assert document(run("status", disk, "--json"))["switches"] == at_first["switches"]


@pytest.mark.parametrize(
    ("words", "variant"),
    [
        (["serial-console"], "full"),
        (["serial-console", "--minimal"], "minimal"),
        (["crash-dump"], "kernel"),
        (["crash-dump", "--type", "complete"], "complete"),
        (["safe-mode"], "network"),
        (["safe-mode", "--mode", "minimal"], "minimal"),
        (["crash-debug"], "usual"),
        (["crash-debug", "--article-exact"], "article-exact"),
    ],
)
def test_every_option_both_ways(uefi: Path, words: list[str], variant: str) -> None:
    before = digest(uefi)
    dry = document(run("enable", uefi, *words, "--dry-run", "--json"))
    assert dry["commit"] is None
    assert dry["changed_bytes"] > 0
    assert dry["switches"][0]["variant"] == variant
    assert digest(uefi) == before
    assert not uefi.with_name(uefi.name + ".bootmend").exists()
    told = run("enable", uefi, *words)
    assert told.returncode == 0
    assert f"{words[0]} is on ({variant})." in told.stdout
    rows = {one["name"]: one for one in document(run("status", uefi, "--json"))["switches"]}
    assert (rows[words[0]]["state"], rows[words[0]]["variant"]) == ("on", variant)


def test_on_another_machine_with_the_journal_at_hand(uefi: Path, tmp_path: Path) -> None:
    at_first = document(run("status", uefi, "--json"))["switches"]
    here, there = tmp_path / "here", tmp_path / "there"
    document(run("enable", uefi, "crash-dump", "safe-mode", "--journal-dir", here, "--json"))
    carried = tmp_path / "carried along"
    shutil.copy(next(here.iterdir()), carried)
    words: list[str | Path] = ["disable", uefi, "--journal", carried, "--journal-dir", there]
    without = run(*words, "serial-console")
    assert without.returncode == 4
    assert "captured nothing of serial-console" in without.stderr
    off = document(run(*words, "crash-dump", "safe-mode", "--json"))
    assert [one["captured"] for one in off["switches"]] == [True, True]
    assert document(run("status", uefi, "--json"))["switches"] == at_first
    # Back at the first machine, whose journals still say that they are on: nothing is left to put back.
    assert (
        document(run("disable", uefi, "crash-dump", "safe-mode", "--journal-dir", here, "--json"))["changed_bytes"] == 0
    )

    other = copy_of(1, tmp_path / "other.vhd")
    foreign = run("disable", other, "safe-mode", "--journal", carried)
    other.unlink()
    assert foreign.returncode == 3
    assert "another disk" in foreign.stderr
    torn = tmp_path / "torn"
    torn.write_bytes(carried.read_bytes()[:-5000])
    assert run("disable", uefi, "safe-mode", "--journal", torn).returncode == 4
    assert run("disable", uefi, "safe-mode", "--journal", tmp_path / "no such").returncode == 4


def test_an_undone_journal_is_no_way_back(uefi: Path) -> None:
    enabled = document(run("enable", uefi, "safe-mode", "--json"))
    assert run("undo", uefi).returncode == 0
    done = run("disable", uefi, "safe-mode", "--journal", enabled["commit"]["journal"])
    assert done.returncode == 3
    assert "was undone" in done.stderr


def test_after_a_repair_in_between(tmp_path: Path) -> None:
    machine = base(2)
    disk = copy_of(2, tmp_path / "os.vhd")
    with open_disk(str(disk), writable=True) as device:
        apply_fault(device, "catalog-lost", machine.manifest)
    at_first = document(run("status", disk, "--json"))["switches"]
    document(run("enable", disk, "serial-console", "crash-dump", "--json"))
    assert run("repair", disk, "--trust", machine.pem, "--yes").returncode == 0
    mended = digest(disk)
    document(run("disable", disk, "crash-dump", "serial-console", "--json"))
    assert document(run("status", disk, "--json"))["switches"] == at_first
    assert run("diagnose", disk, "--trust", machine.pem).returncode == 0
    assert run("undo", disk).returncode == 0
    assert digest(disk) == mended
    disk.unlink()


def test_what_was_on_by_itself_is_on_after_disable(uefi: Path) -> None:
    """The first `enable` changes nothing; that it was so is put down all the same."""
    document(run("enable", uefi, "safe-mode", "--json"))
    shutil.rmtree(uefi.with_name(uefi.name + ".bootmend"))
    before = digest(uefi)
    document(run("enable", uefi, "safe-mode", "--json"))
    assert digest(uefi) == before
    told = document(run("disable", uefi, "safe-mode", "--json"))
    assert told["switches"][0]["captured"] is True
    assert states(uefi)["safe-mode"] == "on"
    taken = document(run("disable", uefi, "safe-mode", "--json"))
    assert taken["switches"][0]["captured"] is False
    assert states(uefi)["safe-mode"] == "off"


def test_force_both_ways(uefi: Path) -> None:
    journals = uefi.with_name(uefi.name + ".bootmend")
    document(run("enable", uefi, "safe-mode", "--json"))
    kept = journals.with_name("kept")
    journals.rename(kept)
    # Somebody else's work: this history is not the one that `disable` will know.
    document(run("enable", uefi, "safe-mode", "--mode", "dsrepair", "--json"))
    shutil.rmtree(journals)
    kept.rename(journals)
    before = digest(uefi)
    dry = document(run("disable", uefi, "safe-mode", "--force", "--dry-run", "--json"))
    assert (dry["commit"], dry["dry_run"]) == (None, True)
    assert dry["changed_bytes"] > 0
    assert digest(uefi) == before
    left = run("disable", uefi, "safe-mode", "--json")
    assert len(document(left)["switches"][0]["left"]) == 1
    assert "--force" in left.stderr
    assert states(uefi)["safe-mode"] == "on"
    document(run("disable", uefi, "safe-mode", "--force", "--json"))
    assert states(uefi)["safe-mode"] == "off"


@pytest.mark.parametrize("off", [["crash-dump", "crash-debug"], ["crash-debug", "crash-dump"]])
@pytest.mark.parametrize("on", [["crash-dump", "crash-debug"], ["crash-debug", "crash-dump"]])
def test_switches_turned_off_together_hold_nothing_for_each_other(uefi: Path, on: list[str], off: list[str]) -> None:
    at_first = json.loads(command("status", uefi, "--json").stdout)["switches"]
    assert command("enable", uefi, *on).returncode == 0
    done = command("disable", uefi, *off, "--json")
    rows = json.loads(done.stdout)["switches"]
    assert [one["switch"] for one in rows] == off
    assert [one["remarks"] for one in rows] == [[], []]
    assert done.stderr == b""
    assert json.loads(command("status", uefi, "--json").stdout)["switches"] == at_first


def test_history_shows_what_was_captured_and_whether_it_was_put_back(uefi: Path) -> None:
    assert command("enable", uefi, "safe-mode", "crash-debug").returncode == 0
    assert command("bcdedit", uefi, "--", "/set", "{default}", "description", "a b").returncode == 0
    shown = command("history", uefi).stdout.decode().splitlines()
    assert "    enable safe-mode crash-debug" in shown
    assert "    bcdedit /set '{default}' description 'a b'" in shown
    safe_mode = [line for line in shown if "safe-mode: " in line]
    assert len(safe_mode) == 1
    assert safe_mode[0].endswith("safeboot: nothing -> Network, still on")
    assert any(line.startswith("    crash-debug: 2 more stood so already") for line in shown)

    assert command("disable", uefi, "safe-mode").returncode == 0
    shown = command("history", uefi).stdout.decode().splitlines()
    assert any(line.endswith("safeboot: nothing -> Network, put back since") for line in shown)
    assert any(line.endswith("AutoReboot: 1 -> 0, still on") for line in shown)
    first = json.loads(command("history", uefi, "--json").stdout)["entries"][0]
    assert {(one["switch"], one["fate"]) for one in first["settings"]} == {
        ("safe-mode", "put back"),
        ("crash-debug", "on"),
    }
    assert {"where", "before", "after"} <= set(first["settings"][0])


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["enable", "x.vhd"], 2, "Missing argument"),
        (["enable", "x.vhd", "frob"], 2, "no switch frob"),
        (["disable", "x.vhd", "safe-mode", "frob"], 2, "no switch frob"),
        (["enable", "x.vhd", "safe-mode", "--minimal"], 2, "--minimal belongs to the switch serial-console"),
        (["enable", "x.vhd", "safe-mode", "--mode", "fast"], 2, "fast"),
        (["enable", "x.vhd", "crash-dump", "--type", "huge"], 2, "huge"),
        (["enable", "x.vhd", "safe-mode"], 4, "no such file"),
        (["disable", "x.vhd", "safe-mode"], 4, "no such file"),
        (["status", "x.vhd"], 4, "no such file"),
        (["status"], 2, "Missing argument"),
    ],
)
def test_wrong_words(words: list[str], code: int, told: str) -> None:
    done = run(*words)
    assert done.returncode == code, done.stderr
    assert told.lower() in done.stderr.lower()
    assert done.stdout == ""


def test_status_never_writes(uefi: Path) -> None:
    before, stamp = digest(uefi), uefi.stat().st_mtime_ns
    uefi.chmod(0o444)
    shown = run("status", uefi)
    assert shown.returncode == 0
    assert "serial-console: off" in shown.stdout
    assert "on, it is 115200" in shown.stdout
    assert (digest(uefi), uefi.stat().st_mtime_ns) == (before, stamp)
    assert not uefi.with_name(uefi.name + ".bootmend").exists()


def test_a_broken_system_hive_leaves_the_store_to_be_told(uefi: Path) -> None:
    manifest = base(2).manifest
    with open_disk(str(uefi), writable=True) as device:
        image = Image(device)
        image.put_file(manifest.windows_partition, "\\Windows\\System32\\config\\SYSTEM", b"regf" + bytes(5000))
        image.close()
    shown = run("status", uefi, "--json")
    assert [one["name"] for one in document(shown)["switches"]] == ["serial-console"]
    assert "crash-dump: cannot be told" in shown.stderr
    assert run("enable", uefi, "crash-dump").returncode == 4


def test_a_broken_store_is_told(uefi: Path) -> None:
    manifest = base(2).manifest
    with open_disk(str(uefi), writable=True) as device:
        image = Image(device)
        image.put_file(manifest.system_partition, manifest.store, bytes(5000))
        image.close()
    before = digest(uefi)
    done = run("enable", uefi, "serial-console", "crash-dump")
    assert done.returncode == 4
    assert "no BCD store" in done.stderr
    assert "EFI" in done.stderr
    assert digest(uefi) == before
