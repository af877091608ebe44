"""Power cuts at every single step of a commit, an undo and a recovery; then true kill -9."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from power_cut import FragileDisk, FragileFiles, Power, PowerCut

from bootmend.commit import commit, history, pending, recover, undo
from bootmend.commit.files import Files
from bootmend.disk.device import Patch
from bootmend.disk.raw import RawFile
from bootmend.errors import DeviceError

SIZE = 256 * 1024
PATCHES = 50
Work = Callable[[FragileDisk, Files], object]


def _disk_and_patches() -> tuple[bytes, bytes, list[Patch]]:
    """Old content, new content, and the way from one to the other: some patches shrink well, some do not."""
    chance = random.Random(7)
    old = bytearray(chance.randbytes(SIZE))
    new = bytearray(old)
    patches = []
    for number in range(PATCHES):
        offset = number * 5120 + chance.randrange(0, 1024)
        length = chance.randrange(1, 4000)
        data = bytes(length) if number % 3 == 0 else chance.randbytes(length)
        patches.append(Patch(offset, bytes(old[offset : offset + length]), data))
        new[offset : offset + length] = data
    return bytes(old), bytes(new), patches


BEFORE, AFTER, CHANGES = _disk_and_patches()


class Machine:
    """A disk and its journal folder through any number of power cuts."""

    def __init__(self, folder: Path, content: bytes = BEFORE) -> None:
        self.folder = folder
        self.content = content

    def run(self, work: Work, dies_at: int | None = None, seed: int = 0) -> int:
        """Does `work` until the power goes at step `dies_at`; then reboots. Returns the steps it took."""
        power = Power(dies_at, seed)
        disk, files = FragileDisk(self.content, power), FragileFiles(self.folder, power)
        try:
            work(disk, files)
        except (PowerCut, DeviceError):
            assert power.off, "only a power cut may stop the work here"
        if power.off:
            files.after_the_cut()
            self.content = disk.after_the_cut()
        else:
            assert not disk.cached, "returned before its writes were durable"
            self.content = bytes(disk.durable)
        return power.steps

    def commit(self, disk: FragileDisk, files: Files) -> None:
        commit(disk, CHANGES, self.folder, identity={"id": "a"}, meta={}, files=files)

    def undo(self, disk: FragileDisk, files: Files) -> None:
        undo(disk, history(self.folder)[-1].journal, files=files)

    def recover(self, disk: FragileDisk, files: Files) -> None:
        recover(disk, self.folder, files=files)

    def settle(self) -> None:
        """Recovers, and checks all that must hold then: one of two contents, a history that agrees, nothing left."""
        self.run(self.recover)
        states = [entry.state for entry in history(self.folder)]
        assert states in ([], ["committed"], ["rolled-back"], ["undone"])
        assert self.content == (AFTER if states == ["committed"] else BEFORE)
        assert pending(self.folder) == []
        files = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        assert self.run(self.recover) == 0, "the second recovery found something to do"
        assert files == {path.name: path.read_bytes() for path in self.folder.iterdir()}


def _fresh(folder: Path, *works: str) -> Machine:
    for path in folder.iterdir():
        path.unlink()
    machine = Machine(folder)
    for work in works:
        machine.run(getattr(machine, work))
    return machine


@pytest.mark.parametrize(("done", "cut"), [((), "commit"), (("commit",), "undo")])
def test_a_power_cut_at_every_step(tmp_path: Path, done: tuple[str, ...], cut: str) -> None:
    whole = _fresh(tmp_path, *done)
    steps = whole.run(getattr(whole, cut))
    assert whole.content == (AFTER if cut == "commit" else BEFORE)
    assert steps > PATCHES
    for dies_at in range(1, steps + 1):
        for seed in range(3):
            machine = _fresh(tmp_path, *done)
            machine.run(getattr(machine, cut), dies_at, seed)
            machine.settle()


@pytest.mark.parametrize(("done", "cut", "at"), [((), "commit", 58), (("commit",), "undo", 40)])
def test_a_power_cut_at_every_step_of_the_recovery(tmp_path: Path, done: tuple[str, ...], cut: str, at: int) -> None:
    """The first cut leaves the disk half written; the second one comes while that is being mended."""
    broken = 0
    for dies_at in range(1, 4 * PATCHES):
        machine = _fresh(tmp_path, *done)
        machine.run(getattr(machine, cut), at, seed=dies_at)
        assert machine.content not in (BEFORE, AFTER)
        assert pending(tmp_path)
        steps = machine.run(machine.recover, dies_at, seed=dies_at)
        machine.settle()
        if steps < dies_at:
            break
        broken += 1
    assert broken > PATCHES // 3


def test_there_are_hundreds_of_points(tmp_path: Path) -> None:
    """So that nobody thins out the sweep above without noticing."""
    machine = _fresh(tmp_path)
    steps = machine.run(machine.commit) + machine.run(machine.undo)
    assert 3 * steps >= 300


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(5, "Input/output error"), DeviceError("gone")])
@pytest.mark.parametrize("work", ["commit", "undo"])
def test_a_passing_failure_leaves_nothing_half_done(tmp_path: Path, work: str, error: BaseException) -> None:
    """Ctrl-C and I/O errors at every write and flush: the disk reads as before when the call is over."""

    class Hiccup(Power):
        def step(self) -> bool:
            self.steps += 1
            if self.steps == self.dies_at:
                raise error
            return False

    for fails_at in range(1, 1000):
        machine = _fresh(tmp_path, *(() if work == "commit" else ("commit",)))
        was = machine.content
        hiccup = Hiccup(fails_at)
        disk = FragileDisk(machine.content, hiccup)
        stopped = None
        try:
            getattr(machine, work)(disk, FragileFiles(tmp_path, hiccup))
        except BaseException as caught:
            stopped = caught
        states = [entry.state for entry in history(tmp_path)]
        assert pending(tmp_path) == []
        if hiccup.steps < fails_at:
            assert stopped is None
            break
        assert isinstance(stopped, KeyboardInterrupt) == isinstance(error, KeyboardInterrupt)
        assert bytes(disk.durable) == (BEFORE if disk.writes else was)
        if work == "commit":
            assert stopped is not None
            # undone: COMMITTED stood already, only its sync failed.
            assert states in ([], ["rolled-back"], ["undone"])
        else:
            assert states == ["undone" if disk.writes else "committed"]
    else:
        pytest.fail("never ran through")


def test_a_power_cut_while_a_failed_commit_is_put_back(tmp_path: Path) -> None:
    """The last mark, COMMITTED, lands but its sync fails; the cut comes during the way back, at every step of it."""
    last = _fresh(tmp_path).run(_fresh(tmp_path).commit)

    class SickPower(Power):
        def step(self) -> bool:
            fatal = super().step()
            if self.steps == last:
                raise OSError(5, "Input/output error")
            return fatal

    cuts = 0
    for dies_at in range(last + 1, last + 1000):
        machine = _fresh(tmp_path)
        power = SickPower(dies_at, seed=dies_at)
        disk, files = FragileDisk(BEFORE, power), FragileFiles(tmp_path, power)
        with pytest.raises(DeviceError):
            machine.commit(disk, files)
        if not power.off:
            assert bytes(disk.durable) == BEFORE
            break
        files.after_the_cut()
        machine.content = disk.after_the_cut()
        machine.settle()
        cuts += 1
    assert cuts > PATCHES


_CHILD = """
import sys, time
from pathlib import Path
from bootmend.commit import commit, undo
from bootmend.disk.device import Patch
from bootmend.disk.raw import RawFile

