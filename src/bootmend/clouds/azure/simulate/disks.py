"""Managed disks: making, showing, changing and deleting them.

https://learn.microsoft.com/rest/api/compute/disks ; the states of a disk:
https://learn.microsoft.com/rest/api/compute/disks/get#diskstate

    Empty, Copy, FromImage -> Unattached <-> Attached (running) / Reserved (deallocated)
                              Unattached, Reserved <-> ActiveSAS
    Upload, UploadPreparedSecure -> ReadyToUpload -> ActiveUpload -> Unattached
"""

from __future__ import annotations

from typing import Any

from bootmend.clouds.azure.simulate.ids import DISK, SNAPSHOT, kind_of, name_of, resource_id
from bootmend.clouds.azure.simulate.operations import begin, effect
from bootmend.clouds.azure.simulate.permissions import need_linked
from bootmend.clouds.azure.simulate.router import in_group, in_subscription, one, route
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World, merge, new_guid

GIB = 1 << 30
FOOTER = 512
"""A disk's blob is a fixed VHD: the upload size is the disk's size and 512 bytes
(https://learn.microsoft.com/azure/virtual-machines/linux/disks-upload-vhd-to-managed-disk-cli)."""
_UPLOADS = ("Upload", "UploadPreparedSecure")
_INHERITED = ("osType", "hyperVGeneration", "securityProfile", "supportedCapabilities", "supportsHibernation")


@route("PUT", one(DISK), DISK)
def put(world: World, call: Call) -> Answer:
    body = call.json()
    target = resource_id(call.names, DISK)
    wanted = body.get("properties", {})
    world.get(target.split("/providers/")[0])
    existing = world.find(target)
    if existing is not None:
        return _change(world, call, existing, body)
    creation = _required(wanted, "creationData", "disk.properties.creationData")
    option = _required(creation, "createOption", "disk.properties.creationData.createOption")
    _required(body, "location", "disk.location")
    made = world.put(target, _shown(world, body, wanted), {"content": _content(world, call, body, wanted)})
    _fill_in(world, made, wanted, option)
    return begin(world, call, made, "resource.made", 3, show=True)


@route("GET", one(DISK), DISK)
def get(world: World, call: Call) -> Answer:
    return Answer(200, world.get(resource_id(call.names, DISK)).answer())


@route("GET", in_group(DISK), DISK)
@route("GET", in_subscription(DISK), DISK)
def listing(world: World, call: Call) -> Answer:
    return Answer(200, {"value": [disk.answer() for disk in world.every(DISK, call.names.get("group"))]})


@route("PATCH", one(DISK), DISK)
def patch(world: World, call: Call) -> Answer:
    return _change(world, call, world.get(resource_id(call.names, DISK)), call.json())


@route("DELETE", one(DISK), DISK)
def delete(world: World, call: Call) -> Answer:
    disk = world.find(resource_id(call.names, DISK))
    if disk is None:
        return Answer(204)
    need_no_share(disk)
    if disk.shown.get("managedBy"):
        # https://learn.microsoft.com/azure/virtual-machines/troubleshooting/error-messages
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
    """https://learn.microsoft.com/azure/virtual-machines/troubleshooting/error-messages :
    a disk with a link outstanding is not attached, started from, or deleted."""
    if disk.properties.get("diskState") in ("ActiveSAS", "ActiveSASFrozen", "ActiveUpload"):
        raise ArmError(
            409,
            "OperationNotAllowed",
            f"There is an active shared access signature outstanding for disk {disk.name}. "
            "Call EndGetAccess before attaching or deleting the disk.",
        )


def attach(disk: Resource, vm: Resource) -> None:
    """Reserved: attached to a machine that is deallocated, so that its bytes stand still."""
    disk.shown["managedBy"] = vm.id
    disk.properties["diskState"] = "Reserved" if vm.inside["power"] == "deallocated" else "Attached"


