"""Data disks attached and taken off in batches.

https://learn.microsoft.com/rest/api/compute/virtual-machines/attach-detach-data-disks : LUNs are given where none is
asked for; the answer of the operation is the storage profile.
"""

from __future__ import annotations

import copy

from bootmend.clouds.azure.simulate.ids import VM, resource_id
from bootmend.clouds.azure.simulate.luns import MOST_DATA_DISKS, set_data_disks
from bootmend.clouds.azure.simulate.operations import begin, effect
from bootmend.clouds.azure.simulate.router import one, route
from bootmend.clouds.azure.simulate.vms import need_idle
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World


@route("POST", one(VM) + "/attachDetachDataDisks", VM)
def attach_detach(world: World, call: Call) -> Answer:
    vm = world.get(resource_id(call.names, VM))
    need_idle(world, vm)
    body = call.json()
    wanted = copy.deepcopy(vm.properties["storageProfile"].get("dataDisks", []))
    for gone in body.get("dataDisksToDetach") or []:
        left = [disk for disk in wanted if disk["managedDisk"]["id"].lower() != gone["diskId"].lower()]
        if len(left) == len(wanted):
            # ASSUMPTION on the words.
            raise ArmError(400, "InvalidParameter", f"Disk {gone['diskId']} is not attached to VM '{vm.name}'.")
        wanted = left
    for new in body.get("dataDisksToAttach") or []:
        taken = {disk["lun"] for disk in wanted}
        free = next(lun for lun in range(MOST_DATA_DISKS + 1) if lun not in taken)
        entry = {"lun": new.get("lun", free), "createOption": "Attach", "managedDisk": {"id": new["diskId"]}}
        wanted.append({**entry, **{key: new[key] for key in ("caching", "deleteOption") if key in new}})
    set_data_disks(world, call, vm, wanted)
    vm.properties["provisioningState"] = "Updating"
    return begin(world, call, vm, "vm.disks", 8)


@effect("vm.disks")
def disks_done(_: World, vm: Resource, __: Json) -> Json:
    vm.properties["provisioningState"] = "Succeeded"
    return copy.deepcopy(dict(vm.properties["storageProfile"]))
