"""Links to the bytes of a disk or snapshot: beginGetAccess and endGetAccess.

https://learn.microsoft.com/rest/api/compute/disks/grant-access , .../revoke-access and
https://learn.microsoft.com/azure/virtual-machines/windows/disks-upload-vhd-to-managed-disk-powershell : the link of
an upload disk is for writing, and the disk is of use once it is taken back.
"""

from __future__ import annotations

from bootmend.clouds.azure.simulate import shares
from bootmend.clouds.azure.simulate.blob_bytes import disk_blob, withdraw
from bootmend.clouds.azure.simulate.disks import need_free
from bootmend.clouds.azure.simulate.footer import is_footer
from bootmend.clouds.azure.simulate.ids import DISK, SNAPSHOT, VM, resource_id
from bootmend.clouds.azure.simulate.operations import begin, effect
from bootmend.clouds.azure.simulate.router import one, route
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World, new_guid

_LONGEST = 60 * 86400
"""https://learn.microsoft.com/azure/virtual-machines/windows/download-vhd : since February 2025."""


def _target(world: World, call: Call) -> Resource:
    kind = DISK if "/disks/" in call.path.lower() else SNAPSHOT
    return world.get(resource_id(call.names, kind))


@route("POST", one(DISK) + "/beginGetAccess", DISK)
@route("POST", one(SNAPSHOT) + "/beginGetAccess", SNAPSHOT)
def begin_get_access(world: World, call: Call) -> Answer:
    disk = _target(world, call)
    body = call.json()
    access = body.get("access")
    seconds = body.get("durationInSeconds")
    if access not in ("Read", "Write") or not isinstance(seconds, int) or seconds <= 0:
        raise ArmError(400, "InvalidParameter", "Required parameter 'access' or 'durationInSeconds' is not valid.")
    if seconds > _LONGEST:
        raise ArmError(400, "InvalidParameter", f"The value of parameter durationInSeconds is more than {_LONGEST}.")
    need_free(world, disk)
    state = disk.properties["diskState"]
    _need_open_network(disk)
    holder = world.find(disk.shown.get("managedBy", ""))
    if holder is not None and holder.kind == VM and holder.inside["power"] != "deallocated":
        # https://github.com/microsoft/AzureStorageExplorer/issues/5994
        raise ArmError(
            409,
            "OperationNotAllowed",
            f"Access not permitted because disk {disk.name} is currently attached to running VM {holder.id}.",
        )
    if holder is not None:
        need_free(world, holder)
    uploading = state in ("ReadyToUpload", "ActiveUpload")
    if access == "Write" and not uploading:
        # ASSUMPTION: the documents know writing links for upload disks only.
        raise ArmError(
            409, "OperationNotAllowed", f"Write access to disk {disk.name} is not permitted in state {state}."
        )
    if access == "Read" and uploading:
        # ASSUMPTION: the mirror of the rule above.
        raise ArmError(
            409, "OperationNotAllowed", f"Read access to disk {disk.name} is not permitted in state {state}."
        )
    return begin(world, call, disk, "access.granted", 2, {"access": access, "seconds": seconds, "base": call.base})


@effect("access.granted")
def granted(world: World, disk: Resource, arguments: Json) -> Json:
    """ASSUMPTION: a second link of the same disk is given beside the first, and one revoking ends both."""
    if "blob" not in disk.inside:
        # The name of a disk's blob: https://github.com/microsoft/AzureStorageExplorer/issues/6654
        disk.inside["blob"] = f"/md-impexp-{new_guid()[:8]}/{new_guid()[:12]}/abcd"
        disk_blob(world, disk.inside["blob"], disk)
        world.blobs[disk.inside["blob"]]["open"] = _open_to_the_world(disk)
        disk.inside["state_before"] = disk.properties["diskState"]
    write = arguments["access"] == "Write"
    link, policy = shares.grant(
        world, arguments["base"], disk.inside["blob"], "w" if write else "r", arguments["seconds"]
    )
    disk.inside.setdefault("policies", []).append(policy)
    if write:
        disk.properties["diskState"] = "ActiveUpload"
    elif disk.properties["diskState"] != "ActiveSAS":
        disk.properties["diskState"] = "ActiveSAS"
    return {"accessSAS": link}


@route("POST", one(DISK) + "/endGetAccess", DISK)
@route("POST", one(SNAPSHOT) + "/endGetAccess", SNAPSHOT)
def end_get_access(world: World, call: Call) -> Answer:
    disk = _target(world, call)
    need_free(world, disk)
    return begin(world, call, disk, "access.revoked", 2)


@effect("access.revoked")
def revoked(world: World, disk: Resource, _: Json) -> None:
    """Without a link outstanding nothing happens (ASSUMPTION)."""
    if "blob" not in disk.inside:
        return
    for policy in disk.inside.pop("policies", []):
        shares.revoke(world, policy)
    withdraw(world, disk.inside.pop("blob"))
    before = disk.inside.pop("state_before")
    if disk.properties["diskState"] != "ActiveUpload":
        disk.properties["diskState"] = before
        return
    if not is_footer(bytes.fromhex(disk.inside.get("footer", ""))):
        # https://github.com/microsoft/AzureStorageExplorer/issues/6654 ; that the disk can be uploaded to once more
        # is an ASSUMPTION.
        disk.properties["diskState"] = "ReadyToUpload"
        raise ArmError(
            400,
            "InvalidVhd",
            f"The specified cookie value in VHD footer indicates that disk '{disk.name}' is not a supported VHD. "
            "Disk is expected to have cookie value 'conectix'.",
        )
    disk.properties["diskState"] = "Unattached"


def _need_open_network(disk: Resource) -> None:
    """https://learn.microsoft.com/azure/virtual-machines/disks-restrict-import-export-overview : the policy of a disk
    says from where it may be exported. The words of the answer are an ASSUMPTION."""
    policy = disk.properties.get("networkAccessPolicy")
    if policy == "DenyAll":
        raise ArmError(
            409, "OperationNotAllowed", f"Access to disk {disk.name} is denied by its networkAccessPolicy DenyAll."
        )


def _open_to_the_world(disk: Resource) -> bool:
    """Whether the link alone opens it, from anywhere.

    AllowPrivate asks for a private endpoint, publicNetworkAccess as well; dataAccessAuthMode asks for a sign-in besides
    (https://learn.microsoft.com/azure/virtual-machines/disks-secure-upload-download).
    """
    wanted = {"networkAccessPolicy": "AllowAll", "publicNetworkAccess": "Enabled", "dataAccessAuthMode": "None"}
    return all(disk.properties.get(key, usual) == usual for key, usual in wanted.items())
