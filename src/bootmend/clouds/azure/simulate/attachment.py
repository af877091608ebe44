"""Disks on a machine: the OS disk and its swap, and data disks by LUN.

https://learn.microsoft.com/azure/virtual-machines/windows/os-disk-swap ,
https://learn.microsoft.com/rest/api/compute/virtual-machines/attach-detach-data-disks .
"""

from __future__ import annotations

import copy

from bootmend.clouds.azure.simulate.disks import GIB, attach, detach, need_no_share
from bootmend.clouds.azure.simulate.ids import DISK, VM, group_id, name_of
from bootmend.clouds.azure.simulate.permissions import need_linked
from bootmend.clouds.azure.simulate.wire import ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World, new_guid

MOST_DATA_DISKS = 64


def os_disk(world: World, vm: Resource) -> Resource:
    return world.get(vm.properties["storageProfile"]["osDisk"]["managedDisk"]["id"])


def swap_os_disk(world: World, call: Call, vm: Resource, wanted: Json | None) -> None:
    """What a PUT or PATCH says of the OS disk; nothing where it says nothing new."""
    if wanted is None:
        return
    current = vm.properties["storageProfile"]["osDisk"]
    old = current["managedDisk"]["id"]
    new = wanted.get("managedDisk", {}).get("id", old)
    if wanted.get("createOption", current["createOption"]) != current["createOption"]:
        # Also where another disk is named: https://github.com/Azure/azure-powershell/issues/7621 ,
        # https://github.com/Azure/azure-sdk-for-python/issues/3001
        _no_change("osDisk.createOption")
    name = wanted.get("name") or name_of(new)
    if new.lower() == old.lower():
        if name != current["name"]:
            _no_change("osDisk.name")  # https://github.com/hashicorp/terraform-provider-azurerm/pull/16323
        _take_over(current, wanted)
        return
    if name.lower() != name_of(new).lower():
        # The name is to be that of the disk: https://github.com/Azure/azure-libraries-for-java/issues/275
        _no_change("osDisk.name")
    if vm.inside["power"] != "deallocated":
        # The page on swapping asks for a stopped, deallocated machine; the words are an ASSUMPTION.
        raise ArmError(
            409, "OperationNotAllowed", f"The OS disk of VM '{vm.name}' can be swapped when it is deallocated."
        )
    disk = _usable(world, call, vm, new)
    before = world.get(old)
    for key, what in (("osType", "type"), ("hyperVGeneration", "generation")):
        if disk.properties.get(key) != before.properties.get(key):
            raise ArmError(409, "OperationNotAllowed", f"Disk {disk.name} is not of the {what} of VM '{vm.name}'.")
    detach(before)
    attach(disk, vm)
    _take_over(current, wanted)
    current["name"] = disk.name
    current["managedDisk"] = {"id": disk.id, "storageAccountType": disk.shown["sku"]["name"]}
    current["diskSizeGB"] = disk.properties["diskSizeGB"]


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
        if "managedDisk" not in one or "id" not in one["managedDisk"]:
            raise ArmError(400, "InvalidParameter", "The double attaches disks that are there only.")
        disk_id = one["managedDisk"]["id"]
        disk = world.get(disk_id) if disk_id.lower() in held else _usable(world, call, vm, disk_id)
        kept.add(disk_id.lower())
        entries.append((one, disk))
    for gone in held - kept:
        detach(world.get(gone))
    shown = []
    for one, disk in entries:
        attach(disk, vm)
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


def make_os_disk(world: World, call: Call, vm: Resource) -> None:
    """The OS disk of a new machine: attached, or made of an image (the double's images are empty)."""
    storage = vm.properties["storageProfile"]
    wanted = storage.setdefault("osDisk", {"createOption": "FromImage"})
    if wanted.get("createOption") == "Attach":
        disk = _usable(world, call, vm, wanted["managedDisk"]["id"])
    else:
        disk = _from_image(world, call, vm, storage)
    attach(disk, vm)
    storage["osDisk"] = {
        "caching": "ReadWrite",
        "deleteOption": "Detach",
        **wanted,
        "name": disk.name,
        "osType": disk.properties["osType"],
        "diskSizeGB": disk.properties["diskSizeGB"],
        "managedDisk": {"id": disk.id, "storageAccountType": disk.shown["sku"]["name"]},
    }


