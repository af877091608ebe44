"""Virtual machines: making, showing and changing them, and swapping their OS disk.

https://learn.microsoft.com/rest/api/compute/virtual-machines ,
https://learn.microsoft.com/azure/virtual-machines/windows/os-disk-swap .
"""

from __future__ import annotations

import copy

from bootmend.clouds.azure.simulate.boot import power_on
from bootmend.clouds.azure.simulate.disks import detach
from bootmend.clouds.azure.simulate.ids import NIC, RUN_COMMAND, VM, resource_id
from bootmend.clouds.azure.simulate.luns import set_data_disks
from bootmend.clouds.azure.simulate.network import make_nic
from bootmend.clouds.azure.simulate.operations import begin, effect, running
from bootmend.clouds.azure.simulate.os_disks import make_os_disk, swap_os_disk
from bootmend.clouds.azure.simulate.permissions import need_linked
from bootmend.clouds.azure.simulate.router import in_group, in_subscription, one, page, route
from bootmend.clouds.azure.simulate.views import instance_view
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World, merge, new_guid

_FIXED = ("osProfile", "availabilitySet", "virtualMachineScaleSet")
"""Not to be changed once it stands."""


@route("PUT", one(VM), VM)
def put(world: World, call: Call) -> Answer:
    body = call.json()
    target = resource_id(call.names, VM)
    world.get(target.split("/providers/")[0])
    vm = world.find(target)
    _need_network(world, call, body)
    if vm is None:
        return _create(world, call, target, body)
    return _update(world, call, vm, body)


@route("PATCH", one(VM), VM)
def patch(world: World, call: Call) -> Answer:
    """As a PUT of what stands there with the change in it; ASSUMPTION: a disk can be swapped by it as well."""
    vm = world.get(resource_id(call.names, VM))
    wanted = copy.deepcopy(vm.shown)
    merge(wanted, call.json())
    return _update(world, call, vm, wanted)


@route("GET", one(VM), VM)
def get(world: World, call: Call) -> Answer:
    vm = world.get(resource_id(call.names, VM))
    shown = vm.answer()
    if call.query.get("$expand", "").lower() == "instanceview":
        shown["properties"]["instanceView"] = instance_view(world, vm)
    return Answer(200, shown, {"ETag": shown["etag"]})


@route("GET", one(VM) + "/instanceView", VM)
def get_instance_view(world: World, call: Call) -> Answer:
    return Answer(200, instance_view(world, world.get(resource_id(call.names, VM))))


@route("GET", in_group(VM), VM)
@route("GET", in_subscription(VM), VM)
def listing(world: World, call: Call) -> Answer:
    """`statusOnly=true` gives the instance views: https://learn.microsoft.com/rest/api/compute/virtual-machines/list-all

    There, too: $expand takes a $filter. ASSUMPTION: without one it is refused, and views come without the rest.
    """
    if "$expand" in call.query and "$filter" not in call.query:
        raise ArmError(400, "BadRequest", "The expand expression can only be specified if a valid filter is specified.")
    shown = []
    for vm in world.every(VM, call.names.get("group")):
        machine = vm.answer()
        if call.query.get("statusOnly") == "true":
            machine["properties"] = {"instanceView": instance_view(world, vm)}
        shown.append(machine)
    return page(call, shown)


@route("DELETE", one(VM), VM)
def delete(world: World, call: Call) -> Answer:
    vm = world.find(resource_id(call.names, VM))
    return Answer(204) if vm is None else begin(world, call, vm, "vm.deleted", 30)


@effect("vm.deleted")
def deleted(world: World, vm: Resource, _: Json) -> None:
    """`deleteOption` says what goes with it: https://learn.microsoft.com/azure/virtual-machines/delete"""
    profile = vm.properties["storageProfile"]
    for entry in [profile["osDisk"], *profile.get("dataDisks", [])]:
        disk = world.get(entry["managedDisk"]["id"])
        detach(world, disk)
        if entry.get("deleteOption") == "Delete":
            world.contents.release(disk.inside["content"])
            world.drop(disk.id)
    for entry in vm.properties.get("networkProfile", {}).get("networkInterfaces", []):
        nic = world.find(entry["id"])
        if nic is not None:
            nic.properties.pop("virtualMachine", None)
            if entry.get("properties", {}).get("deleteOption") == "Delete":
                world.drop(nic.id)
    for child in list(world.every(RUN_COMMAND)):
        if child.id.lower().startswith(f"{vm.id.lower()}/"):
            world.drop(child.id)
    world.drop(vm.id)


def new_etag() -> str:
    return f'"{new_guid()[:8]}"'


