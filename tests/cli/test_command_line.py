"""The command line as other programs see it: exit codes, JSON keys, what goes to stdout and what to stderr."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_machines import base

from bootmend.disk.container import open_disk
from bootmend.disk.digest import data_digest
from bootmend.lab.faults import apply_fault

RESULT_KEYS = {
    "schema",
    "bootmend",
    "command",
    "started",
    "seconds",
    "disk",
    "windows",
    "prediction",
    "findings",
    "rehearsal",
    "commit",
    "healthy",
}
DRIVER_KEYS = {
    "name",
    "path",
    "start",
    "error_control",
    "embedded",
    "catalog",
    "status",
    "ntstatus",
    "signer",
    "kernel_would_refuse",
    "microsoft",
    "sha1",
    "sha256",
}


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bootmend", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "BOOTMEND_TRUST": "", "BOOTMEND_LANG": "en", **environment},
        check=False,
    )


def digest(path: Path) -> str:
    with open_disk(str(path)) as device:
        return data_digest(device)[0]


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A sparse copy of the generation 2 machine, broken by the fault the test names (catalog-lost by default)."""
    machine = base(2)
    path = tmp_path / "os disk.vhd"
    subprocess.run(["cp", "--sparse=always", str(machine.path), str(path)], check=True)
    with open_disk(str(path), writable=True) as device:
        apply_fault(device, getattr(request, "param", "catalog-lost"), machine.manifest)
    yield path
    path.unlink()


@pytest.fixture
def trusting() -> list[str]:
    return ["--trust", str(base(2).pem)]


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    loaded = json.loads(done.stdout)
    assert isinstance(loaded, dict)
    return loaded


def test_diagnose_repair_undo(disk: Path, trusting: list[str]) -> None:
    before = digest(disk)
    found = run("diagnose", disk, *trusting, "--json")
    assert found.returncode == 1, found.stderr
    told = document(found)
    assert set(told) >= RESULT_KEYS
    assert told["schema"] == "bootmend.result/1"
    assert told["command"] == "diagnose"
    assert told["disk"]["container"] == "vhd-fixed"
    assert told["disk"]["size"] == 127 << 30
    assert told["disk"]["table"] == "gpt"
    assert told["disk"]["bytes_read"] > 1 << 20
    assert told["windows"][0]["boot"] == "uefi"
    assert told["windows"][0]["bcd"]["path"] == "\\EFI\\Microsoft\\Boot\\BCD"
    assert told["windows"][0]["control_set"] == "ControlSet001"
    assert told["prediction"]["stop"] == "0x5A"
    assert told["prediction"]["status"] == "0xC0000428"
    assert told["prediction"]["image"].lower() == "filecrypt.sys"
    assert told["findings"][0]["rule"] == "catalog_missing"
    assert told["findings"][0]["actions"][0]["kind"] == "create_file"
    assert told["healthy"] is False
    assert digest(disk) == before

    dry = run("repair", disk, *trusting, "--dry-run", "--json")
    assert dry.returncode == 0, dry.stderr
    assert document(dry)["rehearsal"]["silent"] is True
    assert document(dry)["commit"] is None
    assert digest(disk) == before

    mended = run("repair", disk, *trusting, "--yes", "--json")
    assert mended.returncode == 0, mended.stderr
    told = document(mended)
    assert set(told) >= RESULT_KEYS
    assert told["rehearsal"] == {
        "ran": True,
        "silent": True,
        "new_findings": [],
        "changed_bytes": told["rehearsal"]["changed_bytes"],
    }
    assert told["commit"]["verified"] is True
    assert told["commit"]["patches"] > 0
    assert Path(told["commit"]["journal"]).parent == disk.with_name("os disk.vhd.bootmend")
    assert told["healthy"] is True

    assert run("diagnose", disk, *trusting).returncode == 0
    listed = json.loads(run("history", disk, "--json").stdout)
    assert [entry["state"] for entry in listed["entries"]] == ["committed"]

    undone = run("undo", disk, "--json")
    assert undone.returncode == 0, undone.stderr
    assert document(undone)["command"] == "undo"
    assert digest(disk) == before
    again = run("undo", disk)
    assert again.returncode == 4
    assert "nothing that could be undone" in again.stderr


