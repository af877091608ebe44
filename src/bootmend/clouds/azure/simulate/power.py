"""Deallocating, starting, restarting and switching off.

https://learn.microsoft.com/azure/virtual-machines/states-billing : the power states.
"""

from __future__ import annotations

from bootmend.clouds.azure.simulate.boot import power_off, power_on
from bootmend.clouds.azure.simulate.disks import need_free, need_no_share
from bootmend.clouds.azure.simulate.ids import DISK, VM, resource_id
from bootmend.clouds.azure.simulate.operations import begin, effect
from bootmend.clouds.azure.simulate.os_disks import need_lasting_disk
from bootmend.clouds.azure.simulate.router import one, route
from bootmend.clouds.azure.simulate.vms import need_idle
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World


@route("POST", one(VM) + "/deallocate", VM)
def deallocate(world: World, call: Call) -> Answer:
    need_lasting_disk(world.get(resource_id(call.names, VM)), "deallocated")
    return _off(world, call, "deallocating", "vm.deallocated", 40)


@route("POST", one(VM) + "/powerOff", VM)
def stop(world: World, call: Call) -> Answer:
    return _off(world, call, "stopping", "vm.stopped", 20)


@route("POST", one(VM) + "/start", VM)
def start(world: World, call: Call) -> Answer:
    vm = world.get(resource_id(call.names, VM))
    disks = [disk for disk in world.every(DISK) if disk.shown.get("managedBy", "").lower() == vm.id.lower()]
    for disk in disks:
        need_no_share(disk)
        need_free(world, disk)
    return _switch(world, call, "starting", "vm.started", 30)


@route("POST", one(VM) + "/restart", VM)
def restart(world: World, call: Call) -> Answer:
    vm = world.get(resource_id(call.names, VM))
    if vm.inside["power"] != "running":
        # ASSUMPTION: the documents speak of running machines only.
        raise ArmError(409, "OperationNotAllowed", f"Cannot restart VM '{vm.name}': it is not running.")
    return _switch(world, call, "starting", "vm.restarted", 30)


def _off(world: World, call: Call, meanwhile: str, end: str, seconds: float) -> Answer:
    """ASSUMPTION: a machine that is deallocated stays so, whatever switches it off."""
    vm = world.get(resource_id(call.names, VM))
    if vm.inside["power"] == "deallocated":
        return begin(world, call, vm, "resource.made", 2)
    return _switch(world, call, meanwhile, end, seconds)


def _switch(world: World, call: Call, meanwhile: str, end: str, seconds: float) -> Answer:
    vm = world.get(resource_id(call.names, VM))
    need_idle(world, vm)
    vm.properties["provisioningState"] = "Updating"
    if vm.inside["power"] != "running" or meanwhile != "starting":
        vm.inside["power_before"] = vm.inside["power"]
        vm.inside["power"] = meanwhile
    return begin(world, call, vm, end, seconds)


@effect("vm.deallocated")
def deallocated(world: World, vm: Resource, _: Json) -> None:
    power_off(world, vm, "deallocated")


@effect("vm.stopped")
def stopped(world: World, vm: Resource, _: Json) -> None:
    power_off(world, vm, "stopped")


@effect("vm.started")
def started(world: World, vm: Resource, _: Json) -> None:
    """A machine that runs already goes on running: a start of it changes nothing."""
    vm.properties["provisioningState"] = "Succeeded"
    if vm.inside["power"] != "running":
        power_on(world, vm)


@effect("vm.restarted")
def restarted(world: World, vm: Resource, _: Json) -> None:
    vm.properties["provisioningState"] = "Succeeded"
    power_on(world, vm)
