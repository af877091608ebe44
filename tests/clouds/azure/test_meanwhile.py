"""What became of a machine while its repair waited for somebody: started, put back elsewhere, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_commands import OLD, VM, Stage, commands_stage
from azure_stage import azure_cloud
from command_line import said

from bootmend.clouds.azure.simulate.faults import Fault
from bootmend.clouds.run import Store


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with commands_stage(tmp_path, monkeypatch) as one:
        yield one


def stopped_at_the_swap(stage: Stage) -> None:
    """web1's repair comes as far as its swap; somebody else's change is under way, so it waits for --resume."""
    stage.double.faults.add(Fault(f"{VM}/write", "*/web1", status=409, code="Conflict", message="another operation"))
    ended = stage.azure("repair", "web1", "--yes", "--wait", "60")
    assert ended.returncode == 4 and "--resume" in said(ended)
    assert "check" in Store().runs()[0].steps


def test_a_machine_that_ran_meanwhile_does_not_get_the_older_copy(stage: Stage) -> None:
    vm = stage.vm()
    stopped_at_the_swap(stage)
    client = azure_cloud(stage.double).connection.client.virtual_machines
    client.begin_start("lab", "web1").result()
    client.begin_deallocate("lab", "web1").result()
    ended = stage.azure("repair", "web1", "--resume")
    assert ended.returncode == 3 and "lacks what was written" in said(ended)
    assert (vm.os_disk, vm.power) == (OLD, "running") and stage.double.leaks() == []


def test_a_change_that_is_no_start_bars_nothing(stage: Stage) -> None:
    """Each mark alone may come of something else: a tag on the machine, a link to its disk."""
    vm = stage.vm()
    stopped_at_the_swap(stage)
    vm.resource.inside["changed"] = "2030-01-01T00:00:00+00:00"
    assert stage.done("repair", "web1", "--resume")["run"]["verdict"] == "healthy"
    assert vm.os_disk != OLD


def test_marks_that_are_not_told_bar_nothing(stage: Stage) -> None:
    vm = stage.vm()
    stopped_at_the_swap(stage)
    store = Store()
    [run] = store.runs()
    assert all(run.moved.values())
    run.moved = {}
    store.save(run)
    assert stage.done("repair", "web1", "--resume")["run"]["verdict"] == "healthy"
    assert vm.os_disk != OLD


def test_undone_elsewhere_and_switched_off_stays_off(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    vm = stage.vm()
    stage.done("repair", "web1", "--yes", "--wait", "60")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("XDG_STATE_HOME", str(stage.folder / "elsewhere"))
        stage.done("undo", "web1", "--yes")
    azure_cloud(stage.double).connection.client.virtual_machines.begin_deallocate("lab", "web1").result()
    told = stage.done("undo", "web1", "--yes")["run"]
    assert told["stage"] == "back" and "already" in told["reason"]
    assert (vm.os_disk, vm.power) == (OLD, "deallocated") and stage.double.leaks() == []


def test_one_of_several_to_be_undone_is_deleted(stage: Stage) -> None:
    web2 = stage.vm("web2")
    stage.vm()
    for name in ("web1", "web2"):
        stage.killed_at("runCommands/write", "repair", name, "--yes")
    azure_cloud(stage.double).connection.client.virtual_machines.begin_delete("lab", "web1").result()
    told = stage.rows("undo", "web1", "web2", "--yes")
    assert [told[name]["run"]["stage"] for name in ("web1", "web2")] == ["back", "back"]
    assert "not there any more" in told["web1"]["run"]["reason"]
    assert web2.power == "running" and stage.double.leaks() == []
    assert stage.azure("undo", "web1", "web2", "--yes").returncode == 4
