"""Deallocating, starting, restarting and switching off.

https://learn.microsoft.com/azure/virtual-machines/states-billing : the power states.
"""

from __future__ import annotations

from bootmend.clouds.azure.simulate.boot import power_off, power_on
from bootmend.clouds.azure.simulate.disks import need_no_share
from bootmend.clouds.azure.simulate.ids import VM, resource_id
from bootmend.clouds.azure.simulate.operations import begin, effect
from bootmend.clouds.azure.simulate.os_disks import need_lasting_disk, os_disk
from bootmend.clouds.azure.simulate.router import one, route
from bootmend.clouds.azure.simulate.vms import need_idle
from bootmend.clouds.azure.simulate.wire import Answer, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World


@route("POST", one(VM) + "/deallocate", VM)
def deallocate(world: World, call: Call) -> Answer:
    need_lasting_disk(world.get(resource_id(call.names, VM)), "deallocated")
    return _switch(world, call, "deallocating", "vm.deallocated", 40)


@route("POST", one(VM) + "/powerOff", VM)
def stop(world: World, call: Call) -> Answer:
    return _switch(world, call, "stopping", "vm.stopped", 20)


@route("POST", one(VM) + "/start", VM)
def start(world: World, call: Call) -> Answer:
    vm = world.get(resource_id(call.names, VM))
    need_no_share(os_disk(world, vm))
    return _switch(world, call, "starting", "vm.started", 30)


@route("POST", one(VM) + "/restart", VM)
def restart(world: World, call: Call) -> Answer:
    return _switch(world, call, "starting", "vm.restarted", 30)


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
