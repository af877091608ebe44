"""A diagnosis that was killed leaves a snapshot or a link, and is never taken for a repair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_commands import OLD, VM, Stage, commands_stage
from azure_stage import azure_cloud
from command_line import said
from killed_client import open_links

from bootmend.clouds.run import Store


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with commands_stage(tmp_path, monkeypatch) as one:
        yield one


def killed_look(stage: Stage, name: str = "web1") -> None:
    stage.killed_at("snapshots/write", "diagnose", name, "--yes")
    assert stage.left("snapshots")


@pytest.mark.parametrize("names", [["web1"], ["web1", "web2"]])
def test_it_is_not_resumed_as_a_repair(stage: Stage, names: list[str]) -> None:
    for name in names:
        stage.vm(name)
        killed_look(stage, name)
    before = len(stage.double.calls)
    ended = stage.azure("repair", *names, "--resume", "--json")
    assert ended.returncode == 4 and "broken off" in said(ended) + ended.stdout.decode()
    assert not any("deallocate" in action for action in stage.changes_since(before))


def test_the_repair_that_stands_is_undone_and_not_the_look(stage: Stage) -> None:
    vm = stage.vm()
    stage.done("repair", "web1", "--yes", "--wait", "60")
    killed_look(stage)
    assert stage.done("undo", "web1", "--yes")["run"]["stage"] == "back"
    assert vm.os_disk == OLD and vm.power == "running"
    # What is left is the look's; a second undo ends that, and touches no machine.
    before = len(stage.double.calls)
    stage.done("undo", "web1", "--yes")
    assert stage.double.leaks() == [] and set(stage.changes_since(before)) == {"Microsoft.Compute/snapshots/delete"}


def test_a_repair_is_confirmed_beside_it(stage: Stage) -> None:
    vm = stage.vm()
    stage.done("repair", "web1", "--yes", "--wait", "60")
    killed_look(stage)
    assert stage.done("confirm", "web1", "--yes")["run"]["stage"] == "confirmed"
    assert vm.os_disk != OLD


def test_the_next_diagnosis_clears_it_up(stage: Stage) -> None:
    stage.vm()
    killed_look(stage)
    assert stage.azure("diagnose", "web1", "--yes").returncode == 4  # no Windows on that disk
    assert stage.double.leaks() == []


def test_a_disk_read_in_place_is_not_left_locked(stage: Stage) -> None:
    vm = stage.vm(running=False)
    stage.killed_at("blob/read", "diagnose", "web1", "--yes")
    assert open_links(stage.double) == [OLD]
    stage.done("repair", "web1", "--yes", "--wait", "60")
    assert vm.phase == "ready" and open_links(stage.double) == []


def test_one_of_another_computer_is_in_nobodys_way(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    vm = stage.vm()
    killed_look(stage)
    machine = azure_cloud(stage.double).find("web1").id
    azure_cloud(stage.double).stop(machine)
    monkeypatch.setenv("XDG_STATE_HOME", str(stage.folder / "elsewhere"))
    before = len(stage.double.calls)
    assert stage.done("undo", "web1", "--yes")["run"]["stage"] == "back"
    # A machine that is off stays off.
    assert vm.power == "deallocated" and not any(f"{VM}/start" in action for action in stage.changes_since(before))
    assert stage.double.leaks() == []
    azure_cloud(stage.double).start(machine)
    killed_look(stage)
    monkeypatch.setenv("XDG_STATE_HOME", str(stage.folder / "third"))
    stage.done("repair", "web1", "--yes", "--wait", "60")
    assert vm.phase == "ready" and len(Store().runs()) == 1
