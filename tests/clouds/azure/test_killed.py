"""kill -9 after each change that a client asks Azure for, and a resume: a good disk or the old one, and nothing left.

The double has done what was asked when the client dies, and the client has not heard of it. Between two changes
Azure stands still, so these are all the states there are; benchmarks/killed.py tries every single call.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from cloud_stage import WRONG
from killed_client import Ending, killed_after, repair

from bootmend.clouds.azure.cloud import AzureCloud
from bootmend.clouds.run import Run, Stage, Store
from bootmend.clouds.standing import standing
from bootmend.clouds.way_back import confirm, go_back

VM = "Microsoft.Compute/virtualMachines"


def whole(end: Ending) -> None:
    """What must hold whatever was broken off."""
    assert end.power == "running", end
    assert end.open_links == [], end
    assert end.done["Microsoft.Compute/snapshots/write"] <= 1, end


@pytest.mark.parametrize("number", range(1, 12))
def test_a_repair_killed_and_resumed(number: int, tmp_path: Path) -> None:
    end = killed_after(number, tmp_path, repair(), repair())
    assert end.killed, "a repair asks for fewer changes now: shorten the list"
    whole(end)
    assert end.run is not None and end.run.stage is Stage.DONE, end
    assert end.disk_boots and end.phase == "ready", end
    assert len(end.disks) == 2 and len(end.snapshots) == 1, end
    once = (f"{VM}/deallocate/action", f"{VM}/write", f"{VM}/start/action")
    assert {action: end.done[action] for action in once} == dict.fromkeys(once, 1), end


def test_no_change_of_a_repair_is_left_out(tmp_path: Path) -> None:
    assert not killed_after(12, tmp_path, repair(), repair()).killed


@pytest.mark.parametrize("number", range(12, 17))
def test_a_wrong_guess_killed_on_its_way_back(number: int, tmp_path: Path) -> None:
    end = killed_after(number, tmp_path, repair(WRONG), repair(WRONG), pictures=True)
    assert end.killed, "the way back asks for fewer changes now: shorten the list"
    whole(end)
    assert end.run is not None and end.run.stage is Stage.BACK, end
    assert (end.os_disk, end.disks, end.snapshots) == ("web1_OsDisk_1", ["web1_OsDisk_1"], []), end
    twice = (f"{VM}/deallocate/action", f"{VM}/write", f"{VM}/start/action")
    assert {action: end.done[action] for action in twice} == dict.fromkeys(twice, 2), end


def _undo(cloud: AzureCloud, store: Store) -> Run:
    run = standing(cloud, store, cloud.find("web1"))
    assert run is not None
    go_back(cloud, store, run)
    return run


def _confirm(cloud: AzureCloud, store: Store) -> Run:
    run = standing(cloud, store, cloud.find("web1"))
    assert run is not None
    confirm(cloud, store, run)
    return run


@pytest.mark.parametrize("number", (1, 2, 4))
def test_an_undo_killed_and_done_again(number: int, tmp_path: Path) -> None:
    end = killed_after(number, tmp_path, _undo, _undo, first=repair())
    assert end.killed
    whole(end)
    assert (end.os_disk, end.disks, end.snapshots) == ("web1_OsDisk_1", ["web1_OsDisk_1"], []), end


@pytest.mark.parametrize("number", (1, 2))
def test_a_confirm_killed_and_done_again(number: int, tmp_path: Path) -> None:
    end = killed_after(number, tmp_path, _confirm, _confirm, first=repair())
    assert end.killed
    whole(end)
    assert end.disk_boots and end.disks == [end.os_disk] and end.snapshots == [], end
