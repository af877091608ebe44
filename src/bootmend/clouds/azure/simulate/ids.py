"""Names of resources: /subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/disks/NAME.

ARM compares ids without regard to case (https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules).
"""

from __future__ import annotations

from collections.abc import Mapping

from bootmend.clouds.azure.simulate.wire import ArmError

VM = "Microsoft.Compute/virtualMachines"
RUN_COMMAND = "Microsoft.Compute/virtualMachines/runCommands"
DISK = "Microsoft.Compute/disks"
SNAPSHOT = "Microsoft.Compute/snapshots"
NIC = "Microsoft.Network/networkInterfaces"
VNET = "Microsoft.Network/virtualNetworks"
NSG = "Microsoft.Network/networkSecurityGroups"
SUBNET = "Microsoft.Network/virtualNetworks/subnets"
GROUP = "Microsoft.Resources/resourceGroups"
LOCK = "Microsoft.Authorization/locks"


def group_id(subscription: str, group: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def resource_id(names: Mapping[str, str], kind: str) -> str:
    """The id of the resource that a call names: its places are `subscription`, `group`, `name` and `child`."""
    provider, *types = kind.split("/")
    steps = zip(types, (names["name"], names.get("child", "")), strict=False)
    tail = "".join(f"/{kind}/{name}" for kind, name in steps)
    return f"{group_id(names['subscription'], names['group'])}/providers/{provider}{tail}"


def kind_of(resource: str) -> str:
    """The type of a resource id, such as Microsoft.Compute/disks; 400 for what is no id."""
    parts = resource.strip("/").split("/")
    if len(parts) == 4 and parts[2].lower() == "resourcegroups":
        return GROUP
    if len(parts) < 8 or parts[4].lower() != "providers" or len(parts) % 2:
        raise ArmError(400, "LinkedInvalidPropertyId", f"Property id '{resource}' is not a resource id.")
    return "/".join([parts[5], *parts[6::2]])


def group_of(resource: str) -> str:
    return resource.strip("/").split("/")[3]


def name_of(resource: str) -> str:
    return resource.rsplit("/", 1)[1]
