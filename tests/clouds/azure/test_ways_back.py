"""Ways back that lead past something: an old disk that is gone, a confirmed one, a question that nobody answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.mgmt.compute.models import VirtualMachine
from azure_commands import OLD, VM, Stage, commands_stage
from azure_stage import azure_cloud
from cloud_stage import HASTY, Patching
from command_line import command, said
from killed_client import killed

from bootmend.clouds.azure.cloud import AzureCloud
from bootmend.clouds.azure.helper_machine import HelperMachine
from bootmend.clouds.flow import Flow, begin
from bootmend.clouds.naming import BUSY, FREE
from bootmend.clouds.run import Stage as RunStage
from bootmend.clouds.run import Store
from bootmend.errors import Refused

KEPT = "bootmend-helper-westeurope"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with commands_stage(tmp_path, monkeypatch) as one:
        yield one


def put_in(stage: Stage, spare: str) -> None:
    disk = stage.double.disk(f"{spare}_OsDisk_1")
    entry = stage.double.vm("web1").resource.properties["storageProfile"]["osDisk"]
    entry["managedDisk"]["id"], entry["name"] = disk.id, disk.name


def not_agreed(stage: Stage, name: str = "web1") -> None:
    """The run of a machine waits for a yes to its plan."""
    stage.killed_at("runCommands/write", "repair", name, "--yes", "--wait", "60")
    run = next(run for run in Store().runs() if run.name == name)
    run.options["yes"] = False
    Store().save(run)


def test_a_machine_is_not_stopped_for_an_old_disk_that_is_gone(stage: Stage) -> None:
    vm = stage.vm()
    run = stage.done("repair", "web1", "--yes", "--wait", "60")["run"]
    azure_cloud(stage.double).remove(run["old_disk"])
    for words in ((), ("--accept", "strange-disk")):
        assert stage.azure("undo", "web1", "--yes", *words).returncode == 3
        assert vm.power == "running" and Store().runs()[0].stage is RunStage.DONE
    [record] = Store().runs()
    record.stage = RunStage.GOING_BACK
    Store().save(record)
    assert stage.azure("undo", "web1", "--yes").returncode == 3
    assert stage.done("confirm", "web1", "--yes")["run"]["stage"] == "confirmed"


def test_a_confirmed_disk_is_the_owners(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.vm()
    stage.vm("spare", running=False)
    run = stage.done("repair", "web1", "--yes", "--wait", "60")["run"]
    stage.done("confirm", "web1", "--yes")
    stage.double.world.get(run["new_disk"]).shown.pop("managedBy", None)
    put_in(stage, "spare")
    monkeypatch.setenv("XDG_STATE_HOME", str(stage.folder / "elsewhere"))
    for words in ((), ("--accept", "strange-disk")):
        assert stage.azure("undo", "web1", "--yes", *words).returncode == 4
    assert run["new_disk"].rsplit("/", 1)[1] in stage.double.names("disks")


def test_what_an_earlier_run_left_on_the_old_disk_is_no_rival(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    vm = stage.vm()
    stage.done("repair", "web1", "--yes", "--wait", "60")
    stage.done("confirm", "web1", "--yes")
    first = vm.os_disk
    monkeypatch.setenv("XDG_STATE_HOME", str(stage.folder / "elsewhere"))
    words = ("azure", "repair", "web1", "--yes", "--wait", "60", "--force")
    swapped = f"{VM}/write"
    assert killed(
        stage.double,
        1,
        lambda seen: seen.action == swapped and seen.path.endswith("/web1") and seen.method == "PUT",
        lambda: command(*words),
    )
    stage.double.on_call(lambda *_: None)
    stage.done("repair", "web1", "--resume")
    assert vm.os_disk != first and vm.phase == "ready"


@pytest.mark.parametrize("words", [("web1", "--resume"), ("web1", "--resume", "--json"), ("web1", "web2", "--resume")])
def test_nobody_is_passed_over_at_the_second_question(stage: Stage, words: tuple[str, ...]) -> None:
    vm = stage.vm()
    stage.vm("web2")
    not_agreed(stage)
    assert stage.azure("repair", *words).returncode in (3, 1, 4)
    assert vm.os_disk == OLD and Store().runs()[0].stage is RunStage.OPEN


def test_a_document_leaves_no_room_for_questions(stage: Stage) -> None:
    stage.vm()
    ended = stage.azure("repair", "web1", "--json")
    assert ended.returncode == 3 and "--yes" in said(ended) and stage.double.calls == []


def test_where_no_question_is_due_a_resume_needs_nobody(stage: Stage) -> None:
    vm = stage.vm()
    not_agreed(stage)
    [run] = Store().runs()
    run.stage = RunStage.GOING_BACK
    Store().save(run)
    assert stage.azure("repair", "web1", "--resume").returncode == 1
    assert (vm.power, vm.os_disk, stage.double.leaks()) == ("running", OLD, [])


def test_a_machine_stopped_under_the_other_ones_hands_runs_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    vm = stage.vm()

    def computer(name: str) -> Flow:
        cloud, store = azure_cloud(stage.double), Store(stage.folder / name)
        run = begin(cloud, store, cloud.find("web1"), "direct", {"start": True})
        return Flow(cloud, store, run, Patching(cloud), HASTY)

    one, other = computer("one"), computer("other")
    stop, met = AzureCloud.stop, list[str]()

    def stopped(cloud: AzureCloud, machine: str) -> None:
        if cloud is other.cloud and not met:
            met.append("")
            assert one.go().stage is RunStage.DONE  # all of it, between the other one's look and its stop
        stop(cloud, machine)

    monkeypatch.setattr(AzureCloud, "stop", stopped)
    with pytest.raises(Refused):
        other.go()
    assert vm.power == "running" and vm.os_disk != OLD and other.run.stage is RunStage.BACK


def test_a_record_of_an_older_bootmend_leaves_no_helper(stage: Stage) -> None:
    stage.vm()
    stage.killed_at("snapshots/write", "repair", "web1", "--yes", "--wait", "60")
    [run] = Store().runs()
    for key in ("place", "yes"):
        run.options.pop(key)
    Store().save(run)
    stage.done("repair", "web1", "--resume")
    assert stage.left("virtualMachines") == [] and stage.left("virtualNetworks") == []


def test_several_that_were_begun_alone_leave_no_network(stage: Stage) -> None:
    for name in ("web1", "web2"):
        stage.vm(name)
        stage.killed_at("virtualNetworks/write", "repair", name, "--yes")
    stage.rows("undo", "web1", "web2", "--yes")
    assert stage.double.leaks() == []


def test_several_that_were_begun_alone_leave_no_claim(stage: Stage) -> None:
    for name, action in (("web1", "runCommands/write"), ("web2", "snapshots/write")):
        stage.vm(name)
        stage.killed_at(action, "repair", name, "--yes", "--keep-helper")
    stage.rows("undo", "web1", "web2", "--yes")
    assert stage.double.vm(KEPT).resource.shown["tags"][BUSY] == FREE


def test_a_wrong_donor_is_found_before_anything_is_begun(stage: Stage) -> None:
    for name in ("web1", "web2"):
        stage.vm(name)
    assert stage.azure("repair", "web1", "web2", "--yes", "--donor", "/nowhere").returncode == 4
    assert Store().runs() == []
    assert all(row["good"] for row in stage.rows("repair", "web1", "web2", "--yes", "--wait", "60").values())


def test_a_kept_helper_without_room_is_not_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("web1", "web2"):
        stage.vm(name)
    stage.done("repair", "web1", "--yes", "--wait", "60", "--keep-helper")
    start = HelperMachine.start

    def full(machine: HelperMachine, vm: VirtualMachine) -> list[int]:
        taken = start(machine, vm)
        return [0, 1, 2] if machine.stays else taken

    monkeypatch.setattr(HelperMachine, "start", full)
    stage.done("repair", "web2", "--yes", "--wait", "60")
    assert stage.double.vm(KEPT).resource.shown["tags"][BUSY] == FREE
    assert stage.left("virtualMachines") == [KEPT]


def test_a_look_of_yesterday_takes_nobodys_link(stage: Stage) -> None:
    stage.vm(running=False)
    stage.killed_at("blob/read", "diagnose", "web1", "--yes")
    store = Store()
    [run] = store.runs()
    (store.folder / f"{run.id}.json").unlink()
    run.id = "20250102-030405-a1b2c3"
    store.save(run)
    ended = stage.azure("diagnose", "web1", "--yes")
    assert ended.returncode == 3 and "holds a link" in said(ended)


def test_what_was_undone_is_not_resumed(stage: Stage) -> None:
    stage.vm()
    stage.killed_at("runCommands/write", "repair", "web1", "--yes")
    stage.done("undo", "web1", "--yes")
    assert stage.azure("repair", "web1", "--resume", "--yes").returncode == 4
