"""Managed disks: making, showing, changing and deleting them.

https://learn.microsoft.com/rest/api/compute/disks ; the states of a disk:
https://learn.microsoft.com/rest/api/compute/disks/get#diskstate

    Empty, Copy, FromImage -> Unattached <-> Attached (running) / Reserved (deallocated)
                              Unattached, Reserved <-> ActiveSAS
    Upload, UploadPreparedSecure -> ReadyToUpload -> ActiveUpload -> Unattached
"""

from __future__ import annotations

from bootmend.clouds.azure.simulate.disk_source import content_for, fill_in, required
from bootmend.clouds.azure.simulate.ids import DISK, resource_id
from bootmend.clouds.azure.simulate.operations import begin, effect, running
from bootmend.clouds.azure.simulate.permissions import need_linked
from bootmend.clouds.azure.simulate.router import in_group, in_subscription, one, page, route
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World, merge, new_guid


@route("PUT", one(DISK), DISK)
def put(world: World, call: Call) -> Answer:
    body = call.json()
    target = resource_id(call.names, DISK)
    wanted = body.get("properties", {})
    world.get(target.split("/providers/")[0])
    existing = world.find(target)
    if existing is not None:
        return _change(world, call, existing, body)
    creation = required(wanted, "creationData", "disk.properties.creationData")
    option = required(creation, "createOption", "disk.properties.creationData.createOption")
    required(body, "location", "disk.location")
    if key_set := wanted.get("encryption", {}).get("diskEncryptionSetId"):
        # https://github.com/kubernetes-sigs/azuredisk-csi-driver/issues/2609
        need_linked(world, call, f"{DISK}/write", "Microsoft.Compute/diskEncryptionSets/read", key_set)
    made = world.put(target, _shown(world, body, wanted), {"content": content_for(world, call, body, wanted)})
    fill_in(world, made, wanted, option)
    return begin(world, call, made, "resource.made", 3, show=True)


@route("GET", one(DISK), DISK)
def get(world: World, call: Call) -> Answer:
    return Answer(200, world.get(resource_id(call.names, DISK)).answer())


@route("GET", in_group(DISK), DISK)
@route("GET", in_subscription(DISK), DISK)
def listing(world: World, call: Call) -> Answer:
    return page(call, [disk.answer() for disk in world.every(DISK, call.names.get("group"))])


@route("PATCH", one(DISK), DISK)
def patch(world: World, call: Call) -> Answer:
    return _change(world, call, world.get(resource_id(call.names, DISK)), call.json())


@route("DELETE", one(DISK), DISK)
def delete(world: World, call: Call) -> Answer:
    disk = world.find(resource_id(call.names, DISK))
    if disk is None:
        return Answer(204)
    need_no_share(disk)
    need_free(world, disk)
    if disk.shown.get("managedBy"):
        # https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/error-messages
        raise ArmError(
            409,
            "OperationNotAllowed",
            f"Disk {disk.name} is attached to VM {disk.shown['managedBy']}.",
        )
    return begin(world, call, disk, "disk.deleted", 2)


@effect("disk.deleted")
def deleted(world: World, disk: Resource, _: Json) -> None:
    world.contents.release(disk.inside["content"])
    world.drop(disk.id)


@effect("resource.made")
def resource_made(_: World, resource: Resource, __: Json) -> None:
    resource.properties["provisioningState"] = "Succeeded"


def need_no_share(disk: Resource) -> None:
    """https://learn.microsoft.com/azure/virtual-machines/windows/download-vhd : a machine is not started while its disk
    has a link outstanding. That such a disk is not attached or deleted is what the words of the answer say."""
    if disk.properties.get("diskState") in ("ActiveSAS", "ActiveSASFrozen", "ActiveUpload"):
        raise ArmError(
            409,
            "OperationNotAllowed",
            f"There is an active shared access signature outstanding for disk {disk.name}. "
            "Call EndGetAccess before attaching or deleting the disk.",
        )


def need_free(world: World, resource: Resource) -> None:
    """https://github.com/MicrosoftDocs/azure-docs/issues/108246 : one operation at a time."""
    if running(world, resource):
        raise ArmError(409, "OperationNotAllowed", f"{resource.name}: Resource is being used by another operation.")


def attach(world: World, disk: Resource, vm: Resource) -> None:
    """Reserved: attached to a machine that is deallocated, so that its bytes stand still."""
    moved(world, disk)
    disk.shown["managedBy"] = vm.id
    if "blob" not in disk.inside:
        disk.properties["diskState"] = "Reserved" if vm.inside["power"] == "deallocated" else "Attached"


def moved(world: World, disk: Resource) -> None:
    """Attached, detached, or its machine was started or deallocated:
    https://learn.microsoft.com/rest/api/compute/disks/get (LastOwnershipUpdateTime)."""
    disk.properties["LastOwnershipUpdateTime"] = world.clock.stamp()


def detach(world: World, disk: Resource) -> None:
    """ASSUMPTION: a link that is outstanding stays so."""
    moved(world, disk)
    disk.shown.pop("managedBy", None)
    if "blob" in disk.inside:
        disk.inside["state_before"] = "Unattached"
    else:
        disk.properties["diskState"] = "Unattached"


def _change(world: World, call: Call, disk: Resource, body: Json) -> Answer:
    wanted = body.get("properties", {})
    creation = wanted.get("creationData")
    if creation is not None:
        old = disk.properties["creationData"]
        for key in ("createOption", "sourceResourceId"):
            if str(creation.get(key, "")).lower() != str(old.get(key, "")).lower():
                # https://learn.microsoft.com/rest/api/compute/disks/create-or-update : not to be changed later.
                raise ArmError(
                    409, "PropertyChangeNotAllowed", f"Changing property 'creationData.{key}' is not allowed."
                )
    smaller = int(wanted.get("diskSizeGB", disk.properties["diskSizeGB"])) < disk.properties["diskSizeGB"]
    if smaller:
        raise ArmError(409, "OperationNotAllowed", f"Disk {disk.name} cannot be made smaller.")
    for key in ("tags", "sku"):
        if key in body:
            disk.shown[key] = body[key]
    merge(disk.properties, {key: value for key, value in wanted.items() if key != "creationData"})
    return begin(world, call, disk, "resource.made", 2, show=True)


def _shown(world: World, body: Json, wanted: Json) -> Json:
    shown: Json = {"location": body["location"], "sku": {"name": "Standard_LRS", **body.get("sku", {})}}
    shown["sku"]["tier"] = shown["sku"]["name"].partition("_")[0]
    for key in ("tags", "zones"):
        if body.get(key):
            shown[key] = body[key]
    shown["properties"] = {
        "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
        "networkAccessPolicy": "AllowAll",
        "publicNetworkAccess": "Enabled",
        **wanted,
        "provisioningState": "Updating",
        "timeCreated": world.clock.stamp(),
        "uniqueId": new_guid(),
    }
    return shown