@pytest.mark.parametrize("disk", ["healthy"], indirect=True)
def test_a_healthy_disk_gets_zero_writes(disk: Path, trusting: list[str]) -> None:
    stamp, content = disk.stat().st_mtime_ns, digest(disk)
    assert run("diagnose", disk, *trusting).returncode == 0
    mended = run("repair", disk, *trusting, "--yes", "--json")
    assert mended.returncode == 0, mended.stderr
    assert document(mended)["commit"] is None
    assert digest(disk) == content
    assert disk.stat().st_mtime_ns == stamp
    assert not disk.with_name(disk.name + ".bootmend").exists()


def test_without_a_terminal_and_without_yes_nothing_is_written(disk: Path, trusting: list[str]) -> None:
    before = digest(disk)
    done = run("repair", disk, *trusting)
    assert done.returncode == 3
    assert "--yes" in done.stderr
    assert digest(disk) == before


def test_the_environment_names_trusted_roots(disk: Path) -> None:
    done = run("diagnose", disk, "--json", BOOTMEND_TRUST=f"{base(2).pem}:")
    assert [finding["rule"] for finding in document(done)["findings"]] == ["catalog_missing"]
    untrusted = document(run("diagnose", disk, "--json"))
    assert "driver_untrusted" in [finding["rule"] for finding in untrusted["findings"]]


