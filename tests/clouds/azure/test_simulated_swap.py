"""The double of Azure, driven by Microsoft's SDK: a machine's OS disk is read, repaired on a copy, and swapped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.mgmt.compute.models import (
    CreationData,
    Disk,
    DiskProperties,
    DiskSku,
    GrantAccessData,
    ManagedDiskParameters,
    OSDisk,
    Snapshot,
    SnapshotProperties,
    StorageProfile,
    VirtualMachineProperties,
    VirtualMachineUpdate,
)
from azure.storage.blob import BlobClient
from azure_double import MIB, SIZE, compute, disk_file

from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.azure.simulate.oracles import equal_ranges

RANGE = (2 * MIB, 4096)


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as one:
        yield one


@pytest.fixture
def client(double: Double, tmp_path: Path) -> Any:
    broken = disk_file(tmp_path / "broken.vhd", broken=True)
    healthy = disk_file(tmp_path / "healthy.vhd")
    double.add_vm("web1", disk=broken).boots_when(equal_ranges(healthy, [RANGE]))
    double.clock.skip(100)
    return compute(double)


def link(client: Any, disk: str, access: str = "Read") -> str:
    grant = GrantAccessData(access=access, duration_in_seconds=3600)
    return str(client.disks.begin_grant_access("lab", disk, grant).result().access_sas)


def test_a_machine_on_a_bad_disk_stops(client: Any) -> None:
    view = client.virtual_machines.instance_view("lab", "web1")
    assert [status.code for status in view.statuses] == ["ProvisioningState/succeeded", "PowerState/running"]
    assert view.vm_agent.statuses[0].display_status == "Not Ready"


def test_repaired_by_an_uploaded_disk_and_swapped(double: Double, client: Any, tmp_path: Path) -> None:
    vm = client.virtual_machines.get("lab", "web1")
    old = vm.storage_profile.os_disk.name
    client.virtual_machines.begin_deallocate("lab", "web1").result()
    assert client.disks.get("lab", old).disk_state == "Reserved"
    disk = client.disks.get("lab", old)
    snapshot = client.snapshots.begin_create_or_update(
        "lab",
        "backup",
        Snapshot(
            location=disk.location,
            properties=SnapshotProperties(
                incremental=True, creation_data=CreationData(create_option="Copy", source_resource_id=disk.id)
            ),
        ),
    ).result()
    assert snapshot.provisioning_state == "Succeeded"
    assert snapshot.completion_percent == 100

    source = link(client, old)
    assert client.disks.get("lab", old).disk_state == "ActiveSAS"
    made = client.disks.begin_create_or_update(
        "lab",
        "repaired",
        Disk(
            location=disk.location,
            sku=DiskSku(name="Premium_LRS"),
            properties=DiskProperties(
                os_type=disk.os_type,
                hyper_v_generation=disk.hyper_v_generation,
                creation_data=CreationData(create_option="Upload", upload_size_bytes=disk.disk_size_bytes + 512),
            ),
        ),
    ).result()
    assert made.disk_state == "ReadyToUpload"
    target = BlobClient.from_blob_url(link(client, "repaired", "Write"))
    ranges: Any = BlobClient.from_blob_url(source).list_page_ranges()
    for piece in ranges:
        length = piece.end - piece.start + 1
        target.upload_pages_from_url(source, offset=piece.start, length=length, source_offset=piece.start)
    target.upload_page(b"GOOD" * 1024, offset=RANGE[0], length=RANGE[1])
    for name in (old, "repaired"):
        client.disks.begin_revoke_access("lab", name).result()
    assert client.disks.get("lab", "repaired").disk_state == "Unattached"

    vm.storage_profile.os_disk.managed_disk.id = made.id
    vm.storage_profile.os_disk.name = made.name
    swapped = client.virtual_machines.begin_create_or_update("lab", "web1", vm).result()
    assert swapped.storage_profile.os_disk.managed_disk.id == made.id
    client.virtual_machines.begin_start("lab", "web1").result()
    double.clock.skip(100)
    assert client.virtual_machines.instance_view("lab", "web1").vm_agent.statuses[0].display_status == "Ready"
    assert (tmp_path / "broken.vhd").read_bytes()[RANGE[0] :][:4] == b"BAD "


def test_the_blob_of_a_disk_is_its_bytes_and_a_footer(client: Any, tmp_path: Path) -> None:
    client.virtual_machines.begin_deallocate("lab", "web1").result()
    blob: Any = BlobClient.from_blob_url(link(client, "web1_OsDisk_1"))
    data = blob.download_blob().readall()
    assert len(data) == SIZE + 512
    assert data[:SIZE] == (tmp_path / "broken.vhd").read_bytes()[:SIZE]
    assert data[SIZE:].startswith(b"conectix")
    assert [(one.start, one.end + 1) for one in blob.list_page_ranges()] == [
        (0, 4096),
        (2 * MIB, 2 * MIB + 4096),
        (SIZE, SIZE + 512),
    ]


def test_what_runs_or_is_linked_is_not_swapped_or_started(client: Any) -> None:
    with pytest.raises(HttpResponseError, match="currently attached to running VM"):
        link(client, "web1_OsDisk_1")
    client.virtual_machines.begin_deallocate("lab", "web1").result()
    link(client, "web1_OsDisk_1")
    with pytest.raises(HttpResponseError, match="active shared access signature"):
        client.virtual_machines.begin_start("lab", "web1").result()
    client.disks.begin_revoke_access("lab", "web1_OsDisk_1").result()
    client.virtual_machines.begin_start("lab", "web1").result()


def test_a_swap_by_name_alone_is_refused(client: Any) -> None:
    vm = client.virtual_machines.get("lab", "web1")
    vm.storage_profile.os_disk.name = "other"
    with pytest.raises(HttpResponseError) as refused:
        client.virtual_machines.begin_create_or_update("lab", "web1", vm)
    assert refused.value.error is not None
    assert refused.value.error.code == "PropertyChangeNotAllowed"


def copy_of_the_disk(client: Any) -> Any:
    source = client.disks.get("lab", "web1_OsDisk_1").id
    creation = CreationData(create_option="Copy", source_resource_id=source)
    wanted = Disk(location="westeurope", properties=DiskProperties(creation_data=creation))
    return client.disks.begin_create_or_update("lab", "copy", wanted).result()


def test_a_swap_by_patch_and_back(double: Double, client: Any) -> None:
    client.virtual_machines.begin_deallocate("lab", "web1").result()
    new = copy_of_the_disk(client)
    for disk in (new, client.disks.get("lab", "web1_OsDisk_1")):
        change = VirtualMachineUpdate(
            properties=VirtualMachineProperties(
                storage_profile=StorageProfile(
                    os_disk=OSDisk(
                        create_option="FromImage", name=disk.name, managed_disk=ManagedDiskParameters(id=disk.id)
                    )
                )
            )
        )
        client.virtual_machines.begin_update("lab", "web1", change).result()
        assert double.vm("web1").os_disk == disk.name
        assert client.disks.get("lab", disk.name).disk_state == "Reserved"
    assert client.disks.get("lab", "copy").managed_by is None
    assert client.virtual_machines.get("lab", "web1").hardware_profile.vm_size == "Standard_D2s_v5"


def test_a_swap_of_a_machine_that_changed_meanwhile_is_refused(client: Any) -> None:
    client.virtual_machines.begin_deallocate("lab", "web1").result()
    vm = client.virtual_machines.get("lab", "web1")
    unchanged = {"etag": vm.etag, "match_condition": MatchConditions.IfNotModified}
    client.virtual_machines.begin_create_or_update("lab", "web1", vm, **unchanged).result()
    with pytest.raises(HttpResponseError) as refused:
        client.virtual_machines.begin_create_or_update("lab", "web1", vm, **unchanged)
    assert refused.value.status_code == 412


def test_one_change_of_a_machine_at_a_time(tmp_path: Path) -> None:
    with Double(pace=0.001) as double:
        double.add_vm("web1", disk=disk_file(tmp_path / "disk.vhd"))
        client = compute(double)
        client.virtual_machines.begin_deallocate("lab", "web1", polling=False)
        assert double.vm("web1").power == "deallocating"
        assert client.virtual_machines.get("lab", "web1").provisioning_state == "Updating"
        with pytest.raises(HttpResponseError, match="in progress"):
            client.virtual_machines.begin_start("lab", "web1")
        with pytest.raises(HttpResponseError, match="running VM"):
            link(client, "web1_OsDisk_1")


def test_a_restart_boots_what_is_on_the_disk_now(double: Double, client: Any, tmp_path: Path) -> None:
    healthy = disk_file(tmp_path / "good.vhd")
    machine = double.add_vm("web2", disk=healthy, boots=equal_ranges(healthy, [RANGE]))
    client.virtual_machines.begin_restart("lab", "web2").result()
    double.skip(100)
    assert machine.phase == "ready"
    client.virtual_machines.begin_power_off("lab", "web2").result()
    assert machine.power == "stopped"
    with pytest.raises(HttpResponseError, match="not running"):
        client.virtual_machines.begin_restart("lab", "web2")
