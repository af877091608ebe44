"""Managed disks and snapshots: what is known of them, links to their bytes, making and removing them.

https://learn.microsoft.com/rest/api/compute/disks ; a link (SAS) to a disk's bytes:
https://learn.microsoft.com/azure/virtual-machines/disks-restrict-import-export-overview
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceNotFoundError
from azure.mgmt.compute.models import (
    CreationData,
    Disk,
    DiskProperties,
    GrantAccessData,
    Snapshot,
    SnapshotProperties,
)

from bootmend.clouds.azure.answers import asking, word
from bootmend.clouds.azure.ids import SNAPSHOT, ResourceId
from bootmend.clouds.cloud import Thing
from bootmend.clouds.naming import MACHINE, OLD_DISK, OURS, ROLE, RUN, is_named_for, other_marks
from bootmend.errors import CloudAway, Misuse, Refused
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.clouds.azure.connection import Connection

READ, WRITE = "Read", "Write"
SHARED_STATES = frozenset(("ActiveSAS", "ActiveSASFrozen", "ActiveUpload"))
FOOTER = 512
"""A disk's blob is a fixed VHD: the disk, then its footer."""


class Disks:
    def __init__(self, connection: Connection) -> None:
        self._disks = connection.client.disks
        self._snapshots = connection.client.snapshots

    def get(self, wanted: ResourceId) -> Disk:
        with asking(wanted.name):
            return self._disks.get(wanted.group, wanted.name)

    def find(self, wanted: ResourceId) -> Disk | Snapshot | None:
        """None where it is gone."""
        with asking(wanted.name):
            try:
                if wanted.is_a(SNAPSHOT):
                    return self._snapshots.get(wanted.group, wanted.name)
                return self._disks.get(wanted.group, wanted.name)
            except ResourceNotFoundError:
                return None

    def snapshot(self, source: ResourceId, name: str, tags: Mapping[str, str]) -> ResourceId:
        """An incremental one: it costs what changed, and is there at once. It is as closed as its disk.

        https://learn.microsoft.com/azure/virtual-machines/disks-incremental-snapshots ; of which kind it is best, Azure
        knows (zone-redundant where the region has zones).
        """
        made = ResourceId(source.subscription, source.group, SNAPSHOT, name)
        if self.find(made) is None:
            disk = self.get(source)
            facts = facts_of(disk)
            properties = SnapshotProperties(
                creation_data=CreationData(create_option="Copy", source_resource_id=str(source)),
                incremental=True,
                network_access_policy=facts.network_access_policy,
                disk_access_id=facts.disk_access_id,
                public_network_access=facts.public_network_access,
                data_access_auth_mode=facts.data_access_auth_mode,
            )
            body = Snapshot(location=disk.location, tags=with_owners(disk, tags), properties=properties)
            with asking(name):
                self._snapshots.begin_create_or_update(made.group, name, body).result()
        return made

    def create(self, wanted: ResourceId, body: Disk) -> None:
        with asking(wanted.name):
            self._disks.begin_create_or_update(wanted.group, wanted.name, body).result()

    def grant(self, wanted: ResourceId, access: str, seconds: int) -> str:
        """A link to its bytes; whoever has it needs no sign-in, so it is revoked as soon as it is not needed."""
        data = GrantAccessData(access=access, duration_in_seconds=seconds)
        with asking(wanted.name):
            if wanted.is_a(SNAPSHOT):
                found = self._snapshots.begin_grant_access(wanted.group, wanted.name, data).result()
            else:
                found = self._disks.begin_grant_access(wanted.group, wanted.name, data).result()
        if not found.access_sas:
            raise CloudAway(say("azure.no_link", what=wanted.name))
        return found.access_sas

    def revoke(self, wanted: ResourceId) -> None:
        with asking(wanted.name):
            if wanted.is_a(SNAPSHOT):
                self._snapshots.begin_revoke_access(wanted.group, wanted.name).result()
            else:
                self._disks.begin_revoke_access(wanted.group, wanted.name).result()

    def is_shared(self, wanted: ResourceId) -> bool:
        """Somebody holds a link to it."""
        found = self.find(wanted)
        state = found.properties.disk_state if found is not None and found.properties is not None else None
        return word(state) in SHARED_STATES

    def remove(self, wanted: ResourceId) -> None:
        """Gone already is fine. Refused for a disk that a machine holds."""
        found = self.find(wanted)
        if found is None:
            return
        if found.managed_by:
            raise Refused(say("clouds.in_use", id=wanted), say("clouds.in_use_next"))
        with asking(wanted.name):
            if wanted.is_a(SNAPSHOT):
                self._snapshots.begin_delete(wanted.group, wanted.name).result()
            else:
                self._disks.begin_delete(wanted.group, wanted.name).result()

    def things(self, group: str = "") -> list[tuple[str, Thing]]:
        """What runs have made in a resource group, or in all, each with the machine it was made for.

        By tag and by name: what merely carries the tags is somebody else's.
        """
        listed: list[Disk | Snapshot]
        with asking(group or "disks"):
            if group:
                listed = [*self._disks.list_by_resource_group(group), *self._snapshots.list_by_resource_group(group)]
            else:
                listed = [*self._disks.list(), *self._snapshots.list()]
        found = []
        for one in listed:
            tags = one.tags or {}
            made = ResourceId.parse(one.id or "")
            if MACHINE in tags and is_named_for(made.name, tags.get(RUN, ""), tags.get(ROLE, "")):
                kind = "snapshot" if isinstance(one, Snapshot) else "disk"
                old_disk = _source_of(one) or tags.get(OLD_DISK, "")
                thing = Thing(str(made), kind, tags[RUN], tags[ROLE], old_disk, other_marks(tags))
                found.append((tags[MACHINE], thing))
        return found


