"""What bars a machine from being repaired, or one way of it: each known before anything is changed.

Every answer says where it was read; what could not be looked up is barred on the safe side and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from azure.core.rest import HttpRequest
from azure.mgmt.compute.models import Disk, VirtualMachine

from bootmend.clouds.azure.answers import asking, word
from bootmend.clouds.azure.disks import SHARED_STATES, facts_of
from bootmend.clouds.azure.machines import os_disk_of, properties_of, view_of
from bootmend.clouds.cloud import How, Obstacle
from bootmend.errors import BootmendError, CloudAway, InputError
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.clouds.azure.connection import Connection

DIRECT = frozenset({How.DIRECT})
LINKS = frozenset({How.DIRECT, How.READ})
"""What needs a link to the bytes."""
REPAIRS = frozenset({How.DIRECT, How.HELPER})
NEITHER: frozenset[How] = frozenset()
"""Bars no way: something to know."""
_MOST_PAGES = 100
_LOCKS = "2020-05-01"
"""Version of Microsoft.Authorization/locks."""
_KINDS = frozenset(("Standard_LRS", "StandardSSD_LRS", "StandardSSD_ZRS", "Premium_LRS", "Premium_ZRS"))
"""https://learn.microsoft.com/azure/virtual-machines/disks-types : an OS disk is of none other."""


def obstacles(connection: Connection, vm: VirtualMachine, disk: Disk) -> list[Obstacle]:
    return [*_of_machine(vm), *_of_disk(vm, disk), *_of_locks(connection, vm, disk)]


def _of_machine(vm: VirtualMachine) -> Iterator[Obstacle]:
    properties, os_disk = properties_of(vm), os_disk_of(vm)
    if os_disk is not None and word(os_disk.os_type).lower() not in ("", "windows"):
        yield _bar("not_windows", name=vm.name)
    if os_disk is not None and os_disk.diff_disk_settings is not None and os_disk.diff_disk_settings.option:
        # https://learn.microsoft.com/azure/virtual-machines/ephemeral-os-disks : no snapshots, no swap.
        yield _bar("ephemeral", name=vm.name)
    if properties.virtual_machine_scale_set is not None:
        # Swapping the OS disk of an instance is documented for no kind of scale set.
        yield _bar("scale_set", REPAIRS, name=vm.name)
    security = word(properties.security_profile.security_type) if properties.security_profile else ""
    if security.lower() == "confidentialvm":
        # https://learn.microsoft.com/azure/confidential-computing/confidential-vm-faq : keys are bound to the machine.
        yield _bar("confidential", name=vm.name)
    elif security.lower() == "trustedlaunch":
        # https://learn.microsoft.com/azure/virtual-machines/trusted-launch-faq : its disk carries a guest state.
        yield _bar("trusted_launch", DIRECT, name=vm.name)
    codes = [(status.code or "").lower() for status in view_of(vm).statuses or []]
    if "hibernationstate/hibernated" in codes:
        # https://learn.microsoft.com/azure/virtual-machines/hibernate-resume : the session lies on the OS disk.
        yield _bar("hibernated", REPAIRS, name=vm.name)


def _of_disk(vm: VirtualMachine, disk: Disk) -> Iterator[Obstacle]:
    facts, os_disk = facts_of(disk), os_disk_of(vm)
    ade = facts.encryption_settings_collection is not None and facts.encryption_settings_collection.enabled
    by_machine = os_disk is not None and os_disk.encryption_settings is not None and os_disk.encryption_settings.enabled
    if ade or by_machine:
        # https://learn.microsoft.com/azure/virtual-machines/windows/disk-encryption-overview : BitLocker inside.
        yield _bar("ade", name=disk.name)
    kind = word(disk.sku.name) if disk.sku is not None else ""
    if kind and kind not in _KINDS:
        yield _bar("kind", name=disk.name, kind=kind)
    policy = word(facts.network_access_policy) or "AllowAll"
    if policy != "AllowAll" or word(facts.public_network_access) == "Disabled":
        # https://learn.microsoft.com/azure/virtual-machines/disks-restrict-import-export-overview
        yield _bar("network", LINKS, name=disk.name, policy=policy)
    if "azureactivedirectory" in word(facts.data_access_auth_mode).lower():
        # https://learn.microsoft.com/azure/virtual-machines/windows/download-vhd#secure-downloads-with-azure-ad
        yield _bar("data_access", LINKS, name=disk.name)
    if word(facts.disk_state) in SHARED_STATES:
        yield _bar("shared", name=disk.name)
    if (facts.disk_size_bytes or 0) % (1 << 20):
        yield _bar("odd_size", DIRECT, name=disk.name, size=facts.disk_size_bytes)
    if facts.encryption is not None and facts.encryption.disk_encryption_set_id:
        # https://learn.microsoft.com/azure/virtual-machines/disk-encryption : the copy is encrypted by the same set.
        yield _bar("customer_key", NEITHER, name=disk.name, own=facts.encryption.disk_encryption_set_id)


def _of_locks(connection: Connection, vm: VirtualMachine, disk: Disk) -> Iterator[Obstacle]:
    """https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources

    ReadOnly bars every change. CanNotDelete would leave what a run makes lying there for ever.
    """
    seen = set()
    for scope in (vm.id or "", disk.id or ""):
        try:
            found = _locks(connection, scope)
        except CloudAway:
            raise
        except BootmendError:
            # To read locks is a permission of its own; without it they are met when they bite.
            yield _bar("locks_unknown", NEITHER, name=scope.rsplit("/", 1)[-1])
            return
        for lock in found:
            name = str(lock.get("id", ""))
            properties = lock.get("properties")
            level = str(properties.get("level", "")) if isinstance(properties, dict) else ""
            if name not in seen and level in ("ReadOnly", "CanNotDelete"):
                seen.add(name)
                yield _bar("lock", name=name, level=level)


def _locks(connection: Connection, scope: str) -> list[dict[str, Any]]:
    """Those on a resource and on what it is in."""
    url, locks = f"{scope}/providers/Microsoft.Authorization/locks?api-version={_LOCKS}", list[dict[str, Any]]()
    for _ in range(_MOST_PAGES):
        with asking(scope):
            answer = connection.client.send_request(HttpRequest("GET", url))
            answer.raise_for_status()
        try:
            told = answer.json()
            locks += [one for one in told["value"] if isinstance(one, dict)]
            url = told.get("nextLink") or ""
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(say("azure.strange_answer", what=scope)) from error
        if not url:
            break
    return locks


def _bar(key: str, ways: frozenset[How] = frozenset(How), **values: object) -> Obstacle:
    return Obstacle(say(f"azure.bar_{key}", **values), say(f"azure.bar_{key}_next"), ways)