def test_drivers_lists_every_kernel_driver(disk: Path, trusting: list[str]) -> None:
    done = run("drivers", disk, *trusting, "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["schema"] == "bootmend.drivers/1"
    assert len(told["drivers"]) > 300
    assert all(set(row) >= DRIVER_KEYS for row in told["drivers"])
    bad = [row["name"] for row in told["drivers"] if row["kernel_would_refuse"]]
    assert "FileCrypt" in bad
    unsigned = json.loads(run("drivers", disk, *trusting, "--unsigned", "--json").stdout)
    assert sorted(row["name"] for row in unsigned["drivers"]) == sorted(bad)


@pytest.mark.parametrize("disk", ["driver-damaged-everywhere"], indirect=True)
def test_a_donor_disk_and_a_donor_folder(disk: Path, trusting: list[str], tmp_path: Path) -> None:
    alone = run("repair", disk, *trusting, "--yes", "--json")
    assert alone.returncode == 1
    assert document(alone)["findings"][0]["skipped"]
    by_disk = run("repair", disk, *trusting, "--donor", base(2).path, "--dry-run", "--json")
    assert by_disk.returncode == 0, by_disk.stderr
    assert str(base(2).path) in document(by_disk)["findings"][0]["actions"][0]["source"]
    from bootmend.windows.image import Image

    folder = tmp_path / "files" / "below"
    folder.mkdir(parents=True)
    with open_disk(str(base(2).path)) as device:
        data = Image(device).read_file(3, "\\Windows\\System32\\drivers\\filecrypt.sys")
    (folder / "FILECRYPT.SYS").write_bytes(data)
    by_folder = run("repair", disk, *trusting, "--donor", tmp_path / "files", "--yes", "--json")
    assert by_folder.returncode == 0, by_folder.stderr
    assert document(by_folder)["healthy"] is True


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["diagnose"], 2, "Missing argument"),
        (["frobnicate"], 2, "No such command"),
        (["diagnose", "--frob", "x"], 2, "No such option"),
        (["repair", "x.vhd", "--only", "no_such_rule"], 2, "There is no rule no_such_rule"),
        (["rules", "no_such_rule"], 2, "There is no rule"),
        (["lab", "create", "x.vhd", "--fault", "no-such-fault"], 2, "No such fault"),
        (["lab", "create", "x.vhd", "--size", "many"], 2, "is not a size"),
        (["diagnose", "there-is-no-such-disk.vhd"], 4, "no such file"),
        (["diagnose", "."], 4, "is a folder"),
        (["undo", "there-is-no-such-disk.vhd"], 4, "no"),
        (["diagnose", "http://127.0.0.1:1/d.vhd?sig=SECRET"], 4, "nothing answers"),
        (["diagnose", "http://example.org/d.vhd?sig=SECRET"], 3, "plain http"),
        (["diagnose", "d.vhd", "https://example.org/d.vhd?sig=SECRET"], 2, "unexpected"),
        (["diagnose", "https:/example.org/d.vhd?sig=SECRET"], 4, "no such file"),
    ],
)
def test_wrong_use_and_wrong_input(arguments: list[str], code: int, words: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bootmend", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "SECRET" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\0" * 4096, "holds no Windows"),
        (bytes(range(256)) * 4096, "holds no Windows"),
        (b"\xeb\x52\x90NTFS    " + bytes(499) + b"\x55\xaa" + bytes(1 << 16), "$Boot"),
    ],
    ids=["empty", "zeros", "noise", "half an NTFS"],
)
def test_a_disk_without_windows_is_told_plainly(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "some.img"
    path.write_bytes(content)
    done = run("diagnose", path)
    assert done.returncode == 4, done.stderr
    assert words in done.stderr
    assert path.read_bytes() == content


def test_quiet_and_debug_stand_anywhere(tmp_path: Path) -> None:
    for line in (["--debug", "diagnose", "x"], ["diagnose", "x", "--debug"]):
        done = subprocess.run(
            [sys.executable, "-m", "bootmend", *line], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert done.returncode == 4
        assert "Traceback" in done.stderr


def test_no_colour_in_a_pipe(disk: Path, trusting: list[str]) -> None:
    done = run("diagnose", disk, *trusting, FORCE_COLOR="", NO_COLOR="1")
    assert "\x1b[" not in done.stdout
    assert "filecrypt.sys" in done.stdout.lower()


def test_two_at_once_the_second_is_refused(disk: Path, trusting: list[str]) -> None:
    from bootmend.commit import exclusive

    with exclusive(str(disk)):
        done = run("repair", disk, *trusting, "--yes")
    assert done.returncode == 3
    assert "Next step" in done.stderr


def test_a_disk_that_a_virtual_machine_holds_is_refused(disk: Path, trusting: list[str]) -> None:
    server = subprocess.Popen(
        ["qemu-nbd", "-f", "raw", "-k", str(disk.with_name("nbd.sock")), str(disk)], stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            if disk.with_name("nbd.sock").exists():
                break
            time.sleep(0.05)
        done = run("repair", disk, *trusting, "--yes")
    finally:
        server.kill()
        server.wait()
    assert done.returncode == 3
    assert "in use" in done.stderr


def test_undo_refuses_a_disk_that_changed_since(disk: Path, trusting: list[str]) -> None:
    mended = document(run("repair", disk, *trusting, "--yes", "--json"))
    from bootmend.commit import patches_of

    patch = next(iter(patches_of(Path(mended["commit"]["journal"]))))
    with disk.open("r+b") as file:
        file.seek(patch.offset)
        file.write(b"somebody else was here")
    content = digest(disk)
    done = run("undo", disk)
    assert done.returncode == 3
    assert digest(disk) == content


@pytest.mark.slow
@pytest.mark.parametrize("disk", ["catalog-store-lost"], indirect=True)
def test_killed_at_any_moment_the_next_call_puts_it_right(disk: Path, trusting: list[str]) -> None:
    """kill -9 of a whole repair, then of a whole undo: the next call finds exactly before or exactly after."""
    before = digest(disk)
    assert run("repair", disk, *trusting, "--yes").returncode == 0
    after = digest(disk)
    assert after != before
    assert run("undo", disk).returncode == 0
    states: set[str] = set()
    folder = disk.with_name(disk.name + ".bootmend")
    for number in range(10):
        words = ["undo", str(disk)] if digest(disk) == after else ["repair", str(disk), *trusting, "--yes"]
        known = len(list(folder.iterdir()))
        child = subprocess.Popen(
            [sys.executable, "-m", "bootmend", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if words[0] == "repair":
            # Killed when the journal has begun: the moments that matter.
            while child.poll() is None and len(list(folder.iterdir())) == known:
                time.sleep(0.002)
            time.sleep(0.004 * number)
        else:
            time.sleep(0.25 + 0.04 * number)
        child.send_signal(signal.SIGKILL)
        child.wait()
        time.sleep(0.05)
        run("diagnose", disk, *trusting)
        state = digest(disk)
        assert state in (before, after)
        states.add(state)
    assert states


def test_help_promises_what_there_is() -> None:
    page = run("--help").stdout
    for word in ("demo", "diagnose", "repair", "undo", "history", "drivers", "rules", "lab"):
        assert word in page
        assert run(word, "--help").returncode == 0


def test_rules_and_faults_print_a_name_a_line() -> None:
    for words in (["rules"], ["lab", "faults"]):
        lines = run(*words).stdout.splitlines()
        names = [line for line in lines if line and not line.startswith(" ")]
        assert len(names) >= 4
        assert all(" " not in name for name in names)