def _source_of(one: Disk | Snapshot) -> str:
    """The disk that a snapshot is of, as Azure itself keeps it; a tag may have been changed."""
    creation = one.properties.creation_data if isinstance(one, Snapshot) and one.properties is not None else None
    return (creation.source_resource_id or "") if creation is not None else ""


def like(source: Disk, creation: CreationData, tags: Mapping[str, str]) -> Disk:
    """A disk that can take the place of `source`: region, zone, kind, generation, plan and key are the same.

    Its owner's tags come along: policies and bills go by them. A copy takes its security type and capabilities from
    the snapshot it is made of, and is refused if they are named: https://github.com/Azure/azure-cli/issues/22561 .
    """
    old = facts_of(source)
    copied = creation.create_option == "Copy"
    properties = DiskProperties(
        creation_data=creation,
        os_type=old.os_type,
        hyper_v_generation=old.hyper_v_generation,
        purchase_plan=old.purchase_plan,
        supported_capabilities=None if copied else old.supported_capabilities,
        supports_hibernation=None if copied else old.supports_hibernation,
        encryption=old.encryption,
        network_access_policy=old.network_access_policy,
        disk_access_id=old.disk_access_id,
        public_network_access=old.public_network_access,
        tier=old.tier,
        bursting_enabled=old.bursting_enabled,
        security_profile=None if copied else old.security_profile,
        data_access_auth_mode=old.data_access_auth_mode,
    )
    return Disk(
        location=source.location,
        zones=source.zones,
        sku=source.sku,
        extended_location=source.extended_location,
        tags=with_owners(source, tags),
        properties=properties,
    )


def with_owners(source: Disk, tags: Mapping[str, str]) -> dict[str, str]:
    """These tags and those that its owner put on the disk, without what an earlier run did."""
    return {**{key: value for key, value in (source.tags or {}).items() if not key.startswith(OURS)}, **tags}


def facts_of(disk: Disk) -> DiskProperties:
    """Misuse where Azure tells nothing of it."""
    if disk.properties is None:
        raise Misuse(say("azure.not_a_disk", id=disk.id))
    return disk.properties
