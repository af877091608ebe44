"""Commands that are stopped, or whose output nobody takes: nothing half done, and an exit code that does not lie."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ctrl_c import heeding_ctrl_c
from lab_machines import base
from qemu_images import content_of, make_image

from bootmend.commit import history

COMMITTING = """
import sys, time
from pathlib import Path
from bootmend.cli.main import _in_child
from bootmend.commit import commit
from bootmend.disk.container import open_disk
from bootmend.disk.device import Patch

def work():
    with open_disk({disk!r}, writable=True) as device:
        write, begun = device.write, 0
        def slow_write(offset, data):
            nonlocal begun
            begun += 1
            write(offset, data)
            if begun == 3:
                Path({told!r}).touch()
            time.sleep(0.01)
        device.write = slow_write
        commit(device, (Patch(at * 512, bytes(512), b"x" * 512) for at in range(0, 400, 2)),
               Path({folder!r}), identity={{}}, meta={{}})
    return 0

sys.exit(_in_child(work))
"""


def _until(there: Path) -> None:
    give_up = time.monotonic() + 30
    while not there.exists():
        assert time.monotonic() < give_up
        time.sleep(0.01)


@pytest.mark.parametrize("container", ["raw", "qcow2"])
@pytest.mark.parametrize(
    ("number", "whole_group", "times"),
    [
        (signal.SIGTERM, False, 1),
        (signal.SIGHUP, False, 1),
        (signal.SIGHUP, True, 2),
        (signal.SIGINT, True, 1),
        (signal.SIGINT, True, 2),
    ],
)
def test_a_commit_that_is_stopped_is_put_back(
    tmp_path: Path, container: str, number: signal.Signals, whole_group: bool, times: int
) -> None:
    """Also by a closing terminal, by an impatient second Ctrl-C, and where a qemu-nbd child does the writing."""
    told, folder = tmp_path / "told", tmp_path / "journals"
    content = bytes(1 << 20)
    disk = make_image(content, tmp_path, container)
    script = COMMITTING.format(disk=str(disk), told=str(told), folder=str(folder))
    with heeding_ctrl_c():
        child = subprocess.Popen(
            [sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, start_new_session=True
        )
    _until(told)
    for _ in range(times):
        (os.killpg if whole_group else os.kill)(child.pid, number)
        time.sleep(0.2 if times > 1 else 0)
    _, complaint = child.communicate(timeout=60)
    # The second signal may still reach a parent that is leaving.
    assert child.returncode in (128 + number, -number), complaint
    assert [entry.state for entry in history(folder)] == ["rolled-back"]
    assert content_of(disk, container) == content


LOOKING = """
import sys, time
from pathlib import Path
from bootmend.cli import main, screen

def look(image):
    Path({told!r}).touch()
    time.sleep(60)

screen._look = look
sys.exit(main._in_child(lambda: main._run(["screen", "picture.png"], debug=False)))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_command_that_is_stopped_ends_as_its_signal_says(tmp_path: Path, number: signal.Signals) -> None:
    told = tmp_path / "told"
    with heeding_ctrl_c():
        child = subprocess.Popen(
            [sys.executable, "-c", LOOKING.format(told=str(told))], stderr=subprocess.PIPE, start_new_session=True
        )
    _until(told)
    os.killpg(child.pid, number)
    child.communicate(timeout=60)
    assert child.returncode == 128 + number


def run(*words: str | Path, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BOOTMEND_LANG": "en", "BOOTMEND_TRUST": str(base(2).pem)}
    line = [sys.executable, "-m", "bootmend", *map(str, words)]
    return subprocess.run(line, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment, check=False)


@pytest.mark.parametrize("words", [["diagnose"], ["diagnose", "--json"], ["drivers"]])
def test_output_that_nobody_reads_is_no_success_and_no_fault(words: list[str]) -> None:
    end, into = os.pipe()
    os.close(end)
    done = run(*words, base(2).path, stdout=into)
    os.close(into)
    assert done.returncode == 141, done.stderr


@pytest.mark.parametrize("words", [["rules"], ["drivers"]])
def test_output_that_finds_no_room_is_said(words: list[str]) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    done = run(*words, *([base(2).path] if words != ["rules"] else []), stdout=full)
    os.close(full)
    assert done.returncode == 4, done.stderr
    assert "No space left" in done.stderr


@pytest.mark.parametrize("name", ["/", "y" * 300, "loop"])
def test_names_that_no_disk_can_have(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    disk = tmp_path / name if name == "loop" else Path(name)
    for command in ("diagnose", "undo", "history"):
        done = run(command, disk)
        assert done.returncode == 4, (command, done.stderr)
        assert "fault in bootmend" not in done.stderr
