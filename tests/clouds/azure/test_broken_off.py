"""What somebody is told whose repair ends in the middle: how the machine stands, what is left, what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_commands import OLD, VM, Stage, commands_stage
from command_line import said

from bootmend.clouds.azure.simulate.faults import Fault
from bootmend.clouds.run import Run
from bootmend.errors import CloudAway


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with commands_stage(tmp_path, monkeypatch) as one:
        yield one


def forbidden(action: str, path: str = "*") -> Fault:
    return Fault(action, path, status=403, code="AuthorizationFailed", message="no right", times=99)


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("module", ["clouds.way_back.clear_up", "clouds.azure.helper_choice.clear_helper"])
def test_ctrl_c_while_it_clears_up_names_what_is_left(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    stage.vm()
    if module.endswith("clear_up"):
        stage.double.faults.add(forbidden(f"{VM}/write", "*/web1"))  # the swap: then all is taken back

    with monkeypatch.context() as patch:
        patch.setattr(f"bootmend.{module}", interrupted)
        ended = stage.azure("repair", "web1", "--yes", "--wait", "60")
    assert ended.returncode == 130
    assert "web1 is running now and boots from" in said(ended)
    for kind in ("snapshots", "virtualMachines"):
        [name] = stage.left(kind)
        assert name in said(ended)
    stage.double.faults.clear()
    assert stage.azure("repair", "web1", "--resume").returncode in (0, 1)
    assert stage.left("virtualMachines") == []


def test_who_may_not_start_it_again_is_told_that_it_is_off(stage: Stage) -> None:
    vm = stage.vm()
    stage.double.faults.add(forbidden(f"{VM}/start/action"))
    stage.double.faults.add(forbidden("*snapshots/write"))
    ended = stage.azure("repair", "web1", "--yes")
    assert ended.returncode == 1, said(ended)
    assert said(ended).count("Ask for a role") == 2 and "could not be put back" in said(ended)
    assert "It is off and boots from web1_OsDisk_1" in said(ended) and "nothing was written" not in said(ended)
    stage.double.faults.clear()
    assert stage.done("undo", "web1", "--yes")["run"]["stage"] == "back"
    assert (vm.power, vm.os_disk) == ("running", OLD) and stage.double.leaks() == []


def test_an_undo_that_stops_half_way_says_so(stage: Stage) -> None:
    vm = stage.vm()
    stage.done("repair", "web1", "--yes", "--wait", "60")
    stage.double.faults.add(forbidden(f"{VM}/write", "*/web1"))
    ended = stage.azure("undo", "web1", "--yes")
    assert ended.returncode == 1 and "could not be put back" in said(ended) and "It is off" in said(ended)
    stage.double.faults.clear()
    stage.done("undo", "web1", "--yes")
    assert (vm.power, vm.os_disk) == ("running", OLD) and stage.double.leaks() == []


def test_a_confirm_that_stops_half_way_says_so(stage: Stage) -> None:
    stage.vm()
    stage.done("repair", "web1", "--yes", "--wait", "60")
    stage.double.faults.add(forbidden("*snapshots/delete"))
    ended = stage.azure("confirm", "web1", "--yes")
    assert ended.returncode == 1 and "its old one is gone" in said(ended)
    assert "nothing was written" not in said(ended)
    stage.double.faults.clear()
    assert stage.done("confirm", "web1", "--yes")["run"]["stage"] == "confirmed"
    assert stage.left("snapshots") == []


def test_who_may_not_even_look_is_told_what_the_names_hold(stage: Stage) -> None:
    stage.vm()
    started = list[bool]()

    def hook(seen: object, moment: str) -> None:
        if moment == "after" and "snapshots/write" in getattr(seen, "action", "") and not started:
            started.append(True)
            for action in (f"{VM}/read", "*disks/read", "*snapshots/read"):
                stage.double.faults.add(forbidden(action))

    stage.double.on_call(hook)
    ended = stage.azure("repair", "web1", "--yes")
    stage.double.on_call(lambda *_: None)
    assert ended.returncode in (1, 3) and "it may be off" in said(ended)
    stage.double.faults.clear()
    [made] = stage.left("snapshots")
    run = made.removeprefix("web1-bootmend-").removesuffix("-backup")
    assert f"{run} in its name" in said(ended)
    stage.done("undo", "web1", "--yes")
    assert stage.double.leaks() == []


def test_a_repair_that_is_done_stays_done_where_the_last_look_fails(stage: Stage) -> None:
    vm = stage.vm()

    def hook(seen: object, moment: str) -> None:
        if moment == "after" and "virtualNetworks/delete" in getattr(seen, "action", ""):
            stage.double.faults.add(forbidden("*snapshots/read"))

    stage.double.on_call(hook)
    ended = stage.azure("repair", "web1", "--yes", "--wait", "60")
    assert ended.returncode == 0 and "azure confirm web1" in ended.stdout.decode(), said(ended)
    assert vm.phase == "ready"


def test_an_undo_that_is_interrupted_says_how_it_stands(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from bootmend.clouds.azure.cloud import AzureCloud

    vm = stage.vm()
    stage.done("repair", "web1", "--yes", "--wait", "60")

    with monkeypatch.context() as patch:
        patch.setattr(AzureCloud, "swap", interrupted)
        ended = stage.azure("undo", "web1", "--yes")
    assert ended.returncode == 130 and "`azure undo web1` goes on" in said(ended)
    assert "web1 is off now" in said(ended) and stage.left("snapshots")[0] in said(ended)
    stage.done("undo", "web1", "--yes")
    assert (vm.power, vm.os_disk) == ("running", OLD) and stage.double.leaks() == []


@pytest.mark.parametrize("work", ["undo", "confirm"])
def test_what_is_done_stays_done_where_its_last_look_fails(stage: Stage, work: str) -> None:
    stage.vm()
    stage.done("repair", "web1", "--yes", "--wait", "60")

    def hook(seen: object, moment: str) -> None:
        if moment == "after" and "snapshots/delete" in getattr(seen, "action", ""):
            stage.double.faults.add(forbidden("*snapshots/read"))
            stage.double.faults.add(forbidden("Microsoft.Compute/virtualMachines/read", "*helper*"))

    stage.double.on_call(hook)
    ended = stage.azure(work, "web1", "--yes")
    stage.double.on_call(lambda *_: None)
    assert ended.returncode == 0 and "nothing was written" not in said(ended)


def test_a_record_that_cannot_be_written_leaves_no_machine_off(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from bootmend.clouds.run import Store
    from bootmend.errors import InputError

    vm, save = stage.vm(), Store.save

    def full(store: Store, run: Run) -> None:
        if "stop" in run.steps:
            raise InputError("no space left")
        save(store, run)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", full)
        ended = stage.azure("repair", "web1", "--yes")
    assert ended.returncode == 4 and "no space left" in said(ended)
    assert (vm.power, vm.os_disk) == ("running", OLD) and stage.double.leaks() == []


def test_a_helper_of_several_that_stayed_goes_with_a_resume_of_one(stage: Stage) -> None:
    for name in ("web1", "web2"):
        stage.vm(name)
    stage.double.faults.add(Fault(f"{VM}/delete", status=409, code="OperationNotAllowed", message="no"))
    ended = stage.azure("repair", "web1", "web2", "--yes", "--wait", "60")
    assert ended.returncode == 0 and "could not be taken away" in said(ended) and "--resume" in said(ended)
    assert stage.left("virtualMachines")
    stage.azure("repair", "web2", "--resume")
    assert stage.left("virtualMachines") == []


def test_several_that_are_broken_off_name_what_they_made(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from bootmend.clouds.azure.batch import Batches

    for name in ("web1", "web2"):
        stage.vm(name)
    with monkeypatch.context() as patch:
        patch.setattr(Batches, "_round", lambda *_: (_ for _ in ()).throw(CloudAway("no network")))
        ended = stage.azure("repair", "web1", "web2", "--yes")
    assert ended.returncode != 0
    for kind in ("disks", "snapshots"):
        for name in stage.left(kind):
            if "-bootmend-" in name:
                run = name.partition("-bootmend-")[2].rpartition("-")[0]
                assert run in said(ended)
    [helper] = stage.left("virtualMachines")
    assert f"ends in {helper.rpartition('-')[2]}" in said(ended)
    told = stage.rows("repair", "web1", "web2", "--resume")
    assert all(row["good"] for row in told.values()) and stage.left("virtualMachines") == []


def test_a_policy_that_says_no_is_no_lack_of_a_role(stage: Stage) -> None:
    vm = stage.vm()
    words = "Resource 'x' was disallowed by policy."
    stage.double.faults.add(
        Fault("*snapshots/write", status=403, code="RequestDisallowedByPolicy", message=words, times=9)
    )
    ended = stage.azure("repair", "web1", "--yes")
    assert ended.returncode == 3 and "exemption" in said(ended) and "azure-role" not in said(ended)
    assert (vm.power, vm.os_disk) == ("running", OLD) and stage.double.leaks() == []