class Slow(RawFile):
    def _write(self, offset, data):
        super()._write(offset, data)
        time.sleep(0.0003)

with Slow(sys.argv[1], writable=True) as disk:
    old = disk.read(0, disk.size)
    patches = [Patch(at, old[at:at + 700], bytes(700)) for at in range(0, disk.size - 700, 4096)]
    print("ready", flush=True)
    while True:
        report = commit(disk, patches, Path(sys.argv[2]), identity={}, meta={})
        undo(disk, report.journal)
"""


@pytest.mark.slow
def test_kill_minus_nine_at_random_times(tmp_path: Path) -> None:
    chance = random.Random()
    old = random.Random(3).randbytes(600_000)
    new = bytearray(old)
    for at in range(0, len(old) - 700, 4096):
        new[at : at + 700] = bytes(700)
    interrupted = 0
    for number in range(20):
        image, folder = tmp_path / f"{number}.img", tmp_path / f"{number}.bootmend"
        image.write_bytes(old)
        with subprocess.Popen([sys.executable, "-c", _CHILD, image, folder], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0, 0.3))
            child.kill()
        interrupted += len(pending(folder))
        with RawFile(image, writable=True) as disk:
            recover(disk, folder)
            assert recover(disk, folder) == []
        states = [entry.state for entry in history(folder)]
        assert image.read_bytes() == (new if states and states[-1] == "committed" else old)
        assert set(states[:-1]) <= {"undone"}
    assert interrupted, "every kill hit a quiet moment: the test proves nothing"
