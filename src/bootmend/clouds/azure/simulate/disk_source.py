"""Where a new disk's bytes come from, and what it takes over from its source."""

from __future__ import annotations

from typing import Any

from bootmend.clouds.azure.simulate.ids import DISK, SNAPSHOT, kind_of, name_of
from bootmend.clouds.azure.simulate.permissions import need_linked
from bootmend.clouds.azure.simulate.wire import ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World

GIB = 1 << 30
FOOTER = 512
"""A disk's blob is a fixed VHD: the upload size is the disk's size and 512 bytes
(https://learn.microsoft.com/azure/virtual-machines/linux/disks-upload-vhd-to-managed-disk-cli)."""
_UPLOADS = ("Upload", "UploadPreparedSecure")
_INHERITED = (
    "osType",
    "hyperVGeneration",
    "securityProfile",
    "supportedCapabilities",
    "supportsHibernation",
    "encryptionSettingsCollection",
)


def content_for(world: World, call: Call, body: Json, wanted: Json) -> str:
    creation = wanted["creationData"]
    option = creation["createOption"]
    if option == "Empty":
        return world.contents.empty(int(required(wanted, "diskSizeGB", "disk.properties.diskSizeGB")) * GIB)
    if option in _UPLOADS:
        size = int(required(creation, "uploadSizeBytes", "disk.properties.creationData.uploadSizeBytes")) - FOOTER
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
    security = wanted.get("securityProfile", {}).get("securityType")
    if option in ("Copy", "Restore") and security:
        # https://github.com/Azure/azure-cli/issues/22561 : a copy takes it from its source.
        raise ArmError(
            400,
            "BadRequest",
            f"Security Type '{security}' is not supported for CreateOption '{option}'. Supported create options are "
            "FromImage, Import, ImportSecure, UploadPreparedSecure.",
        )
    if option in ("Copy", "Restore"):
        return world.contents.share(copy_source(world, call, body, creation, DISK).inside["content"])
    raise ArmError(400, "InvalidParameter", f"The double does not make disks by createOption {option}.")


def copy_source(world: World, call: Call, body: Json, creation: Json, into: str) -> Resource:
    """The disk or snapshot that a new one is copied from."""
    source_id = required(creation, "sourceResourceId", "creationData.sourceResourceId")
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


def fill_in(world: World, disk: Resource, wanted: Json, option: str) -> None:
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


def required(body: Json, key: str, name: str) -> Any:
    value = body.get(key)
    if value in (None, "", {}):
        raise ArmError(400, "InvalidParameter", f"Required parameter '{name}' is missing (null).")
    return value
