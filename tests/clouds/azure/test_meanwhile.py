"""What became of a machine while its repair waited for somebody: started, put back elsewhere, deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure_commands import OLD, VM, Stage, commands_stage
from azure_stage import azure_cloud
from command_line import said

from bootmend.clouds.azure.simulate.faults import Fault
from bootmend.clouds.run import Run, Store, now


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


def killed_in_the_watch(stage: Stage) -> Run:
    """web1 runs on its repaired disk, and its repair was killed before anybody saw it run."""
    stage.killed_at("virtualMachines/start/action", "repair", "web1", "--yes", "--wait", "60")
    store = Store()
    [run] = store.runs()
    run.steps.setdefault("start", now())
    store.save(run)
    return run


def test_a_repaired_machine_that_was_switched_off_keeps_its_disk(stage: Stage) -> None:
    """As every night: no machine deallocates itself because it cannot boot."""
    vm = stage.vm()
    run = killed_in_the_watch(stage)
    azure_cloud(stage.double).connection.client.virtual_machines.begin_deallocate("lab", "web1").result()
    told = stage.done("repair", "web1", "--resume", "--wait", "60")["run"]
    assert told["verdict"] == "healthy" and vm.os_disk == run.new_disk.rsplit("/", 1)[1] and vm.power == "running"


@pytest.mark.parametrize("long_ago", [True, False])
def test_one_that_was_used_since_is_not_put_back_without_being_asked(stage: Stage, long_ago: bool) -> None:
    vm = stage.vm(boot_diagnostics=True)
    run = killed_in_the_watch(stage)
    if long_ago:
        run.steps["start"] = "2026-01-01T00:00:00+00:00"
        Store().save(run)
    vm.boots_when(lambda _: False)
    client = azure_cloud(stage.double).connection.client.virtual_machines
    client.begin_restart("lab", "web1").result()
    told = stage.done("repair", "web1", "--resume", code=1)["run"]
    if not long_ago:
        assert told["stage"] == "back" and vm.os_disk == OLD
        return
    assert (told["stage"], told["verdict"]) == ("done", "failed") and vm.os_disk == run.new_disk.rsplit("/", 1)[1]
    assert stage.done("undo", "web1", "--yes")["run"]["stage"] == "back"
    assert vm.os_disk == OLD


def test_a_machine_in_another_group_is_not_gone(stage: Stage) -> None:
    vm = stage.vm()
    stage.vm("web2")
    stage.double.add_group("other")
    run = stage.done("repair", "web1", "--yes", "--wait", "60")["run"]
    for names in (("web1",), ("web1", "web2")):
        assert stage.azure("undo", *names, "-g", "other", "--yes").returncode == 4
    assert vm.os_disk == run["new_disk"].rsplit("/", 1)[1]


def test_a_clock_that_was_ahead_hides_no_broken_run(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from bootmend.clouds import run as runs
    from bootmend.clouds.naming import new_run_id

    stage.vm()
    with monkeypatch.context() as patch:
        patch.setattr(runs, "new_run_id", lambda: new_run_id(datetime.now(UTC) + timedelta(days=1)))
        stage.done("repair", "web1", "--yes", "--wait", "60")
    stage.done("undo", "web1", "--yes")
    stage.killed_at("snapshots/write", "repair", "web1", "--yes")
    assert stage.done("repair", "web1", "--resume", "--wait", "60")["run"]["verdict"] == "healthy"


@pytest.mark.parametrize(("key", "value"), [("options", None), ("steps", None), ("machine", 5), ("moved", [])])
def test_a_record_that_is_none_holds_nobody_up(stage: Stage, key: str, value: object) -> None:
    """Its machine is known by its tags, as if the run had been begun on another computer."""
    vm = stage.vm()
    stage.vm("web2")
    stage.done("repair", "web1", "--yes", "--wait", "60")
    [record] = [one for one in Store().folder.glob("*.json") if not one.name.endswith(".result.json")]
    record.write_text(json.dumps({**json.loads(record.read_text()), key: value}))
    ended = stage.azure("status", "web1")
    assert ended.returncode == 0 and said(ended).count("record of a run") == 1
    assert stage.azure("repair", "web1", "--yes").returncode == 3
    stage.done("repair", "web2", "--yes", "--wait", "60")
    stage.done("undo", "web1", "--yes")
    assert (vm.power, vm.os_disk) == ("running", OLD) and not any("web1" in one for one in stage.left("disks"))
