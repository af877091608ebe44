"""What becomes of a machine that is switched on, moment by moment.

Whether its OS disk boots is asked of the machine's own oracle (oracles.py), not of bootmend.

    switched on -> firmware (5 s) -> booting (`after` s) -> the outcome's state -> with `then`: that one's state, later
    with `lag`: for so many seconds the outside still sees what was before this start
"""

from __future__ import annotations

from bootmend.clouds.azure.simulate.disks import moved
from bootmend.clouds.azure.simulate.ids import DISK
from bootmend.clouds.azure.simulate.oracles import judge
from bootmend.clouds.azure.simulate.os_disks import os_disk
from bootmend.clouds.azure.simulate.wire import Json
from bootmend.clouds.azure.simulate.world import Resource, World

BOOT_SECONDS = 60.0
"""From switched on to a sign-in screen, or to a stop."""
_FIRMWARE_SECONDS = 5.0


def power_on(world: World, vm: Resource) -> None:
    """Its OS disk is looked at here and now, as the firmware does."""
    _remember(world, vm)
    vm.inside["power"] = "running"
    vm.inside["started"] = world.clock.azure_now()
    vm.inside["changed"] = world.clock.stamp()
    vm.inside["boots"] = int(vm.inside.get("boots", 0)) + 1
    vm.inside["outcome"] = judge(world, vm, world.contents.path(os_disk(world, vm).inside["content"]))
    _mark_disks(world, vm)


def power_off(world: World, vm: Resource, power: str) -> None:
    _remember(world, vm)
    vm.properties["provisioningState"] = "Succeeded"
    vm.inside["power"] = power
    vm.inside["changed"] = world.clock.stamp()
    vm.inside.pop("started", None)
    _mark_disks(world, vm)


def phase(world: World, vm: Resource) -> str:
    """off, firmware (nothing to see yet), booting, or the outcome's own word: ready, stop, stuck, black, ..."""
    return _now(world, vm)[0]


def seen(world: World, vm: Resource) -> tuple[str, Json, str | None]:
    """(phase, outcome, since when it is no longer true): what boot diagnostics and the agent's status show."""
    now, outcome = _now(world, vm)
    last = vm.inside.get("last")
    if last is not None and now != "off" and _seconds(world, vm) < float(vm.inside["outcome"].get("lag", 0)):
        return last["phase"], last["outcome"], last["time"]
    return now, outcome, None


def last_seen(vm: Resource) -> tuple[str, Json] | None:
    """What it showed when it was last switched off."""
    last = vm.inside.get("last")
    return None if last is None else (last["phase"], last["outcome"])


def _now(world: World, vm: Resource) -> tuple[str, Json]:
    if vm.inside["power"] == "deallocated" or "started" not in vm.inside:
        return "off", {}
    outcome: Json = vm.inside["outcome"]
    seconds = _seconds(world, vm)
    if seconds < _FIRMWARE_SECONDS:
        return "firmware", outcome
    if seconds < float(outcome.get("after", BOOT_SECONDS)):
        return "booting", outcome
    later: Json = outcome.get("then", {})
    if later and seconds >= float(later["after"]):
        return str(later["state"]), later
    return str(outcome["state"]), outcome


def _seconds(world: World, vm: Resource) -> float:
    return float(world.clock.azure_now() - vm.inside["started"])


def _remember(world: World, vm: Resource) -> None:
    now, outcome = _now(world, vm) if "outcome" in vm.inside else ("off", {})
    if now != "off":
        vm.inside["last"] = {"phase": now, "outcome": outcome, "time": world.clock.stamp()}


def _mark_disks(world: World, vm: Resource) -> None:
    for disk in world.every(DISK):
        if disk.shown.get("managedBy", "").lower() != vm.id.lower():
            continue
        moved(world, disk)
        if disk.properties["diskState"] != "ActiveSAS":
            disk.properties["diskState"] = "Reserved" if vm.inside["power"] == "deallocated" else "Attached"
