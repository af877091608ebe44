"""The way by a helper, on the double: scripts really run there, on the disks that were attached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.rest import HttpRequest
from azure_stage import azure_cloud, double_with_machines, file_of
from cloud_stage import GOOD, PLACE, content_hash
from helper_program import helper_flow, write_program
from killed_client import killed_after

from bootmend.clouds.azure.helper import Helper, Orders
from bootmend.clouds.azure.helper_machine import HelperMachine, Wanted
from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.flow import begin
from bootmend.clouds.mending import Mended, Outcome
from bootmend.clouds.naming import BUSY, FREE
from bootmend.clouds.run import Stage, Store
from bootmend.clouds.way_back import go_back
from bootmend.errors import BootmendError, CloudAway, InputError, Misuse, Refused

VM = "Microsoft.Compute/virtualMachines"


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_program(tmp_path)
    monkeypatch.setattr("bootmend.clouds.azure.helper.portable", lambda: archive)
    monkeypatch.setattr("bootmend.clouds.azure.helper.processor", lambda: "x86_64")


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    folder = tmp_path / "disks"
    folder.mkdir()
    with double_with_machines(folder, boot_diagnostics=False) as one:
        yield one


def test_a_repair_by_a_helper(double: Double, tmp_path: Path) -> None:
    cloud, store = azure_cloud(double), Store(tmp_path / "state")
    old = cloud.find("web1").disk
    before = content_hash(file_of(double, old))
    run = helper_flow(cloud, store)
    assert (run.stage, run.verdict, run.outcome) == (Stage.DONE, "healthy", "repaired"), run
    assert double.vm("web1").phase == "ready"
    assert content_hash(file_of(double, old)) == before
    # The helper, its disk and its network are gone, and so is the parcel.
    assert sorted(name.split("/")[0] for name in double.leaks()) == ["disks", "snapshots"]
    document = store.result(run)
    assert document is not None and document["words"][2:5] == ["--yes", "--json", "--trust"]
    assert not any(seen.action.startswith("Microsoft.Network/publicIP") for seen in double.calls)
    go_back(cloud, store, run)
    assert double.leaks() == [] and cloud.find("web1").disk == old


def test_a_helper_that_is_there_is_used_and_stays(double: Double, tmp_path: Path) -> None:
    cloud, store = azure_cloud(double), Store(tmp_path / "state")
    run = helper_flow(cloud, store, keep=True, tags=(("costcenter", "7"),))
    assert any(name.startswith("virtualMachines/bootmend-helper") for name in double.leaks())
    vm = double.vm("bootmend-helper-westeurope")
    assert vm.resource.shown["tags"] == {"costcenter": "7", "bootmend-role": "helper", BUSY: FREE}
    made = [
        seen for seen in double.calls if seen.method == "PUT" and seen.action == f"{VM}/write" and "helper" in seen.path
    ]
    go_back(cloud, store, run)
    helper_flow(cloud, store, keep=True)
    again = [
        seen for seen in double.calls if seen.method == "PUT" and seen.action == f"{VM}/write" and "helper" in seen.path
    ]
    assert len(made) == len(again) == 1


def test_in_a_given_subnet_no_network_is_made_or_removed(double: Double, tmp_path: Path) -> None:
    cloud, store = azure_cloud(double), Store(tmp_path / "state")
    path = f"/subscriptions/{double.subscription}/resourceGroups/lab/providers/Microsoft.Network/virtualNetworks/theirs"
    subnets = [{"name": "inside", "properties": {"addressPrefix": "10.9.0.0/24"}}]
    properties = {"addressSpace": {"addressPrefixes": ["10.9.0.0/24"]}, "subnets": subnets}
    body = {"location": "westeurope", "properties": properties}
    request = HttpRequest("PUT", f"{path}?api-version=2024-05-01", json=body)
    cloud.connection.client.send_request(request).raise_for_status()
    before = len(double.calls)
    run = helper_flow(cloud, store, subnet=f"{path}/subnets/inside")
    assert run.verdict == "healthy"
    networks = "Microsoft.Network/virtualNetworks/"
    asked = {seen.action for seen in double.calls[before:] if seen.action.startswith(networks)}
    assert not asked & {f"{networks}write", f"{networks}delete"}
    assert not any(name.startswith("virtualMachines/") for name in double.leaks())


def test_a_helper_that_still_holds_the_disks_goes_too(
    double: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud, store = azure_cloud(double), Store(tmp_path / "state")

    def lost(*_: object, **__: object) -> None:
        raise CloudAway("no network")

    with monkeypatch.context() as without, pytest.raises(CloudAway):
        without.setattr(HelperMachine, "run", lost)
        without.setattr(HelperMachine, "detach_if_there", lost)
        helper_flow(cloud, store)
    assert any(name.startswith("virtualMachines/") for name in double.leaks())
    [run] = store.runs()
    go_back(cloud, store, run)
    assert double.leaks() == []
    assert double.vm("web1").power == "running"


def test_trusted_launch_goes_by_a_helper(tmp_path: Path) -> None:
    folder = tmp_path / "disks"
    folder.mkdir()
    with double_with_machines(folder, boot_diagnostics=False, security_type="TrustedLaunch", zone="2") as double:
        cloud, store = azure_cloud(double), Store(tmp_path / "state")
        run = helper_flow(cloud, store)
        assert run.verdict == "healthy"
        made = double.world.get(run.new_disk)
        assert made.properties["securityProfile"]["securityType"] == "TrustedLaunch" and made.shown["zones"] == ["2"]


def test_two_machines_share_one_helper_and_one_parcel(double: Double, tmp_path: Path) -> None:
    cloud, store = azure_cloud(double), Store(tmp_path / "state")
    way = Helper(cloud, store, Wanted(), Orders())
    runs = []
    for name, accept in (("web1", []), ("web2", ["not-this-one"])):
        machine = cloud.find(name)
        run = begin(cloud, store, machine, "helper", {"accept": accept})
        cloud.stop(machine.id)
        run.backup = cloud.snapshot(machine.disk, f"{name}-snap", {})
        way.prepare(run, lambda _: None)
        runs.append(run)
    good, refused = way.mend_all(runs, lambda _: None)
    assert isinstance(good, Mended) and good.outcome is Outcome.REPAIRED
    with file_of(double, good.disk).open("rb") as file:
        file.seek(PLACE)
        assert file.read(len(GOOD)) == GOOD
    assert isinstance(refused, Refused) and "not this one" in str(refused)
    batches = [seen for seen in double.calls if "attachDetach" in seen.action]
    assert len(batches) == 2
    with pytest.raises(Misuse, match="too many"):
        way.mend_all(runs * 2, lambda _: None)


def test_a_helper_that_gives_nothing_back_is_told(double: Double, tmp_path: Path) -> None:
    (tmp_path / "program.tar.gz").write_bytes(b"no archive")
    cloud, store = azure_cloud(double), Store(tmp_path / "state")
    with pytest.raises(InputError, match="gave no results"):
        helper_flow(cloud, store)
    assert double.leaks() == [] and double.vm("web1").power == "running"


def test_a_refusal_on_the_helper_is_a_refusal_here(double: Double, tmp_path: Path) -> None:
    cloud, store = azure_cloud(double), Store(tmp_path / "state")
    machine = cloud.find("web1")
    begin(cloud, store, machine, "helper", {"accept": ["not-this-one"]})
    with pytest.raises(Refused, match="not this one"):
        helper_flow(cloud, store)
    assert double.leaks() == []


def test_a_machine_of_that_name_that_is_not_ours_is_left_alone(double: Double, tmp_path: Path) -> None:
    double.add_vm("bootmend-helper-westeurope", disk=tmp_path / "disks" / "web2.raw")
    cloud, store = azure_cloud(double), Store(tmp_path / "state")
    with pytest.raises(BootmendError, match="not bootmend's"):
        helper_flow(cloud, store, keep=True)
    assert double.leaks() == []
    assert helper_flow(cloud, store).verdict == "healthy"  # by one of its own
    vm = double.vm("bootmend-helper-westeurope")
    assert (vm.power, vm.resource.shown.get("tags")) == ("running", None)


@pytest.mark.parametrize("number", (4, 9, 10, 12, 18))
def test_killed_on_the_way_by_a_helper_and_resumed(number: int, tmp_path: Path) -> None:
    end = killed_after(number, tmp_path, helper_flow, helper_flow)
    assert end.killed and end.run is not None and end.run.stage is Stage.DONE, end
    assert end.disk_boots and end.phase == "ready" and end.open_links == [], end
    assert len(end.disks) == 2 and len(end.snapshots) == 1 and end.other_disks == [], end
    once = (f"{VM}/deallocate/action", "Microsoft.Compute/snapshots/write")
    assert {action: end.done[action] for action in once} == dict.fromkeys(once, 1), end