def need_idle(world: World, vm: Resource) -> None:
    """One change of a machine at a time; a machine whose change is under way answers 409.

    https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/error-messages knows some such pairs; that
    each kind of change excludes each other is an ASSUMPTION on the safe side.
    """
    if running(world, vm):
        raise ArmError(
            409, "OperationNotAllowed", f"Another operation is in progress on virtual machine '{vm.name}'. Try later."
        )


def _need_network(world: World, call: Call, body: Json) -> None:
    """What a PUT names besides is asked about each time, not when it is new alone:
    https://github.com/kubernetes-sigs/cloud-provider-azure/issues/1999 shows it for an update of a machine."""
    profile = body.get("properties", {}).get("networkProfile") or {}
    for nic in profile.get("networkInterfaces") or []:
        need_linked(world, call, f"{VM}/write", f"{NIC}/join/action", nic["id"])
    for identity in body.get("identity", {}).get("userAssignedIdentities") or {}:
        # https://github.com/Azure/aad-pod-identity/issues/443
        action = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
        need_linked(world, call, f"{VM}/write", action, identity)
    if profile.get("networkInterfaceConfigurations"):
        # ASSUMPTION on the safe side: who has one made needs the right to make one.
        need_linked(world, call, f"{VM}/write", f"{NIC}/write", call.path)


def _create(world: World, call: Call, target: str, body: Json) -> Answer:
    wanted = copy.deepcopy(body.get("properties", {}))
    for key in ("storageProfile", "networkProfile", "hardwareProfile"):
        if not wanted.get(key):
            raise ArmError(400, "InvalidParameter", f"Required parameter '{key}' is missing (null).")
    for nic in wanted["networkProfile"].get("networkInterfaces", []):
        if "virtualMachine" in world.get(nic["id"]).properties:
            raise ArmError(409, "NicInUse", f"Network Interface {nic['id']} is used by another virtual machine.")
    shown: Json = {"location": body["location"], "properties": {**wanted, "vmId": new_guid()}}
    for key in ("tags", "zones", "identity"):
        if body.get(key):
            shown[key] = body[key]
    shown["etag"] = new_etag()
    vm = world.put(target, shown, {"power": "deallocated", "power_before": "deallocated"})
    try:
        make_os_disk(world, call, vm)
        set_data_disks(world, call, vm, wanted["storageProfile"].get("dataDisks", []))
    except ArmError:
        world.drop(target)
        raise
    for nic in wanted["networkProfile"].get("networkInterfaces", []):
        world.get(nic["id"]).properties["virtualMachine"] = {"id": vm.id}
    made = [
        make_nic(world, call, vm, nic) for nic in wanted["networkProfile"].pop("networkInterfaceConfigurations", [])
    ]
    if made:
        vm.properties["networkProfile"] = {"networkInterfaces": made}
    vm.properties["provisioningState"] = "Creating"
    vm.properties["timeCreated"] = world.clock.stamp()
    vm.inside["power"] = "starting"
    if vm.properties["storageProfile"]["osDisk"]["osType"] == "Linux":
        vm.inside["oracle"] = {"kind": "always", "state": "ready", "after": 20, "os": "ubuntu"}
    return begin(world, call, vm, "vm.created", 45, status=201, show=True)


@effect("vm.created")
def created(world: World, vm: Resource, _: Json) -> None:
    vm.properties["provisioningState"] = "Succeeded"
    power_on(world, vm)


def _update(world: World, call: Call, vm: Resource, body: Json) -> Answer:
    wanted_tag = call.headers.get("if-match")
    if wanted_tag not in (None, "*", vm.shown["etag"]):
        # https://learn.microsoft.com/rest/api/compute/virtual-machines/create-or-update (If-Match)
        raise ArmError(
            412, "PreconditionFailed", f"The precondition given in the request headers failed for '{vm.name}'."
        )
    need_idle(world, vm)
    vm.shown["etag"] = new_etag()
    wanted = body.get("properties", {})
    for key in _FIXED:
        if key in wanted and wanted[key] != vm.properties.get(key):
            raise ArmError(409, "PropertyChangeNotAllowed", f"Changing property '{key}' is not allowed.")
    storage = wanted.get("storageProfile", {})
    swap_os_disk(world, call, vm, storage.get("osDisk"))
    if "dataDisks" in storage:
        set_data_disks(world, call, vm, storage["dataDisks"])
    for key in ("tags", "identity"):
        if key in body:
            vm.shown[key] = body[key]
    for key in ("diagnosticsProfile", "hardwareProfile", "licenseType"):
        if key in wanted:
            vm.properties[key] = wanted[key]
    vm.properties["provisioningState"] = "Updating"
    return begin(world, call, vm, "resource.made", 10, status=200, show=True)