def detach(disk: Resource) -> None:
    disk.shown.pop("managedBy", None)
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


def _content(world: World, call: Call, body: Json, wanted: Json) -> str:
    creation = wanted["creationData"]
    option = creation["createOption"]
    if option == "Empty":
        return world.contents.empty(int(_required(wanted, "diskSizeGB", "disk.properties.diskSizeGB")) * GIB)
    if option in _UPLOADS:
        size = int(_required(creation, "uploadSizeBytes", "disk.properties.creationData.uploadSizeBytes")) - FOOTER
        # Whole MiB and a footer, 20 MiB at least: https://learn.microsoft.com/rest/api/compute/disks/create-or-update
        if size < 20 << 20 or size % (1 << 20):
            raise ArmError(
                400,
                "InvalidParameter",
                "The value of parameter disk.properties.creationData.uploadSizeBytes is invalid: "
                "a multiple of 1 MiB and 512 bytes for the VHD footer are expected, 20972032 at least.",
            )
        return world.contents.empty(size)
    if option == "FromImage":
        return world.contents.empty(int(wanted.get("diskSizeGB", 30)) * GIB)
    if option in ("Copy", "Restore"):
        return world.contents.share(copy_source(world, call, body, creation, DISK).inside["content"])
    raise ArmError(400, "InvalidParameter", f"The double does not make disks by createOption {option}.")


def copy_source(world: World, call: Call, body: Json, creation: Json, into: str) -> Resource:
    """The disk or snapshot that a new one is copied from."""
    source_id = _required(creation, "sourceResourceId", "creationData.sourceResourceId")
    if kind_of(source_id).lower() not in (DISK.lower(), SNAPSHOT.lower()):
        raise ArmError(400, "InvalidParameter", f"The source {source_id} is neither a disk nor a snapshot.")
    # The right to read the source is asked for as well: https://github.com/MicrosoftDocs/azure-docs/issues/11362
    # (a disk of a disk), https://github.com/Azure/OpenShift/issues/186 (a snapshot of a disk).
    kind = DISK if kind_of(source_id).lower() == DISK.lower() else SNAPSHOT
    need_linked(world, call, f"{into}/write", f"{kind}/beginGetAccess/action", source_id)
    source = world.get(source_id)
    if source.shown["location"].lower() != str(body["location"]).lower():
        raise ArmError(
            400,
            "InvalidParameter",
            f"The source {name_of(source_id)} is in another region: {source.shown['location']}.",
        )
    if source.properties["provisioningState"] != "Succeeded" or source.properties.get("diskState") in (
        "ReadyToUpload",
        "ActiveUpload",
    ):
        raise ArmError(409, "OperationNotAllowed", f"The source {name_of(source_id)} is not ready to be copied.")
    return source


def _fill_in(world: World, disk: Resource, wanted: Json, option: str) -> None:
    """What follows from the source, and from the option."""
    creation = disk.properties["creationData"]
    source = world.find(creation.get("sourceResourceId", "")) if option in ("Copy", "Restore") else None
    if source is not None:
        creation.setdefault("sourceUniqueId", source.properties["uniqueId"])
        for key in _INHERITED:
            if key in source.properties:
                disk.properties.setdefault(key, source.properties[key])
    size = world.contents.size(disk.inside["content"])
    gigabytes = -(-size // GIB)
    if int(wanted.get("diskSizeGB", gigabytes)) < gigabytes:
        raise ArmError(400, "InvalidParameter", f"Disk {disk.name} cannot be smaller than its source.")
    disk.properties["diskSizeBytes"] = size
    disk.properties["diskSizeGB"] = gigabytes
    disk.properties["diskState"] = "ReadyToUpload" if option in _UPLOADS else "Unattached"


def _required(body: Json, key: str, name: str) -> Any:
    value = body.get(key)
    if value in (None, "", {}):
        raise ArmError(400, "InvalidParameter", f"Required parameter '{name}' is missing (null).")
    return value
