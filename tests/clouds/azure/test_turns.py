"""Turns that a repair may take: what somebody else does meanwhile, what Azure answers, and how it ends then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from azure_commands import OLD, VM, Stage, commands_stage
from azure_stage import azure_cloud
from cloud_stage import HASTY, Patching
from command_line import said
from helper_program import REPAIR, write_program
from killed_client import open_links

from bootmend.clouds.azure.simulate.faults import Fault, no_capacity
from bootmend.clouds.azure.simulate.server import Seen
from bootmend.clouds.flow import Flow, begin
from bootmend.clouds.run import Stage as RunStage
from bootmend.clouds.run import Store
from bootmend.errors import Refused

COMPUTE = "Microsoft.Compute"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with commands_stage(tmp_path, monkeypatch) as one:
        yield one


def put_in(stage: Stage, spare: str) -> None:
    """Somebody lets web1 boot from another disk, as a restored backup does."""
    disk = stage.double.disk(f"{spare}_OsDisk_1")
    entry = stage.double.vm("web1").resource.properties["storageProfile"]["osDisk"]
    entry["managedDisk"]["id"], entry["name"] = disk.id, disk.name


def test_a_machine_that_was_deleted_meanwhile_leaves_nothing_behind(stage: Stage) -> None:
    stage.vm()
    stage.killed_at("runCommands/write", "repair", "web1", "--yes")
    cloud = azure_cloud(stage.double)
    cloud.connection.client.virtual_machines.begin_delete("lab", "web1").result()
    ended = stage.azure("undo", "web1")
    assert ended.returncode == 3 and "No machine is touched" in said(ended)
    told = stage.done("undo", "web1", "--yes")["run"]
    assert told["stage"] == "back" and "not there any more" in told["reason"]
    assert stage.double.leaks() == []
    assert stage.azure("undo", "web1", "--yes").returncode == 4


def test_a_deleted_machine_that_ran_on_its_repaired_disk_keeps_it(stage: Stage) -> None:
    stage.vm()
    run = stage.done("repair", "web1", "--yes", "--wait", "60")["run"]
    azure_cloud(stage.double).connection.client.virtual_machines.begin_delete("lab", "web1").result()
    ended = stage.azure("undo", "web1", "--yes")
    assert ended.returncode == 3 and "written since" in said(ended)
    assert run["new_disk"].rsplit("/", 1)[1] in stage.left("disks") and stage.left("snapshots")


def test_a_disk_that_came_in_meanwhile_ends_the_run_and_leaves_the_machine_alone(stage: Stage) -> None:
    vm = stage.vm()
    stage.vm("spare", running=False)

    def hook(seen: Seen, moment: str) -> None:
        if moment == "after" and seen.action.endswith("snapshots/write") and vm.os_disk == OLD:
            put_in(stage, "spare")

    stage.double.on_call(hook)
    assert stage.azure("repair", "web1", "--yes").returncode == 3
    stage.double.on_call(lambda *_: None)
    assert vm.os_disk == "spare_OsDisk_1" and stage.double.leaks() == []
    [run] = Store().runs()
    assert (run.stage is RunStage.BACK and "left as it is" in run.reason) or "left as it was" in run.reason


def test_an_undo_that_is_refused_bars_no_confirm(stage: Stage) -> None:
    vm = stage.vm()
    stage.vm("spare", running=False)
    run = stage.done("repair", "web1", "--yes", "--wait", "60")["run"]
    put_in(stage, "spare")
    ended = stage.azure("undo", "web1", "--yes")
    assert ended.returncode == 3 and "--accept strange-disk" in said(ended)
    assert Store().runs()[0].stage is RunStage.DONE
    entry = vm.resource.properties["storageProfile"]["osDisk"]
    entry["managedDisk"]["id"], entry["name"] = run["new_disk"], run["new_disk"].rsplit("/", 1)[1]
    assert stage.done("confirm", "web1", "--yes")["run"]["stage"] == "confirmed"


def test_who_keeps_a_strange_disk_gets_rid_of_the_rest(stage: Stage) -> None:
    vm = stage.vm()
    stage.vm("spare", running=False)
    run = stage.done("repair", "web1", "--yes", "--wait", "60")["run"]
    stage.double.world.get(run["new_disk"]).shown.pop("managedBy", None)
    put_in(stage, "spare")
    assert stage.done("undo", "web1", "--yes", "--accept", "strange-disk")["run"]["stage"] == "back"
    assert vm.os_disk == "spare_OsDisk_1" and vm.power == "running" and stage.double.leaks() == []
    assert OLD in stage.double.names("disks")


def test_a_machine_whose_power_was_not_told_is_started_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from bootmend.clouds.azure import machines
    from bootmend.clouds.cloud import Power

    vm, power_of, asked = stage.vm(), machines.power_of, list[str]()

    def left_out_once(view: Any) -> Power:
        asked.append("")
        return Power.UNKNOWN if len(asked) == 1 else power_of(view)

    monkeypatch.setattr(machines, "power_of", left_out_once)
    assert stage.azure("repair", "web1", "--yes", "--accept", "not-this-one").returncode == 3
    assert vm.power == "running" and stage.double.leaks() == []


def test_a_start_that_is_refused_says_how_it_stands(stage: Stage) -> None:
    vm = stage.vm()
    refusal = Fault(action=f"{VM}/start/action", status=409, code="OperationNotAllowed", message="exceeding quota")
    stage.double.faults.add(refusal)
    ended = stage.azure("repair", "web1", "--yes", "--wait", "60")
    assert ended.returncode == 1 and "has its repaired disk and is off" in said(ended), said(ended)
    assert "nothing was written" not in said(ended) and "--resume" in said(ended)
    assert (vm.power, vm.os_disk == OLD) == ("deallocated", False)
    assert stage.done("repair", "web1", "--resume")["run"]["verdict"] == "healthy"


def test_no_room_for_a_start_waits(stage: Stage) -> None:
    stage.vm()
    stage.double.faults.add(no_capacity())
    ended = stage.azure("repair", "web1", "--yes", "--wait", "60")
    assert ended.returncode == 4 and "no room" in said(ended)
    assert stage.done("repair", "web1", "--resume")["run"]["verdict"] == "healthy"


@pytest.mark.parametrize("action", ["snapshots/write", f"{VM}/deallocate/action", "disks/write", f"{VM}/start/action"])
def test_somebody_elses_change_under_way_waits(stage: Stage, action: str) -> None:
    vm = stage.vm()
    stage.double.faults.add(Fault(action=f"*{action}", status=409, code="Conflict", message="another operation"))
    ended = stage.azure("repair", "web1", "--yes", "--wait", "60")
    assert ended.returncode == 4 and "Somebody else" in said(ended)
    assert stage.done("repair", "web1", "--resume")["run"]["verdict"] == "healthy"
    assert vm.phase == "ready"


@pytest.mark.parametrize("action", ["blob/write", "blob/read"])
def test_a_network_that_is_gone_for_a_while_waits(stage: Stage, action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from bootmend.disk import client

    monkeypatch.setattr(client.Patience.wait, "__defaults__", None, raising=False)
    monkeypatch.setattr(client.Client, "_rest", lambda *_: None)
    stage.vm()
    stage.double.faults.add(Fault(action=action, do="drop before", times=50))
    ended = stage.azure("repair", "web1", "--yes", "--wait", "60")
    assert ended.returncode == 4, said(ended)
    assert Store().runs()[0].stage is RunStage.OPEN
    stage.double.faults.clear()
    assert stage.done("repair", "web1", "--resume")["run"]["verdict"] == "healthy"
    assert open_links(stage.double) == []


def test_a_helper_that_cannot_be_removed_does_not_hide_what_was_done(stage: Stage) -> None:
    stage.vm()
    stage.double.faults.add(Fault(action=f"{VM}/delete", status=403, code="AuthorizationFailed", message="no"))
    ended = stage.azure("repair", "web1", "--yes", "--wait", "60", "--json")
    assert ended.returncode == 0 and "could not be taken away" in said(ended)
    assert json.loads(ended.stdout)["run"]["verdict"] == "healthy"
    assert stage.left("virtualMachines")
    stage.done("repair", "web1", "--resume")
    assert stage.left("virtualMachines") == []


def test_a_machine_that_others_changed_is_looked_at_anew_before_the_swap(stage: Stage) -> None:
    vm, changed = stage.vm(), list[str]()

    def hook(seen: Seen, moment: str) -> None:
        # Between the look and the change: somebody puts a tag on it.
        if moment == "before" and seen.method == "PUT" and seen.path.endswith("/web1") and len(changed) < 2:
            vm.resource.shown["etag"] = f'"{len(changed)}"'
            changed.append(seen.path)

    stage.double.on_call(hook)
    assert stage.done("repair", "web1", "--yes", "--wait", "60")["run"]["verdict"] == "healthy"
    assert len(changed) == 2


def test_who_may_not_assign_its_identity_swaps_the_disk_alone(stage: Stage) -> None:
    vm = stage.vm(identity="its-own")
    role = json.loads((Path(__file__).parents[3] / "docs" / "azure-role.json").read_text())["Actions"]
    stage.double.allow_only(role)
    assert stage.done("repair", "web1", "--yes", "--wait", "60")["run"]["verdict"] == "healthy"
    assert "its-own" in str(vm.resource.shown["identity"])
    [change] = [seen for seen in stage.double.calls if seen.method == "PATCH" and seen.path.endswith("/web1")]
    assert change.status == 200


@pytest.mark.parametrize("policy", ["DenyAll", "AllowPrivate"])
def test_a_closed_disk_has_closed_copies(stage: Stage, policy: str) -> None:
    closed = {"network_access_policy": policy, "public_network_access": "Disabled"}
    stage.vm(**closed, data_access_auth_mode="AzureActiveDirectory")
    stage.double.disk(OLD).shown["tags"] = {"costcenter": "7", "bootmend-old-disk": "of an earlier run"}
    run = stage.done("repair", "web1", "--yes", "--wait", "60")["run"]
    for made in (run["backup"], run["new_disk"]):
        resource = stage.double.world.get(made)
        shown = resource.properties
        assert (shown["networkAccessPolicy"], shown["publicNetworkAccess"]) == (policy, "Disabled")
        assert shown["dataAccessAuthMode"] == "AzureActiveDirectory"
        assert resource.shown["tags"]["costcenter"] == "7"
        assert resource.shown["tags"].get("bootmend-old-disk") != "of an earlier run"


def test_zone_redundant_disks_of_zonal_machines(stage: Stage) -> None:
    for name, zone in (("web1", "1"), ("web2", "1"), ("web3", "2")):
        stage.vm(name, sku="StandardSSD_ZRS", zone=zone)
    told = stage.rows("repair", "web1", "web2", "web3", "--yes", "--wait", "60")
    assert all(row["good"] for row in told.values()), told
    helpers = {seen.path.rsplit("/", 2)[1] for seen in stage.double.calls if "attachDetach" in seen.action}
    assert len(helpers) == 2 and stage.left("virtualMachines") == [] and stage.left("virtualNetworks") == []
    told = stage.rows("undo", "web1", "web2", "web3", "--yes")
    assert all(row["good"] and row["run"]["stage"] == "back" for row in told.values())
    assert stage.double.leaks() == []


def test_one_disk_that_cannot_be_attached_takes_no_other_along(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from bootmend.clouds.azure.helper_machine import HelperMachine

    for name in ("web1", "web2", "web3"):
        stage.vm(name)
    attach, refused = HelperMachine.attach, "unable to reach the key of its disk encryption set"

    def attached(machine: HelperMachine, disks: dict[str, int]) -> None:
        if any("/web2-" in disk and disk.endswith("repaired") for disk in disks):
            raise Refused(refused)
        attach(machine, disks)

    monkeypatch.setattr(HelperMachine, "attach", attached)
    told = stage.rows("repair", "web1", "web2", "web3", "--yes", "--wait", "60", code=1)
    stages = {name: row["run"]["stage"] for name, row in told.items()}
    assert stages == {"web1": "done", "web2": "back", "web3": "done"}
    assert refused in told["web2"]["error"]["told"]


def test_a_kept_helper_takes_as_many_disks_as_its_size_does(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from bootmend.clouds.azure.simulate import luns

    names = [f"web{number}" for number in range(2, 7)]
    for name in ("web1", *names):
        stage.vm(name)
    stage.done("repair", "web1", "--yes", "--wait", "60", "--keep-helper")
    monkeypatch.setattr(luns, "MOST_DATA_DISKS", 4)  # what a Standard_B2als_v2 takes
    told = stage.rows("repair", *names, "--yes", "--wait", "60")
    assert all(row["good"] for row in told.values()), told


def test_a_helper_bears_twenty_five_commands(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from bootmend.clouds.azure import batch

    names = [f"web{number}" for number in range(1, 7)]
    for name in names:
        stage.vm(name)
    monkeypatch.setattr(batch, "_MOST_COMMANDS", 2)
    told = stage.rows("repair", *names, "--yes", "--wait", "60", "--helper-disks", "2")
    assert all(row["good"] for row in told.values()), told
    kinds = [seen.method for seen in stage.double.calls if "runCommands/" in seen.action and not seen.polling]
    assert kinds.count("PUT") == 6 and kinds.count("DELETE") == 4


def test_one_begun_direct_is_not_resumed_by_a_helper(stage: Stage) -> None:
    class Broken(Patching):
        def check(self, *_: object) -> list[tuple[str, str]]:
            raise KeyboardInterrupt

    cloud, store = azure_cloud(stage.double), Store()
    for name in ("web1", "web2"):
        stage.vm(name)
        run = begin(cloud, store, cloud.find(name), "direct", {"start": True})
        with pytest.raises(KeyboardInterrupt):
            Flow(cloud, store, run, Broken(cloud), HASTY).go()
    told = stage.azure("repair", "web1", "web2", "--resume", "--json")
    assert told.returncode == 2 and "--how direct" in said(told) + told.stdout.decode()


def test_a_newer_repair_is_the_one_that_is_told_of(stage: Stage) -> None:
    for name in ("web1", "web2"):
        stage.vm(name)
    stage.rows("repair", "web1", "web2", "--yes", "--wait", "60")
    stage.rows("undo", "web1", "web2", "--yes")
    stage.done("repair", "web1", "--yes", "--wait", "60")
    told = stage.azure("repair", "web1", "web2", "--resume", "--json")
    rows = {row["name"]: row for row in json.loads(told.stdout)["machines"]}
    assert rows["web1"]["error"]["code"] == 4 and rows["web1"]["run"] is None


def test_a_fault_of_our_own_takes_everything_back_too(stage: Stage) -> None:
    vm = stage.vm()
    cloud, store = azure_cloud(stage.double), Store()

    def fault() -> None:
        raise ZeroDivisionError

    run = begin(cloud, store, cloud.find("web1"), "direct", {"start": True})
    with pytest.raises(ZeroDivisionError):
        Flow(cloud, store, run, Patching(cloud, fail=fault), HASTY).go()
    assert (run.stage, vm.power, vm.os_disk, stage.double.leaks()) == (RunStage.BACK, "running", OLD, [])


def test_a_plan_that_is_declined_goes_back(stage: Stage) -> None:
    vm = stage.vm()
    cloud, store = azure_cloud(stage.double), Store()
    run = begin(cloud, store, cloud.find("web1"), "direct", {"start": True})
    flow = Flow(cloud, store, run, Patching(cloud), HASTY, agreed=False)
    flow.go()
    assert flow.waits and run.stage is RunStage.OPEN and vm.os_disk == OLD and stage.left("disks")
    flow.decline()
    assert (run.stage, vm.power, stage.double.leaks()) == (RunStage.BACK, "running", [])
    run = begin(cloud, store, cloud.find("web1"), "direct", {"start": True})
    flow = Flow(cloud, store, run, Patching(cloud), HASTY, agreed=False)
    flow.go()
    flow.agreed = True
    assert flow.go().verdict == "healthy" and not flow.waits


@pytest.mark.parametrize(
    "words",
    [
        ("--wait", "nan"),
        ("--wait", "0.5"),
        ("--wait", "-3"),
        ("--wait", "100000"),
        ("--helper-disks", "1"),
        ("--helper-subnet", "nonsense"),
        ("--tag", "nonsense"),
    ],
)
def test_wrong_words_are_found_before_anything_is_asked(stage: Stage, words: tuple[str, str]) -> None:
    stage.vm()
    assert stage.azure("repair", "web1", "--yes", *words).returncode == 2
    assert stage.double.calls == []


def test_the_words_of_az(stage: Stage) -> None:
    stage.vm()
    machine = azure_cloud(stage.double).find("web1").id
    for words in (("-n", "web1", "-g", "lab"), ("--name=web1",), ("--ids", machine), (f"--ids={machine}",)):
        told = stage.azure("status", *words, "-o", "json")
        assert told.returncode == 0 and json.loads(told.stdout)["machine"]["name"] == "web1"
    assert stage.azure("list", "--output", "yaml").returncode == 2
    assert stage.azure("status", "-n").returncode == 2


@pytest.mark.parametrize("odd", [{"properties": None}, {"properties": 5}, {}, {"id": None}])
def test_odd_locks_are_no_fault_of_ours(stage: Stage, odd: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from bootmend.clouds.azure import guards

    stage.vm()
    monkeypatch.setattr(guards, "_locks", lambda *_: [odd])
    assert stage.azure("repair", "web1", "--yes", "--wait", "60").returncode == 0


def test_of_a_long_log_the_end_is_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from bootmend.clouds.azure import screen

    stage.vm(boot_diagnostics=True).boots_when({"kind": "always", "state": "ready"})
    cloud = azure_cloud(stage.double)
    machine = cloud.find("web1").id
    cloud.stop(machine)
    cloud.start(machine)
    stage.double.skip(120)
    whole = cloud.look(machine).serial
    assert whole and len(whole) > 90
    monkeypatch.setattr(screen, "_MOST_LOG", 64)
    seen = cloud.look(machine)
    assert seen.serial == whole[-64:] and seen.serial_size == len(whole) and seen.unseen == ()


@pytest.mark.parametrize("names", [["web1"], ["web1", "web2"]])
def test_donors_come_to_the_helper(stage: Stage, names: list[str], tmp_path: Path) -> None:
    for name in names:
        stage.vm(name)
    donor = tmp_path / "donor" / "amd64_x_31bf3856ad364e35_10.0.20348.2227_none_1234567890abcdef"
    donor.mkdir(parents=True)
    (donor / "good.sys").write_bytes(b"a driver")
    seen: list[str] = []
    program = REPAIR.replace(
        "words = sys.argv[1:]\n",
        "words = sys.argv[1:]\nif '--donor' in words:\n    import pathlib\n"
        "    folder = pathlib.Path(words[words.index('--donor') + 1])\n"
        "    words += [f'{one.parent.name}={one.read_text()}' for one in folder.rglob('*.sys')]\n",
    )
    write_program(stage.folder, program)
    words = ("repair", *names, "--yes", "--wait", "60", "--donor", str(donor.parent))
    results = (
        [row["result"] for row in stage.rows(*words).values()] if len(names) > 1 else [stage.done(*words)["result"]]
    )
    for result in results:
        seen.append(result["words"][-1])
    assert seen == ["amd64_donor_31bf3856ad364e35_10.0.20348.2227_none_0000000000000000=a driver"] * len(names)


@pytest.mark.parametrize("how", ["direct", "helper"])
@pytest.mark.parametrize("answers", [[False], [True, False], [True, True]])
def test_two_questions_are_asked(stage: Stage, how: str, answers: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    import typer

    if how == "direct":
        monkeypatch.setattr("bootmend.clouds.mending.Here", lambda cloud, *_: Patching(cloud))
    vm, waiting = stage.vm(), list(answers)
    asked: list[tuple[str, str, str]] = []

    def answer(question: str, **_: object) -> bool:
        asked.append((question, vm.power, vm.os_disk))
        return waiting.pop(0)

    for module in ("repair", "session"):
        name = f"bootmend.cli.azure.{module}"
        monkeypatch.setattr(import_module(name), "need_somebody", lambda _: None)
    monkeypatch.setattr(typer, "confirm", answer)
    ended = stage.azure("repair", "web1", "--how", how, "--wait", "60")
    # The first one before anything is done, the second one before the disk is put in place.
    assert [power for _, power, _ in asked] == ["running", "deallocated"][: len(answers)]
    assert all(disk == OLD for _, _, disk in asked) and waiting == []
    if all(answers):
        assert ended.returncode == 0 and vm.os_disk != OLD
    else:
        assert ended.returncode == 1 and (vm.os_disk, vm.power) == (OLD, "running") and stage.double.leaks() == []
        assert ("eight bytes are wrong" in ended.stdout.decode()) == (how == "helper" and len(answers) == 2)


def test_a_resume_that_nobody_can_agree_to_does_nothing(stage: Stage) -> None:
    vm = stage.vm()
    stage.killed_at("runCommands/write", "repair", "web1", "--yes")
    [run] = Store().runs()
    run.options["yes"] = False
    Store().save(run)
    before = len(stage.double.calls)
    ended = stage.azure("repair", "web1", "--resume")
    assert ended.returncode == 3 and "--yes" in said(ended)
    assert stage.changes_since(before) == [] and Store().runs()[0].stage is RunStage.OPEN
    assert stage.done("repair", "web1", "--resume", "--yes")["run"]["verdict"] == "healthy"
    assert vm.phase == "ready"
