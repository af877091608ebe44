"""Random calls at random moments: the double never fails itself, and what it holds stays consistent."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.compute import ComputeManagementClient, models
from azure_double import disk_file

from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.azure.simulate.ids import DISK, VM
from bootmend.clouds.azure.simulate.signin import FakeCredential

VMS = ("a", "b")
DISKS = ("a_OsDisk_1", "b_OsDisk_1", "x", "y")
STEPS = 150
ALLOWED = {"deallocated": ("Reserved", "ActiveSAS"), "running": ("Attached",), "stopped": ("Attached",)}
"""States of a disk by the power of its machine, but for moments of change."""


class Player:
    """Makes calls and waits for none of them."""

    def __init__(self, double: Double, seed: int) -> None:
        self.random = random.Random(seed)
        self.double = double
        self.client: Any = ComputeManagementClient(
            FakeCredential(),
            double.subscription,
            base_url=double.url,
            authentication_policy=SansIOHTTPPolicy(),
            retry_total=0,
        )
        self.done = 0

    def step(self) -> None:
        act = self.random.choice(
            [self.power, self.make_disk, self.drop_disk, self.swap, self.attach, self.link, self.unlink, self.wait]
        )
        try:
            act()
            self.done += 1
        except ResourceNotFoundError:
            pass
        except HttpResponseError as refused:
            assert refused.status_code in (400, 409), refused

    def power(self) -> None:
        act = self.random.choice(["deallocate", "start", "restart", "power_off"])
        getattr(self.client.virtual_machines, f"begin_{act}")("lab", self.random.choice(VMS), polling=False)

    def make_disk(self) -> None:
        source = self.client.disks.get("lab", self.random.choice(DISKS)).id
        creation = models.CreationData(create_option="Copy", source_resource_id=source)
        disk = models.Disk(location="westeurope", properties=models.DiskProperties(creation_data=creation))
        self.client.disks.begin_create_or_update("lab", self.random.choice(DISKS[2:]), disk, polling=False)

    def drop_disk(self) -> None:
        self.client.disks.begin_delete("lab", self.random.choice(DISKS[2:]), polling=False)

    def swap(self) -> None:
        name = self.random.choice(VMS)
        disk = self.client.disks.get("lab", self.random.choice(DISKS))
        vm = self.client.virtual_machines.get("lab", name)
        vm.storage_profile.os_disk.managed_disk.id = disk.id
        vm.storage_profile.os_disk.name = disk.name
        self.client.virtual_machines.begin_create_or_update("lab", name, vm, polling=False)

    def attach(self) -> None:
        one = self.client.disks.get("lab", self.random.choice(DISKS)).id
        request = models.AttachDetachDataDisksRequest(
            data_disks_to_attach=[models.DataDisksToAttach(disk_id=one)] if self.random.random() < 0.6 else None,
            data_disks_to_detach=[models.DataDisksToDetach(disk_id=one)] if self.random.random() < 0.6 else None,
        )
        self.client.virtual_machines.begin_attach_detach_data_disks(
            "lab", self.random.choice(VMS), request, polling=False
        )

    def link(self) -> None:
        grant = models.GrantAccessData(access="Read", duration_in_seconds=600)
        self.client.disks.begin_grant_access("lab", self.random.choice(DISKS), grant, polling=False)

    def unlink(self) -> None:
        self.client.disks.begin_revoke_access("lab", self.random.choice(DISKS), polling=False)

    def wait(self) -> None:
        self.double.skip(self.random.choice([1, 10, 100]))


def check(double: Double) -> None:
    """Each disk knows who holds it, and who holds it knows the disk; its state is the machine's."""
    held: dict[str, str] = {}
    for vm in double.world.every(VM):
        storage = vm.properties["storageProfile"]
        for entry in [storage["osDisk"], *storage.get("dataDisks", [])]:
            disk = double.world.get(entry["managedDisk"]["id"])
            assert disk.id not in held, "two machines hold one disk"
            held[disk.id] = vm.id
    for disk in double.world.every(DISK):
        assert disk.shown.get("managedBy") == held.get(disk.id)
        state = disk.properties["diskState"]
        if disk.id not in held:
            assert state in ("Unattached", "ActiveSAS")
        else:
            power = double.world.get(held[disk.id]).inside["power"]
            assert state in ALLOWED.get(power, ("Reserved", "Attached")), (disk.name, state, power)
        assert ("blob" in disk.inside) == (state == "ActiveSAS")


@pytest.mark.parametrize("seed", range(4))
def test_what_it_holds_stays_consistent(seed: int, tmp_path: Path) -> None:
    with Double(pace=0.001) as double:
        for name in VMS:
            double.add_vm(name, disk=disk_file(tmp_path / f"{name}.vhd"))
        player = Player(double, seed)
        for _ in range(STEPS):
            player.step()
            double.names("disks")  # what is due is done
            check(double)
        assert player.done > STEPS // 5
        assert not [seen for seen in double.calls if seen.status >= 500]
