"""Data disks by LUN, as a PUT of the machine or a batch of changes wants them."""

from __future__ import annotations

from bootmend.clouds.azure.simulate.attachment import usable
from bootmend.clouds.azure.simulate.disks import attach, detach
from bootmend.clouds.azure.simulate.ids import DISK
from bootmend.clouds.azure.simulate.wire import ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World

MOST_DATA_DISKS = 64


def set_data_disks(world: World, call: Call, vm: Resource, wanted: list[Json]) -> None:
    """All data disks as they shall be; those left out or marked `toBeDetached` are taken off."""
    stay = [one for one in wanted if not one.get("toBeDetached")]
    luns = [one["lun"] for one in stay]
    if (
        len(set(luns)) != len(luns)
        or len(luns) > MOST_DATA_DISKS
        or not all(0 <= lun < MOST_DATA_DISKS for lun in luns)
    ):
        raise ArmError(409, "InvalidParameter", "The LUNs of the data disks are not one each.")
    now = vm.properties["storageProfile"].get("dataDisks", [])
    held = {one["managedDisk"]["id"].lower() for one in now if "managedDisk" in one} & _held(world, vm)
    kept = set()
    entries = []
    for one in stay:
        if one.get("managedDisk", {}).get("id", "").lower() in kept:
            # ASSUMPTION: once on a machine is enough.
            raise ArmError(409, "ConflictingUserInput", f"A disk is attached twice: {one['managedDisk']['id']}.")
        if "managedDisk" not in one or "id" not in one["managedDisk"]:
            raise ArmError(400, "InvalidParameter", "The double attaches disks that are there only.")
        disk_id = one["managedDisk"]["id"]
        disk = world.get(disk_id) if disk_id.lower() in held else usable(world, call, vm, disk_id)
        kept.add(disk_id.lower())
        entries.append((one, disk))
    for gone in held - kept:
        detach(world, world.get(gone))
    shown = []
    for one, disk in entries:
        attach(world, disk, vm)
        shown.append(
            {
                "caching": "None",
                "createOption": "Attach",
                "deleteOption": "Detach",
                **one,
                "name": disk.name,
                "diskSizeGB": disk.properties["diskSizeGB"],
                "toBeDetached": False,
                "managedDisk": {"id": disk.id, "storageAccountType": disk.shown["sku"]["name"]},
            }
        )
    vm.properties["storageProfile"]["dataDisks"] = shown


def _held(world: World, vm: Resource) -> set[str]:
    return {disk.id.lower() for disk in world.every(DISK) if disk.shown.get("managedBy", "").lower() == vm.id.lower()}
