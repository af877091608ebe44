"""A machine that stands in the subscription before anybody calls, and what a test asks of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bootmend.clouds.azure.simulate import oracles
from bootmend.clouds.azure.simulate.boot import phase, power_on
from bootmend.clouds.azure.simulate.disk_source import GIB
from bootmend.clouds.azure.simulate.disks import attach
from bootmend.clouds.azure.simulate.footer import is_footer
from bootmend.clouds.azure.simulate.ids import DISK, NIC, VM, group_id, name_of
from bootmend.clouds.azure.simulate.oddities import set_oddities
from bootmend.clouds.azure.simulate.operations import settle
from bootmend.clouds.azure.simulate.vms import new_etag
from bootmend.clouds.azure.simulate.wire import Json
from bootmend.clouds.azure.simulate.world import Resource, World, new_guid

_FOOTER = 512


class Machine:
    def __init__(self, world: World, resource: Resource) -> None:
        self._world = world
        self.resource = resource

    @property
    def id(self) -> str:
        return self.resource.id

    @property
    def power(self) -> str:
        return str(self._now().inside["power"])

    @property
    def phase(self) -> str:
        """off, firmware, booting, ready, stop, stuck, ... (boot.py)."""
        with self._world.lock:
            return phase(self._world, self._now())

    @property
    def os_disk(self) -> str:
        """The name of its OS disk."""
        return name_of(self._now().properties["storageProfile"]["osDisk"]["managedDisk"]["id"])

    @property
    def os_disk_path(self) -> Path:
        """The bytes that it boots from now; the first `diskSizeBytes` of the file count."""
        with self._world.lock:
            disk = self._world.get(self._now().properties["storageProfile"]["osDisk"]["managedDisk"]["id"])
            return self._world.contents.path(disk.inside["content"])

    def boots_when(self, oracle: Json | Callable[[Path], bool], otherwise: Json | None = None) -> None:
        """Judges each start from now on, and the one that is under way; see oracles.py. A function is not saved."""
        with self._world.lock:
            vm = self._now()
            oracles.tell(self._world, vm, oracle, otherwise)
            if vm.inside["power"] == "running":
                power_on(self._world, vm)
            self._world.save()

    def _now(self) -> Resource:
        with self._world.lock:
            settle(self._world)
            return self._world.get(self.id)


def make_machine(
    world: World,
    name: str,
    disk: Path,
    group: str,
    location: str,
    generation: int,
    zone: str | None,
    running: bool,
    oddities: dict[str, Any],
) -> Machine:
    base = group_id(world.subscription, group)
    os_disk = _make_disk(world, f"{base}/providers/{DISK}/{name}_OsDisk_1", disk, location, generation, zone)
    nic = world.put(
        f"{base}/providers/{NIC}/{name}-nic", {"location": location, "properties": {"provisioningState": "Succeeded"}}
    )
    shown: Json = {
        "location": location,
        "etag": new_etag(),
        "properties": {
            "vmId": new_guid(),
            "provisioningState": "Succeeded",
            "timeCreated": world.clock.stamp(),
            "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
            "osProfile": {
                "computerName": name,
                "adminUsername": "azureuser",
                "windowsConfiguration": {"provisionVMAgent": True},
            },
            "networkProfile": {"networkInterfaces": [{"id": nic.id, "properties": {"primary": True}}]},
            "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
            "storageProfile": {
                "osDisk": {
                    "name": os_disk.name,
                    "osType": "Windows",
                    "createOption": "FromImage",
                    "caching": "ReadWrite",
                    "deleteOption": "Detach",
                    "diskSizeGB": os_disk.properties["diskSizeGB"],
                    "managedDisk": {"id": os_disk.id, "storageAccountType": os_disk.shown["sku"]["name"]},
                },
                "dataDisks": [],
            },
        },
    }
    if zone is not None:
        shown["zones"] = [zone]
    vm = world.put(f"{base}/providers/{VM}/{name}", shown, {"power": "deallocated", "power_before": "deallocated"})
    for one in (os_disk, nic, vm):
        one.inside["scene"] = True
    set_oddities(world, vm, os_disk, oddities)
    nic.properties["virtualMachine"] = {"id": vm.id}
    attach(world, os_disk, vm)
    if running:
        power_on(world, vm)
    return Machine(world, vm)


def _make_disk(world: World, target: str, path: Path, location: str, generation: int, zone: str | None) -> Resource:
    size = _data_size(path)
    shown: Json = {
        "location": location,
        "sku": {"name": "Premium_LRS", "tier": "Premium"},
        "properties": {
            "osType": "Windows",
            "hyperVGeneration": f"V{generation}",
            "creationData": {"createOption": "FromImage", "imageReference": {"id": "/Simulated/image"}},
            "diskSizeGB": -(-size // GIB),
            "diskSizeBytes": size,
            "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
            "networkAccessPolicy": "AllowAll",
            "publicNetworkAccess": "Enabled",
            "provisioningState": "Succeeded",
            "diskState": "Unattached",
            "timeCreated": world.clock.stamp(),
            "uniqueId": new_guid(),
        },
    }
    if zone is not None:
        shown["zones"] = [zone]
    return world.put(target, shown, {"content": world.contents.adopt(path, size)})


def _data_size(path: Path) -> int:
    """Without the footer where the file is a fixed VHD."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _FOOTER))
        return size - _FOOTER if is_footer(file.read()) else size
