"""Snapshots of managed disks, full and incremental.

https://learn.microsoft.com/rest/api/compute/snapshots ,
https://learn.microsoft.com/azure/virtual-machines/disks-incremental-snapshots .
"""

from __future__ import annotations

from bootmend.clouds.azure.simulate.disk_source import copy_source
from bootmend.clouds.azure.simulate.disks import need_free, need_no_share
from bootmend.clouds.azure.simulate.ids import SNAPSHOT, resource_id
from bootmend.clouds.azure.simulate.operations import begin, effect
from bootmend.clouds.azure.simulate.router import in_group, in_subscription, one, page, route
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World, merge, new_guid

_FROM_SOURCE = ("osType", "hyperVGeneration", "securityProfile", "diskSizeBytes", "diskSizeGB", "encryption")


@route("PUT", one(SNAPSHOT), SNAPSHOT)
def put(world: World, call: Call) -> Answer:
    body = call.json()
    target = resource_id(call.names, SNAPSHOT)
    wanted = body.get("properties", {})
    world.get(target.split("/providers/")[0])
    existing = world.find(target)
    if existing is not None:
        return _change(world, call, existing, body)
    creation = wanted.get("creationData", {})
    if creation.get("createOption") != "Copy":
        raise ArmError(400, "InvalidParameter", "The double makes snapshots by createOption Copy only.")
    source = copy_source(world, call, {"location": "", **body}, creation, SNAPSHOT)
    shown: Json = {
        "location": body["location"],
        "sku": {"name": "Standard_ZRS", "tier": "Standard", **body.get("sku", {})},
        "properties": {
            "incremental": False,
            "networkAccessPolicy": "AllowAll",
            "publicNetworkAccess": "Enabled",
            **{key: source.properties[key] for key in _FROM_SOURCE if key in source.properties},
            **wanted,
            "creationData": {**creation, "sourceUniqueId": source.properties["uniqueId"]},
            "provisioningState": "Updating",
            "diskState": "Unattached",
            "timeCreated": world.clock.stamp(),
            "uniqueId": new_guid(),
        },
    }
    if body.get("tags"):
        shown["tags"] = body["tags"]
    made = world.put(target, shown, {"content": world.contents.share(source.inside["content"])})
    return begin(world, call, made, "snapshot.made", 5, show=True)


@effect("snapshot.made")
def snapshot_made(_: World, snapshot: Resource, __: Json) -> None:
    # Within a region it is whole at once: completionPercent tells of copies between regions
    # (https://learn.microsoft.com/rest/api/compute/snapshots/get , CopyStart).
    snapshot.properties["provisioningState"] = "Succeeded"
    snapshot.properties["completionPercent"] = 100.0


@route("GET", one(SNAPSHOT), SNAPSHOT)
def get(world: World, call: Call) -> Answer:
    return Answer(200, world.get(resource_id(call.names, SNAPSHOT)).answer())


@route("GET", in_group(SNAPSHOT), SNAPSHOT)
@route("GET", in_subscription(SNAPSHOT), SNAPSHOT)
def listing(world: World, call: Call) -> Answer:
    return page(call, [one.answer() for one in world.every(SNAPSHOT, call.names.get("group"))])


@route("PATCH", one(SNAPSHOT), SNAPSHOT)
def patch(world: World, call: Call) -> Answer:
    return _change(world, call, world.get(resource_id(call.names, SNAPSHOT)), call.json())


@route("DELETE", one(SNAPSHOT), SNAPSHOT)
def delete(world: World, call: Call) -> Answer:
    snapshot = world.find(resource_id(call.names, SNAPSHOT))
    if snapshot is None:
        return Answer(204)
    need_no_share(snapshot)
    need_free(world, snapshot)
    return begin(world, call, snapshot, "disk.deleted", 2)


def _change(world: World, call: Call, snapshot: Resource, body: Json) -> Answer:
    if "tags" in body:
        snapshot.shown["tags"] = body["tags"]
    wanted = {key: value for key, value in body.get("properties", {}).items() if key != "creationData"}
    if wanted.get("incremental", snapshot.properties["incremental"]) != snapshot.properties["incremental"]:
        raise ArmError(409, "PropertyChangeNotAllowed", "Changing property 'incremental' is not allowed.")
    merge(snapshot.properties, wanted)
    return begin(world, call, snapshot, "snapshot.made", 2, show=True)
