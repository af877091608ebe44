"""The OS disk of a machine: made with it, or swapped later.

https://learn.microsoft.com/azure/virtual-machines/windows/os-disk-swap
"""

from __future__ import annotations

import copy

from bootmend.clouds.azure.simulate.attachment import usable
from bootmend.clouds.azure.simulate.disk_source import GIB
from bootmend.clouds.azure.simulate.disks import attach, detach
from bootmend.clouds.azure.simulate.ids import DISK, group_id, name_of
from bootmend.clouds.azure.simulate.wire import ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World, new_guid


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
    need_lasting_disk(vm, "swapped")
    if vm.inside["power"] != "deallocated":
        # The page on swapping asks for a stopped, deallocated machine; the words are an ASSUMPTION.
        raise ArmError(
            409, "OperationNotAllowed", f"The OS disk of VM '{vm.name}' can be swapped when it is deallocated."
        )
    disk = usable(world, call, vm, new)
    before = world.get(old)
    for key, what in (("osType", "type"), ("hyperVGeneration", "generation")):
        if disk.properties.get(key) != before.properties.get(key):
            raise ArmError(409, "OperationNotAllowed", f"Disk {disk.name} is not of the {what} of VM '{vm.name}'.")
    if _security(disk) != _security(before):
        # Size, storage type and security type have to match: https://github.com/Azure/azure-sdk-for-net/issues/37285
        raise ArmError(409, "OperationNotAllowed", f"Disk {disk.name} is not of the security type of VM '{vm.name}'.")
    detach(world, before)
    attach(world, disk, vm)
    _take_over(current, wanted)
    current["name"] = disk.name
    current["managedDisk"] = {"id": disk.id, "storageAccountType": disk.shown["sku"]["name"]}
    current["diskSizeGB"] = disk.properties["diskSizeGB"]


def make_os_disk(world: World, call: Call, vm: Resource) -> None:
    """The OS disk of a new machine: attached, or made of an image (the double's images are empty)."""
    storage = vm.properties["storageProfile"]
    wanted = storage.setdefault("osDisk", {"createOption": "FromImage"})
    if wanted.get("createOption") == "Attach":
        disk = usable(world, call, vm, wanted["managedDisk"]["id"])
    else:
        disk = _from_image(world, call, vm, storage)
    attach(world, disk, vm)
    storage["osDisk"] = {
        "caching": "ReadWrite",
        "deleteOption": "Detach",
        **wanted,
        "name": disk.name,
        "osType": disk.properties["osType"],
        "diskSizeGB": disk.properties["diskSizeGB"],
        "managedDisk": {"id": disk.id, "storageAccountType": disk.shown["sku"]["name"]},
    }


def need_lasting_disk(vm: Resource, what: str) -> None:
    """https://learn.microsoft.com/azure/virtual-machines/ephemeral-os-disks : one with an ephemeral OS disk is not
    stopped and deallocated, and its disk not copied or swapped. The words are an ASSUMPTION."""
    if vm.properties["storageProfile"]["osDisk"].get("diffDiskSettings"):
        raise ArmError(409, "OperationNotAllowed", f"The OS disk of VM '{vm.name}' is ephemeral: it cannot be {what}.")


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


def _security(disk: Resource) -> str:
    return str(disk.properties.get("securityProfile", {}).get("securityType", ""))


def _take_over(current: Json, wanted: Json) -> None:
    for key in ("caching", "deleteOption", "writeAcceleratorEnabled"):
        if key in wanted:
            current[key] = wanted[key]


def _no_change(name: str) -> None:
    raise ArmError(409, "PropertyChangeNotAllowed", f"Changing property '{name}' is not allowed.")
