"""What may be attached to a machine."""

from __future__ import annotations

from bootmend.clouds.azure.simulate.disks import need_free, need_no_share
from bootmend.clouds.azure.simulate.ids import DISK, VM
from bootmend.clouds.azure.simulate.permissions import need_linked
from bootmend.clouds.azure.simulate.wire import ArmError, Call
from bootmend.clouds.azure.simulate.world import Resource, World


def usable(world: World, call: Call, vm: Resource, disk_id: str) -> Resource:
    """A disk that can be attached to the machine."""
    # ASSUMPTION: the built-in role of machine contributors holds disks/write besides disks/read for this.
    need_linked(world, call, f"{VM}/write", f"{DISK}/write", disk_id)
    disk = world.get(disk_id)
    need_no_share(disk)
    need_free(world, disk)
    if disk.shown.get("managedBy"):
        # https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/error-messages
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
    zones = vm.shown.get("zones", [])
    if disk.shown.get("zones", []) != zones and not disk.shown["sku"]["name"].endswith("_ZRS"):
        # A disk without a zone on a machine in one as well: https://github.com/jrudlin/Azure/pull/7 ; a zone-redundant
        # disk fits anywhere: https://learn.microsoft.com/azure/virtual-machines/disks-redundancy . A disk in a
        # zone on a machine in none is refused as an ASSUMPTION.
        where = f"it is not in zone '{zones[0]}'" if zones else f"it is in zone '{disk.shown['zones'][0]}'"
        raise ArmError(400, "BadRequest", f"Disk {disk.id} cannot be attached to the VM because {where}.")
    return disk
