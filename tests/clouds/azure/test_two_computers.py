"""Two computers at one machine, and two commands that would like the same helper."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure_commands import OLD, VM, Stage, commands_stage
from azure_stage import azure_cloud
from cloud_stage import HASTY, Patching

from bootmend.clouds.azure.cloud import AzureCloud
from bootmend.clouds.cloud import Machine, Thing
from bootmend.clouds.flow import Flow, begin
from bootmend.clouds.naming import BUSY, FREE
from bootmend.clouds.run import Run, Store
from bootmend.clouds.run import Stage as RunStage
from bootmend.errors import Refused

KEPT = "bootmend-helper-westeurope"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with commands_stage(tmp_path, monkeypatch) as one:
        yield one


class Computer:
    """With records of its own, and a run that was begun before the other one had made anything."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.cloud = azure_cloud(stage.double)
        self.store = Store(stage.folder / name)
        self.run = begin(self.cloud, self.store, self.cloud.find("web1"), "direct", {"start": True})

    @property
    def flow(self) -> Flow:
        return Flow(self.cloud, self.store, self.run, Patching(self.cloud), HASTY)

    def go(self) -> Run:
        return self.flow.go()


def test_the_later_one_gives_way(stage: Stage) -> None:
    vm = stage.vm()
    one, other = Computer(stage, "one"), Computer(stage, "other")
    one.go()
    repaired = vm.os_disk
    with pytest.raises(Refused, match="another computer"):
        other.go()
    assert (one.run.stage, other.run.stage) == (RunStage.DONE, RunStage.BACK)
    assert vm.os_disk == repaired != OLD and vm.phase == "ready"
    assert not any(other.run.id in name for name in stage.double.leaks())


