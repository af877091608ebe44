"""What makes a machine unlike the plain one: settings that a repair has to know of before it changes anything.

Each is named as an argument of `add_vm`; the shapes are those of
https://learn.microsoft.com/rest/api/compute/virtual-machines/create-or-update and .../disks/create-or-update .
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bootmend.clouds.azure.simulate.groups import make_lock
from bootmend.clouds.azure.simulate.ids import group_id
from bootmend.clouds.azure.simulate.world import Resource, World

_Oddity = Callable[[World, Resource, Resource, Any], None]


def set_oddities(world: World, vm: Resource, disk: Resource, oddities: dict[str, Any]) -> None:
    """KeyError for a name that is none."""
    for name, value in oddities.items():
        _ODDITIES[name](world, vm, disk, value)


def _security_type(_: World, vm: Resource, disk: Resource, value: str) -> None:
    """TrustedLaunch or ConfidentialVM."""
    vm.properties["securityProfile"] = {
        "securityType": value,
        "uefiSettings": {"secureBootEnabled": True, "vTpmEnabled": True},
    }
    of_disk = value if value == "TrustedLaunch" else "ConfidentialVM_DiskEncryptedWithPlatformKey"
    disk.properties["securityProfile"] = {"securityType": of_disk}
    if value != "TrustedLaunch":
        security = {"securityEncryptionType": "DiskWithVMGuestState"}
        vm.properties["storageProfile"]["osDisk"]["managedDisk"]["securityProfile"] = security


def _encryption(world: World, vm: Resource, disk: Resource, value: str) -> None:
    """ade: BitLocker by the extension; des: a customer's key; host: at the host."""
    vault = f"{group_id(world.subscription, vm.group)}/providers/Microsoft.KeyVault/vaults/keys"
    if value == "ade":
        key = {"secretUrl": "https://keys.vault.azure.net/secrets/bek/1", "sourceVault": {"id": vault}}
        vm.properties["storageProfile"]["osDisk"]["encryptionSettings"] = {"enabled": True, "diskEncryptionKey": key}
        settings = {
            "enabled": True,
            "encryptionSettings": [{"diskEncryptionKey": key}],
            "encryptionSettingsVersion": "1.1",
        }
        disk.properties["encryptionSettingsCollection"] = settings
    elif value == "des":
        key_set = f"{group_id(world.subscription, vm.group)}/providers/Microsoft.Compute/diskEncryptionSets/own-key"
        disk.properties["encryption"] = {"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": key_set}
        vm.properties["storageProfile"]["osDisk"]["managedDisk"]["diskEncryptionSet"] = {"id": key_set}
    elif value == "host":
        vm.properties.setdefault("securityProfile", {})["encryptionAtHost"] = True
    else:
        raise KeyError(value)


def _sku(_: World, vm: Resource, disk: Resource, value: str) -> None:
    disk.shown["sku"] = {"name": value, "tier": value.partition("_")[0]}
    if value.endswith("_ZRS"):
        # https://github.com/Azure/terraform-azurerm-avm-res-compute-virtualmachine/issues/236
        disk.shown.pop("zones", None)
    vm.properties["storageProfile"]["osDisk"]["managedDisk"]["storageAccountType"] = value


def _ephemeral(_: World, vm: Resource, __: Resource, value: bool) -> None:
    if value:
        settings = {"option": "Local", "placement": "ResourceDisk"}
        vm.properties["storageProfile"]["osDisk"] |= {"diffDiskSettings": settings, "caching": "ReadOnly"}


def _network_access_policy(_: World, __: Resource, disk: Resource, value: str) -> None:
    disk.properties["networkAccessPolicy"] = value
    if value == "AllowPrivate":
        disk.properties["diskAccessId"] = f"{disk.id.rsplit('/disks/', 1)[0]}/diskAccesses/private"


def _public_network_access(_: World, __: Resource, disk: Resource, value: str) -> None:
    disk.properties["publicNetworkAccess"] = value


def _data_access_auth_mode(_: World, __: Resource, disk: Resource, value: str) -> None:
    """AzureActiveDirectory: a link is of no use without a sign-in."""
    disk.properties["dataAccessAuthMode"] = value


def _lock(world: World, vm: Resource, _: Resource, value: str) -> None:
    make_lock(world, vm.id, value, "keep")


def _scale_set(world: World, vm: Resource, _: Resource, value: str) -> None:
    kind = "Microsoft.Compute/virtualMachineScaleSets"
    vm.properties["virtualMachineScaleSet"] = {
        "id": f"{group_id(world.subscription, vm.group)}/providers/{kind}/{value}"
    }


def _identity(world: World, vm: Resource, _: Resource, value: str) -> None:
    """A managed identity of the user's."""
    kind = "Microsoft.ManagedIdentity/userAssignedIdentities"
    known = f"{group_id(world.subscription, vm.group)}/providers/{kind}/{value}"
    vm.shown["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {known: {}}}


def _agent(_: World, vm: Resource, __: Resource, value: bool) -> None:
    vm.inside["agent"] = value


def _boot_diagnostics(_: World, vm: Resource, __: Resource, value: bool) -> None:
    vm.properties["diagnosticsProfile"] = {"bootDiagnostics": {"enabled": value}}


def _tags(_: World, vm: Resource, __: Resource, value: dict[str, str]) -> None:
    vm.shown["tags"] = value


_ODDITIES: dict[str, _Oddity] = {
    "agent": _agent,
    "boot_diagnostics": _boot_diagnostics,
    "data_access_auth_mode": _data_access_auth_mode,
    "encryption": _encryption,
    "ephemeral": _ephemeral,
    "identity": _identity,
    "lock": _lock,
    "network_access_policy": _network_access_policy,
    "public_network_access": _public_network_access,
    "scale_set": _scale_set,
    "security_type": _security_type,
    "sku": _sku,
    "tags": _tags,
}