def _from_image(world: World, call: Call, vm: Resource, storage: Json) -> Resource:
    if not storage.get("imageReference"):
        raise ArmError(400, "InvalidParameter", "Required parameter 'imageReference' is missing (null).")
    wanted = storage["osDisk"]
    name = wanted.get("name") or f"{vm.name}_OsDisk_1_{new_guid().replace('-', '')}"
    kind = "Linux" if "linuxConfiguration" in vm.properties.get("osProfile", {}) else "Windows"
    size = int(wanted.get("diskSizeGB", 30))
    shown: Json = {
        "location": vm.shown["location"],
        "sku": {"name": wanted.get("managedDisk", {}).get("storageAccountType", "Standard_LRS")},
        "properties": {
            "osType": kind,
            "hyperVGeneration": "V2",
            "creationData": {"createOption": "FromImage", "imageReference": {"id": "/Simulated/image"}},
            "diskSizeGB": size,
            "diskSizeBytes": size * GIB,
            "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
            "networkAccessPolicy": "AllowAll",
            "provisioningState": "Succeeded",
            "diskState": "Unattached",
            "timeCreated": world.clock.stamp(),
            "uniqueId": new_guid(),
        },
    }
    for key in ("zones", "tags"):
        if vm.shown.get(key):
            shown[key] = copy.deepcopy(vm.shown[key])
    group = group_id(call.names["subscription"], call.names["group"])
    return world.put(f"{group}/providers/{DISK}/{name}", shown, {"content": world.contents.empty(size * GIB)})


def _usable(world: World, call: Call, vm: Resource, disk_id: str) -> Resource:
    """A disk that can be attached to the machine."""
    # ASSUMPTION: the built-in role of machine contributors holds disks/write besides disks/read for this.
    need_linked(world, call, f"{VM}/write", f"{DISK}/write", disk_id)
    disk = world.get(disk_id)
    need_no_share(disk)
    if disk.shown.get("managedBy"):
        # https://learn.microsoft.com/azure/virtual-machines/troubleshooting/error-messages
        raise ArmError(
            409,
            "AttachDiskWhileBeingDetached" if disk.shown["managedBy"] == vm.id else "ConflictingUserInput",
            f"Cannot attach data disk '{disk.name}' to VM '{vm.name}' because the disk is already owned by VM "
            f"'{disk.shown['managedBy']}'.",
        )
    if disk.properties["diskState"] != "Unattached" or disk.properties["provisioningState"] != "Succeeded":
        raise ArmError(
            409, "OperationNotAllowed", f"Disk {disk.name} cannot be attached in state {disk.properties['diskState']}."
        )
    if disk.shown["location"].lower() != vm.shown["location"].lower():
        raise ArmError(
            400, "BadRequest", f"Disk {disk.name} cannot be attached to the VM because it is in another region."
        )
    if disk.shown.get("zones", []) != vm.shown.get("zones", []) and disk.shown.get("zones"):
        # https://learn.microsoft.com/azure/virtual-machines/troubleshooting/error-messages
        raise ArmError(
            400,
            "BadRequest",
            f"Disk {disk.name} cannot be attached to the VM because it is in zone {disk.shown['zones'][0]}.",
        )
    return disk


def _held(world: World, vm: Resource) -> set[str]:
    return {disk.id.lower() for disk in world.every(DISK) if disk.shown.get("managedBy", "").lower() == vm.id.lower()}


def _take_over(current: Json, wanted: Json) -> None:
    for key in ("caching", "deleteOption", "writeAcceleratorEnabled"):
        if key in wanted:
            current[key] = wanted[key]


def _no_change(name: str) -> None:
    raise ArmError(409, "PropertyChangeNotAllowed", f"Changing property '{name}' is not allowed.")