@pytest.mark.parametrize("ran", [True, False])
def test_where_both_give_way_the_last_one_puts_the_machine_back(
    stage: Stage, ran: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    vm = stage.vm(running=ran)
    one, other = Computer(stage, "one"), Computer(stage, "other")
    other.flow._take_step("stop", other.flow._stop)
    things, met = AzureCloud.things, list[str]()

    def meanwhile(cloud: AzureCloud, machine: Machine) -> list[Thing]:
        seen = things(cloud, machine)
        if cloud is one.cloud and any(thing.run == one.run.id for thing in seen) and not met:
            met.append("")
            with pytest.raises(Refused):  # it sees the first one's backup ...
                other.go()
            seen = [*seen, other_backup[0]]  # ... and the first one saw its
        return seen

    snapshot, other_backup = AzureCloud.snapshot, list[Thing]()

    def backed_up(cloud: AzureCloud, disk: str, name: str, tags: dict[str, str]) -> str:
        made = snapshot(cloud, disk, name, tags)
        if cloud is other.cloud:
            other_backup.extend(thing for thing in things(cloud, cloud.find("web1")) if thing.id == made)
        return made

    monkeypatch.setattr(AzureCloud, "things", meanwhile)
    monkeypatch.setattr(AzureCloud, "snapshot", backed_up)
    with pytest.raises(Refused, match="another computer"):
        one.go()
    assert met and (one.run.stage, other.run.stage) == (RunStage.BACK, RunStage.BACK)
    assert (vm.os_disk, vm.power) == (OLD, "running" if ran else "deallocated")
    assert stage.double.leaks() == []


def test_one_that_found_it_stopped_by_the_other_knows_that_it_ran(stage: Stage) -> None:
    vm = stage.vm()
    one = Computer(stage, "one")
    one.cloud.stop(one.run.machine)
    other = Computer(stage, "other")
    assert not other.run.was_running
    tags = {"bootmend-ran": "yes"}
    one.flow._backup()
    assert tags.items() <= stage.double.world.get(one.run.backup).shown["tags"].items()
    with pytest.raises(Refused):
        other.go()
    assert other.run.was_running and vm.power == "deallocated"  # the first one still has it


def test_a_helper_that_somebody_works_on_is_left_to_them(stage: Stage) -> None:
    for name in ("web1", "web2"):
        stage.vm(name)
    stage.done("repair", "web1", "--yes", "--wait", "60", "--keep-helper")
    helper = stage.double.vm(KEPT).resource
    assert helper.shown["tags"][BUSY] == FREE
    since = datetime.now(UTC)
    claim = helper.shown["tags"][BUSY] = f"20260102-030405-a1b2c3 {since:%Y-%m-%dT%H:%M:%SZ}"
    stage.done("repair", "web2", "--yes", "--wait", "60")
    # It had one of its own, and that is gone; the other one is as it was.
    assert helper.shown["tags"][BUSY] == claim and helper.properties["storageProfile"].get("dataDisks", []) == []
    assert stage.left("virtualMachines") == [KEPT]
    assert len({seen.path for seen in stage.double.calls if "attachDetach" in seen.action}) == 2
    stage.done("undo", "web2", "--yes")
    # A claim that is older than any command was left by a crash.
    helper.shown["tags"][BUSY] = f"20260102-030405-a1b2c3 {since - timedelta(hours=7):%Y-%m-%dT%H:%M:%SZ}"
    before = len(stage.double.calls)
    stage.done("repair", "web2", "--yes", "--wait", "60")
    assert helper.shown["tags"][BUSY] == FREE
    assert [seen.path for seen in stage.double.calls[before:] if seen.method == "PUT" and seen.action == f"{VM}/write"]
    assert all(KEPT in seen.path for seen in stage.double.calls[before:] if "attachDetach" in seen.action)


def test_of_two_that_reach_for_it_one_gets_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from bootmend.clouds.azure.helper_machine import HelperMachine

    for name in ("web1", "web2"):
        stage.vm(name)
    stage.done("repair", "web1", "--yes", "--wait", "60", "--keep-helper")
    helper, mark = stage.double.vm(KEPT).resource, HelperMachine.mark

    def late(machine: HelperMachine, vm: object, tags: dict[str, str]) -> bool:
        helper.shown["etag"] = '"changed"'  # somebody else was faster
        return mark(machine, vm, tags)  # type: ignore[arg-type]

    monkeypatch.setattr(HelperMachine, "mark", late)
    stage.done("repair", "web2", "--yes", "--wait", "60")
    assert helper.shown["tags"][BUSY] == FREE and stage.left("virtualMachines") == [KEPT]
    assert len({seen.path for seen in stage.double.calls if "attachDetach" in seen.action}) == 2


@pytest.mark.parametrize("keep", [[], ["--keep-helper"]])
@pytest.mark.parametrize("action", ["virtualNetworks/write", f"{VM}/write", "runCommands/write"])
def test_no_helper_and_no_network_stays_after_a_crash_and_an_undo(stage: Stage, action: str, keep: list[str]) -> None:
    stage.vm()
    stage.killed_at(action, "repair", "web1", "--yes", *keep)
    assert stage.left("virtualNetworks")
    stage.done("undo", "web1", "--yes")
    if keep and action != "virtualNetworks/write":
        assert stage.double.vm(KEPT).resource.shown["tags"][BUSY] == FREE
        assert stage.left("disks") == [f"{KEPT}-os"] and stage.left("snapshots") == []
    elif not keep:
        assert stage.double.leaks() == []


@pytest.mark.parametrize("action", ["virtualNetworks/write", "runCommands/write", "virtualMachines/delete"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_helper_in_a_group_of_its_own_goes_too(
    stage: Stage, action: str, elsewhere: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.vm()
    stage.double.add_group("tools")
    stage.killed_at(action, "repair", "web1", "--yes", "--wait", "60", "--helper-group", "tools")
    if elsewhere:
        monkeypatch.setenv("XDG_STATE_HOME", str(stage.folder / "elsewhere"))
    stage.done("undo", "web1", "--yes")
    assert stage.double.leaks() == []
    stage.done("repair", "web1", "--yes", "--wait", "60", "--helper-group", "tools")
    assert stage.left("virtualMachines") == [] and stage.left("virtualNetworks") == []


def test_a_helper_left_at_the_very_end_is_taken_away_by_a_resume(stage: Stage) -> None:
    vm = stage.vm()
    stage.killed_at("runCommands/delete", "repair", "web1", "--yes", "--wait", "60")
    stage.done("repair", "web1", "--resume")
    assert vm.phase == "ready" and stage.left("virtualMachines") == []
    with_helper = Store().runs()[0]
    del with_helper.steps["helper"]
    Store().save(with_helper)
    assert stage.done("repair", "web1", "--resume")["run"]["stage"] == "done"
    assert stage.azure("repair", "web1", "--resume").returncode == 4
