"""What others do to a machine, its disks and their tags while a repair of it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from azure_stage import azure_cloud, double_with_machines
from cloud_stage import Patching, run_flow

from bootmend.clouds.azure.cloud import AzureCloud
from bootmend.clouds.azure.machines import as_machine, disk_id, os_disk_of
from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.naming import MACHINE, OLD_DISK, REPAIRED, ROLE, RUN, is_named_for, name_of
from bootmend.clouds.run import Run, Stage, Store
from bootmend.clouds.standing import standing
from bootmend.clouds.way_back import confirm, go_back
from bootmend.errors import Misuse, Refused

UNSEEN = {"boot_diagnostics": False}


def somebodys_disk(cloud: AzureCloud, name: str, tags: dict[str, str]) -> str:
    """A copy of web2's disk that no run made."""
    other = cloud.find("web2").disk
    with cloud.reading(other):
        return cloud.disk_with(name, other, [], tags)


def test_a_copy_that_carries_the_tags_is_not_removed(tmp_path: Path) -> None:
    with double_with_machines(tmp_path, **UNSEEN) as double:
        cloud, store = azure_cloud(double), Store(tmp_path / "state")
        run = run_flow(cloud, store, "web1", Patching(cloud))
        # A backup that somebody restored: it has the tags of the repaired disk.
        restored = somebodys_disk(cloud, "restored", {RUN: run.id, MACHINE: run.machine, ROLE: REPAIRED})
        confirm(cloud, store, run)
        assert cloud.has_disk(restored)
        assert not cloud.has_disk(run.old_disk)


def test_a_run_in_a_tag_that_is_none_names_no_file(tmp_path: Path) -> None:
    with double_with_machines(tmp_path, **UNSEEN) as double:
        cloud, store = azure_cloud(double), Store(tmp_path / "state")
        machine = cloud.find("web1")
        tags = {RUN: "../../outside", MACHINE: machine.id, ROLE: REPAIRED}
        somebodys_disk(cloud, "web1-bootmend-x-repaired", tags)
        assert cloud.things(machine) == []
        assert standing(cloud, store, machine) is None


def test_a_name_tells_whose_it_is() -> None:
    run = "20260102-030405-a1b2c3"
    assert is_named_for(name_of("/x/web 1", run, REPAIRED).upper(), run, REPAIRED)
    assert not is_named_for(f"web1-bootmend-{run}-backup", run, REPAIRED)
    assert not is_named_for("web1-bootmend-../x-repaired", "../x", REPAIRED)


def repaired_elsewhere(double: Double, folder: Path) -> tuple[AzureCloud, Store, Run]:
    """A run of another computer, as this one knows it by its tags."""
    cloud = azure_cloud(double)
    run = run_flow(cloud, Store(folder / "elsewhere"), "web1", Patching(cloud))
    return cloud, Store(folder / "here"), run


def test_which_disk_is_the_old_one_the_backup_tells_and_not_a_tag(tmp_path: Path) -> None:
    with double_with_machines(tmp_path, **UNSEEN) as double:
        cloud, store, run = repaired_elsewhere(double, tmp_path)
        precious = somebodys_disk(cloud, "precious", {})
        for resource in double.world.made_by_calls():
            if RUN in resource.shown.get("tags", {}):
                resource.shown["tags"][OLD_DISK] = precious
        found = standing(cloud, store, cloud.find("web1"))
        assert found is not None and found.old_disk.lower() == run.old_disk.lower()
        confirm(cloud, store, found)
        assert cloud.has_disk(precious)


def test_an_undo_after_a_confirm_elsewhere_stops_nothing(tmp_path: Path) -> None:
    with double_with_machines(tmp_path, **UNSEEN) as double:
        cloud, store, run = repaired_elsewhere(double, tmp_path)
        found = standing(cloud, store, cloud.find("web1"))
        assert found is not None
        confirm(cloud, store, found)
        with pytest.raises(Refused, match="nothing to go back to"):
            go_back(cloud, Store(tmp_path / "elsewhere"), run)
        assert double.vm("web1").power == "running"
        assert run.stage is Stage.DONE


def test_an_old_disk_that_somebody_reads_can_be_put_back(tmp_path: Path) -> None:
    with double_with_machines(tmp_path, **UNSEEN) as double:
        cloud, store = azure_cloud(double), Store(tmp_path / "state")
        run = run_flow(cloud, store, "web1", Patching(cloud))
        cloud.disks.grant(disk_id(run.old_disk), "Read", 3600)
        go_back(cloud, store, run)
        assert cloud.find("web1").disk == run.old_disk
        assert double.vm("web1").power == "running"
        assert double.leaks() == []


def test_a_disk_that_came_in_meanwhile_is_not_swapped_out(tmp_path: Path) -> None:
    with double_with_machines(tmp_path, **UNSEEN) as double:
        cloud, store = azure_cloud(double), Store(tmp_path / "state")
        made = somebodys_disk(cloud, "somebodys", {})
        machine = cloud.find("web1").id
        with pytest.raises(Refused, match="neither"):
            run_flow(cloud, store, "web1", Patching(cloud, fail=lambda: cloud.swap(machine, made)))
        assert cloud.find("web1").disk == made


def test_one_without_a_managed_disk_does_not_spoil_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with double_with_machines(tmp_path, **UNSEEN) as double:
        cloud = azure_cloud(double)
        client = cloud.connection.client.virtual_machines
        found = list(client.list("lab"))
        odd = os_disk_of(found[0])
        assert odd is not None
        odd.managed_disk = None
        monkeypatch.setattr(client, "list", lambda *_, **__: found)
        assert {one.machine.name: bool(one.machine.disk) for one in cloud.machines()} == {"web1": False, "web2": True}
        with pytest.raises(Refused, match="no managed disk"):
            as_machine(found[0])


@pytest.mark.parametrize(("name", "group"), [("web9/../web1", "lab"), ("../web1", "lab"), ("web1", "x/../lab")])
def test_a_name_with_a_slash_leads_nowhere(name: str, group: str, tmp_path: Path) -> None:
    with double_with_machines(tmp_path) as double, pytest.raises(Misuse, match="not the id"):
        azure_cloud(double, group).find(name)
