"""The local cloud keeps the contract: a disk file and a command to start it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cloud_stage import BOOT_ERROR, GOOD, PLACE, make_disk
from contracts.cloud import CloudContract, CloudStage

from bootmend.clouds.local import LocalCloud, LocalMachine
from bootmend.errors import InputError, Missing, ParseError

# What "runs": its agent says Ready if the disk has the right bytes, else its serial port tells of a boot error.
PROGRAM = f"""
import sys, time
with open(sys.argv[1], "rb") as disk:
    disk.seek({PLACE})
    good = disk.read({len(GOOD)}) == {GOOD!r}
if good:
    open("agent", "w").write("Ready")
else:
    open("serial.log", "a").write({BOOT_ERROR!r})
time.sleep(60)
"""


def make_machine(root: Path, name: str) -> LocalMachine:
    folder = root / name
    folder.mkdir()
    make_disk(folder / "os.vhd")
    (folder / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-I", "-S", "program.py", "{disk}"]
    (folder / "machine.json").write_text(json.dumps({"disk": "os.vhd", "start": command}))
    return LocalMachine(folder)


class TestLocalCloud(CloudContract):
    @contextmanager
    def set_up(self, folder: Path) -> Iterator[CloudStage]:
        first, second = make_machine(folder, "web1"), make_machine(folder, "web2")
        first.start()
        try:
            yield CloudStage(LocalCloud(folder), Path)
        finally:
            first.stop()
            second.stop()


def test_a_machine_that_ends_is_off(tmp_path: Path) -> None:
    machine = make_machine(tmp_path, "web1")
    (machine.folder / "program.py").write_text("")
    machine.start()
    cloud = LocalCloud(tmp_path)
    for _ in range(500):
        if not machine.runs:
            break
        time.sleep(0.01)
    assert cloud.look(cloud.find("web1").id).power.value == "off"


@pytest.mark.parametrize(
    ("text", "error"),
    [("{", ParseError), ("[]", ParseError), ('{"disk": 7}', ParseError), ('{"disk": "os.vhd"}', ParseError)],
)
def test_a_broken_description_is_told(tmp_path: Path, text: str, error: type[InputError]) -> None:
    machine = make_machine(tmp_path, "web1")
    (machine.folder / "machine.json").write_text(text)
    with pytest.raises(error, match=r"machine\.json"):
        _ = machine.disk
        machine.start()


def test_names_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    make_machine(tmp_path, "beside")
    with pytest.raises(Missing):
        LocalCloud(root).find("../beside")
