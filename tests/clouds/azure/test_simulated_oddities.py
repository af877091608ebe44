"""Machines unlike the plain one: what the double refuses on them, and many machines at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.compute import models
from azure.storage.blob import BlobClient
from azure_double import SIZE, compute, disk_file

from bootmend.clouds.azure.simulate.double import Double


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as one:
        yield one


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return disk_file(tmp_path / "disk.vhd")


def copy_of(client: Any, name: str, **more: Any) -> Any:
    """A copy of that machine's OS disk, by way of a disk resource; `more` is of the disk itself."""
    source = client.disks.get("lab", f"{name}_OsDisk_1").id
    creation = models.CreationData(create_option="Copy", source_resource_id=source)
    wanted = models.Disk(location="westeurope", properties=models.DiskProperties(creation_data=creation), **more)
    return client.disks.begin_create_or_update("lab", f"{name}-copy", wanted).result()


def swap(client: Any, name: str, disk: Any) -> None:
    vm = client.virtual_machines.get("lab", name)
    vm.storage_profile.os_disk.managed_disk.id = disk.id
    vm.storage_profile.os_disk.name = disk.name
    client.virtual_machines.begin_create_or_update("lab", name, vm).result()


def test_a_disk_has_to_be_in_the_zone(double: Double, disk: Path) -> None:
    double.add_vm("web1", disk=disk, zone="2", running=False)
    client = compute(double)
    with pytest.raises(HttpResponseError, match="not in zone '2'"):
        swap(client, "web1", copy_of(client, "web1"))
    client.disks.begin_delete("lab", "web1-copy").result()
    swap(client, "web1", copy_of(client, "web1", zones=["2"]))


def test_an_uploaded_disk_does_not_suit_trusted_launch(double: Double, disk: Path) -> None:
    double.add_vm("web1", disk=disk, security_type="TrustedLaunch", running=False)
    client = compute(double)
    made = copy_of(client, "web1")
    assert made.security_profile.security_type == "TrustedLaunch"
    swap(client, "web1", made)
    settings = models.DiskProperties(
        creation_data=models.CreationData(create_option="Upload", upload_size_bytes=SIZE + 512),
        os_type="Windows",
        hyper_v_generation="V2",
    )
    wanted = models.Disk(location="westeurope", properties=settings)
    upload = client.disks.begin_create_or_update("lab", "upload", wanted).result()
    link = _link(client, "upload", "Write")
    link.upload_page(_footer(), offset=SIZE, length=512)
    client.disks.begin_revoke_access("lab", "upload").result()
    with pytest.raises(HttpResponseError, match="security type"):
        swap(client, "web1", upload)


def test_an_ephemeral_disk_stays_where_it_is(double: Double, disk: Path) -> None:
    double.add_vm("web1", disk=disk, ephemeral=True)
    with pytest.raises(HttpResponseError, match="ephemeral"):
        compute(double).virtual_machines.begin_deallocate("lab", "web1")


@pytest.mark.parametrize(
    "closed",
    [
        {"network_access_policy": "AllowPrivate"},
        {"public_network_access": "Disabled"},
        {"data_access_auth_mode": "AzureActiveDirectory"},
    ],
    ids=str,
)
def test_a_link_to_a_closed_disk_is_of_no_use_from_here(double: Double, disk: Path, closed: dict[str, Any]) -> None:
    double.add_vm("web1", disk=disk, running=False, **closed)
    with pytest.raises(HttpResponseError, match="AuthorizationFailure"):
        _link(compute(double), "web1_OsDisk_1", "Read").get_blob_properties()


def test_a_disk_that_denies_all_gives_no_link(double: Double, disk: Path) -> None:
    double.add_vm("web1", disk=disk, running=False, network_access_policy="DenyAll")
    with pytest.raises(HttpResponseError, match="DenyAll"):
        _link(compute(double), "web1_OsDisk_1", "Read")


def test_a_link_lives_sixty_days_at_most(double: Double, disk: Path) -> None:
    double.add_vm("web1", disk=disk, running=False)
    grant = models.GrantAccessData(access="Read", duration_in_seconds=60 * 86400 + 1)
    with pytest.raises(HttpResponseError, match="durationInSeconds"):
        compute(double).disks.begin_grant_access("lab", "web1_OsDisk_1", grant)


def test_an_oddity_that_is_none_is_a_mistake_of_the_test(double: Double, disk: Path) -> None:
    with pytest.raises(KeyError):
        double.add_vm("web1", disk=disk, colour="red")


def test_many_machines_are_listed_in_pages(double: Double, disk: Path) -> None:
    for number in range(120):
        double.add_vm(f"vm{number}", disk=disk)
    client = compute(double)
    assert len(list(client.virtual_machines.list_all())) == 120
    assert len({one.name for one in client.disks.list_by_resource_group("lab")}) == 120
    assert len([seen for seen in double.calls if seen.action.endswith("virtualMachines/read")]) == 3


def _link(client: Any, disk: str, access: str) -> Any:
    grant = models.GrantAccessData(access=access, duration_in_seconds=600)
    return BlobClient.from_blob_url(client.disks.begin_grant_access("lab", disk, grant).result().access_sas)


def _footer() -> bytes:
    return b"conectix".ljust(512, b"\0")
