"""Long-running operations: what a call sets going, and how its end is waited for.

https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations : the answer has an
`Azure-AsyncOperation` link (status InProgress, Succeeded, Failed) and a `Location` link (202 until done), and the
resource a `provisioningState` that is none of the three final words meanwhile. `Retry-After` says when to ask again.

An operation ends when the clock says so; its effect is applied before the next call is looked at (`settle`), by the
function that is registered under its name. So operations go on over a restart of the double.
"""

from __future__ import annotations

from collections.abc import Callable

from bootmend.clouds.azure.simulate.ids import DISK, SNAPSHOT
from bootmend.clouds.azure.simulate.router import in_subscription, route
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World, new_guid

Effect = Callable[[World, Resource, Json], Json | None]
"""Applies the end of an operation to its target; what it gives is the operation's output."""

_EFFECTS: dict[str, Effect] = {}
_POLL_SECONDS = 5


def effect(name: str) -> Callable[[Effect], Effect]:
    def register(function: Effect) -> Effect:
        _EFFECTS[name] = function
        return function

    return register


def begin(
    world: World,
    call: Call,
    target: Resource,
    name: str,
    seconds: float | None,
    arguments: Json | None = None,
    *,
    status: int = 202,
    show: bool = False,
) -> Answer:
    """Sets an operation going that takes Azure so many seconds (None: until `finish`), and tells where to wait."""
    operation = new_guid()
    world.operations[operation] = {
        "target": target.id,
        "effect": name,
        "arguments": arguments or {},
        "started": world.clock.now(),
        "ended": None,
        "ends": None if seconds is None else world.clock.after(seconds),
        "status": "InProgress",
        "doomed": world.settings.pop("doom", None),
    }
    world.under_way.add(operation)
    # DiskRP and the compute provider keep their operations apart:
    # https://github.com/Azure/azure-rest-api-specs, specification/compute, examples of DiskRP and ComputeRP.
    family = "DiskOperations" if target.kind in (DISK, SNAPSHOT) else "operations"
    place = target.shown.get("location", "global")
    link = f"{call.base}{in_subscription('Microsoft.Compute')}/locations/{place}/{family}/{operation}".replace(
        "{subscription}", world.subscription
    )
    version = call.query.get("api-version", "")
    answer = Answer(status, target.answer() if show else None)
    answer.headers["Azure-AsyncOperation"] = f"{link}?p={new_guid()}&api-version={version}"
    answer.headers["Location"] = f"{link}?p={new_guid()}&monitor=true&api-version={version}"
    answer.headers.update(world.clock.pause(_POLL_SECONDS))
    return answer


def finish(world: World, operation: str) -> None:
    """Its work is done: it ends before the next call is looked at."""
    world.operations[operation]["ends"] = world.clock.azure_now()


def running(world: World, target: Resource) -> list[Json]:
    under_way = (world.operations[name] for name in world.under_way)
    return [one for one in under_way if one["target"] == target.id]


def settle(world: World) -> None:
    """Applies the ends of all operations whose time has come, in their order."""
    now = world.clock.azure_now()
    under_way = {name: world.operations[name] for name in world.under_way}
    due = [name for name, one in under_way.items() if one["ends"] is not None and one["ends"] <= now]
    world.changed = world.changed or bool(due)
    for name in sorted(due, key=lambda name: float(under_way[name]["ends"])):
        one = under_way[name]
        world.under_way.discard(name)
        target = world.find(one["target"])
        one["ended"] = world.clock.now()
        try:
            if target is None:
                raise ArmError(409, "Conflict", "The resource went away while an operation on it was under way.")
            if one["doomed"]:
                _fail(target)
                raise ArmError(409, one["doomed"]["code"], one["doomed"]["message"])
            one["output"] = _EFFECTS[one["effect"]](world, target, one["arguments"])
            one["status"] = "Succeeded"
        except ArmError as error:
            one["status"] = "Failed"
            one["error"] = {"code": error.code, "message": error.message}


def _fail(target: Resource) -> None:
    if "provisioningState" in target.properties:
        target.properties["provisioningState"] = "Failed"
    if target.inside.get("power") in ("starting", "deallocating", "stopping"):
        # ASSUMPTION: a start or stop that failed leaves the machine as it stood before.
        target.inside["power"] = target.inside["power_before"]


def _poll(world: World, call: Call) -> Answer:
    name = call.names["operation"]
    one = world.operations.get(name)
    if one is None:
        raise ArmError(404, "NotFound", f"The entity was not found: operation {name}.")
    waiting = world.clock.pause(_POLL_SECONDS)
    if call.query.get("monitor") == "true":
        if one["status"] == "InProgress":
            return Answer(202, None, {"Location": f"{call.base}{call.path}?{_again(call)}", **waiting})
        if one["status"] == "Failed":
            return Answer(409, {"error": one["error"]})
        return Answer(200, one["output"])
    shown: Json = {"name": name, "status": one["status"], "startTime": world.clock.stamp(one["started"])}
    if one["status"] == "InProgress":
        return Answer(200, shown, waiting)
    shown["endTime"] = world.clock.stamp(one["ended"])
    if one["status"] == "Failed":
        shown["error"] = one["error"]
    elif one["output"] is not None:
        shown["properties"] = {"output": one["output"]}
    return Answer(200, shown)


def _again(call: Call) -> str:
    return "&".join(f"{key}={value}" for key, value in call.query.items())


for _family in ("operations", "DiskOperations"):
    _kind = f"Microsoft.Compute/locations/{_family}"
    route("GET", in_subscription("Microsoft.Compute/locations/{location}/" + _family + "/{operation}"), _kind)(_poll)
