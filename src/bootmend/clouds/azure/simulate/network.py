"""The little of Microsoft.Network that a machine without a public address needs.

https://learn.microsoft.com/rest/api/virtualnetwork/virtual-networks , .../network-interfaces . A new network is
Updating for some seconds, and nothing joins it meanwhile: https://github.com/hashicorp/terraform/pull/14365 .
ASSUMPTION: all else is done when the call is answered, which the documents allow.
"""

from __future__ import annotations

import copy

from bootmend.clouds.azure.simulate.ids import NIC, NSG, SUBNET, VNET, kind_of, resource_id
from bootmend.clouds.azure.simulate.permissions import need_linked
from bootmend.clouds.azure.simulate.router import in_group, in_subscription, one, route
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World, new_guid

_MAKING = 4.0
"""Seconds of Azure's."""
_KINDS = (NIC, NSG, SUBNET, VNET)


def put(world: World, call: Call) -> Answer:
    kind = _kind(call)
    body = call.json()
    target = resource_id(call.names, kind)
    old = world.find(target)
    properties: Json = copy.deepcopy(body.get("properties", {}))
    properties["provisioningState"] = "Succeeded"
    properties["resourceGuid"] = old.properties["resourceGuid"] if old else new_guid()
    shown: Json = {key: body[key] for key in ("location", "tags") if key in body} | {"properties": properties}
    if kind == NIC:
        _join(world, call, properties, f"{NIC}/write")
    made = world.put(target, shown, old.inside if old else None)
    if kind == SUBNET:
        _show_in_network(world, target.rsplit("/subnets/", 1)[0])
    if kind == VNET:
        _take_subnets(world, made, properties.get("subnets") or [])
        made.inside["ready"] = made.inside.get("ready") or world.clock.after(_MAKING)
        _tell_state(world, made)
    return Answer(200 if old else 201, made.answer())


def get(world: World, call: Call) -> Answer:
    known = world.get(resource_id(call.names, _kind(call)))
    _tell_state(world, known)
    return Answer(200, known.answer())


def listing(world: World, call: Call) -> Answer:
    kind = kind_of(f"{call.path}/-") if "group" in call.names else "/".join(call.path.split("/")[4:])
    return Answer(200, {"value": [known.answer() for known in world.every(kind, call.names.get("group"))]})


def delete(world: World, call: Call) -> Answer:
    known = world.find(resource_id(call.names, _kind(call)))
    if known is None:
        return Answer(204)
    if known.properties.get("virtualMachine"):
        raise ArmError(400, "NicInUse", f"Network Interface {known.id} is used by existing VM.")
    inside = [child for child in world.resources.values() if child.id.lower().startswith(f"{known.id.lower()}/")]
    for child in [known, *inside]:
        if any(child.id.lower() in str(nic.properties.get("ipConfigurations", "")).lower() for nic in world.every(NIC)):
            # https://learn.microsoft.com/troubleshoot/azure/virtual-network/virtual-network-troubleshoot-cannot-delete-vnet
            raise ArmError(400, "InUseSubnetCannotBeDeleted", f"Subnet {child.name} is in use and cannot be deleted.")
    for child in [known, *inside]:
        world.drop(child.id)
    return Answer(200)


def make_nic(world: World, call: Call, vm: Resource, wanted: Json) -> Json:
    """A network interface made together with its machine (networkInterfaceConfigurations)."""
    settings = wanted.get("properties", {})
    properties: Json = {"ipConfigurations": copy.deepcopy(settings.get("ipConfigurations", []))}
    _join(world, call, properties, "Microsoft.Compute/virtualMachines/write")
    properties |= {"provisioningState": "Succeeded", "resourceGuid": new_guid(), "virtualMachine": {"id": vm.id}}
    target = f"{vm.id.split('/providers/')[0]}/providers/{NIC}/{wanted['name']}"
    nic = world.put(target, {"location": vm.shown["location"], "properties": properties})
    keep = {key: settings[key] for key in ("deleteOption", "primary") if key in settings}
    return {"id": nic.id, "properties": keep}


def _join(world: World, call: Call, properties: Json, action: str) -> None:
    """Each address lies in a subnet that is there and may be joined."""
    for at, config in enumerate(properties.get("ipConfigurations") or [], 4):
        subnet = config.get("properties", {}).get("subnet", {}).get("id", "")
        need_linked(world, call, action, f"{SUBNET}/join/action", subnet)
        network = world.get(world.get(subnet).id.rsplit("/subnets/", 1)[0])
        _tell_state(world, network)
        if network.properties["provisioningState"] != "Succeeded":
            raise ArmError(429, "ReferencedResourceNotProvisioned", f"{network.id} is in Updating state.")
        config["properties"].setdefault("privateIPAddress", f"10.0.0.{at}")


def _tell_state(world: World, known: Resource) -> None:
    if "ready" in known.inside:
        done = known.inside["ready"] <= world.clock.azure_now()
        known.properties["provisioningState"] = "Succeeded" if done else "Updating"


def _take_subnets(world: World, network: Resource, subnets: list[Json]) -> None:
    for subnet in subnets:
        properties = {**subnet.get("properties", {}), "provisioningState": "Succeeded"}
        world.put(f"{network.id}/subnets/{subnet['name']}", {"properties": properties})
    _show_in_network(world, network.id)


def _show_in_network(world: World, network: str) -> None:
    inside = [net.answer() for net in world.every(SUBNET) if net.id.lower().startswith(f"{network.lower()}/")]
    world.get(network).properties["subnets"] = inside


def _kind(call: Call) -> str:
    return next(kind for kind in _KINDS if kind.lower() == kind_of(call.path).lower())


for _one in _KINDS:
    route("PUT", one(_one), _one)(put)
    route("GET", one(_one), _one)(get)
    route("DELETE", one(_one), _one)(delete)
    if _one != SUBNET:
        route("GET", in_group(_one), _one)(listing)
        route("GET", in_subscription(_one), _one)(listing)
