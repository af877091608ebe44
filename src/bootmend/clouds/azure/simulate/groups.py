"""Resource groups, and management locks on what is in them.

https://learn.microsoft.com/rest/api/resources/resource-groups ,
https://learn.microsoft.com/rest/api/resources/management-locks .
"""

from __future__ import annotations

from bootmend.clouds.azure.simulate.ids import GROUP, LOCK, group_id
from bootmend.clouds.azure.simulate.router import route
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World

_ALL = "/subscriptions/{subscription}/resourcegroups"
_ONE = _ALL + "/{group}"
_LOCKS = "/providers/Microsoft.Authorization/locks"


def make_group(world: World, name: str, location: str, tags: Json | None = None) -> Resource:
    target = group_id(world.subscription, name)
    shown: Json = {"location": location, "properties": {"provisioningState": "Succeeded"}}
    if tags:
        shown["tags"] = tags
    return world.put(target, shown)


def make_lock(world: World, scope: str, level: str, name: str) -> Resource:
    """`level` is CanNotDelete or ReadOnly."""
    shown: Json = {"properties": {"level": level, "notes": "made by the double"}}
    target = f"{scope}{_LOCKS}/{name}"
    lock = Resource(target, LOCK, {"id": target, "name": name, "type": LOCK, **shown}, {"scope": scope, "scene": True})
    world.resources[target.lower()] = lock
    return lock


@route("GET", _ALL, GROUP)
def listing(world: World, _: Call) -> Answer:
    return Answer(200, {"value": [group.answer() for group in world.every(GROUP)]})


@route("GET", _ONE, GROUP)
@route("HEAD", _ONE, GROUP)
def get(world: World, call: Call) -> Answer:
    group = world.find(group_id(call.names["subscription"], call.names["group"]))
    if group is None:
        name = call.names["group"]
        raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
    return Answer(204) if call.method == "HEAD" else Answer(200, group.answer())


@route("PUT", _ONE, GROUP)
def put(world: World, call: Call) -> Answer:
    body = call.json()
    known = world.find(group_id(call.names["subscription"], call.names["group"]))
    if known is not None:
        known.shown["tags"] = body.get("tags", {})
        return Answer(200, known.answer())
    return Answer(201, make_group(world, call.names["group"], body["location"], body.get("tags")).answer())


@route("GET", "/subscriptions/{subscription}" + _LOCKS, LOCK)
@route("GET", _ONE + _LOCKS, LOCK)
@route("GET", _ONE + "/providers/{provider}/{type}/{name}" + _LOCKS, LOCK)
def locks(world: World, call: Call) -> Answer:
    """Those at the scope, below it and above it (https://learn.microsoft.com/rest/api/resources/management-locks)."""
    scope = call.path.lower().removesuffix(_LOCKS.lower())
    found = []
    for lock in world.every(LOCK):
        other = str(lock.inside["scope"]).lower()
        if other.startswith(scope) or scope.startswith(other):
            found.append(lock.answer())
    return Answer(200, {"value": found})
