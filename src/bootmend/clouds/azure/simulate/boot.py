"""What becomes of a machine that is switched on, and what its instance view says of it.

Whether its OS disk boots is asked of the machine's own oracle (oracles.py), not of bootmend. The view:
https://learn.microsoft.com/rest/api/compute/virtual-machines/instance-view ; a machine whose agent does not report:
https://github.com/Azure/WALinuxAgent/issues/652 ; power may be missing from it while it changes:
https://github.com/Azure/azure-sdk-for-python/issues/3406 .
"""

from __future__ import annotations

from bootmend.clouds.azure.simulate.attachment import os_disk
from bootmend.clouds.azure.simulate.ids import DISK
from bootmend.clouds.azure.simulate.oracles import judge
from bootmend.clouds.azure.simulate.wire import Json
from bootmend.clouds.azure.simulate.world import Resource, World

BOOT_SECONDS = 60.0
"""From switched on to a sign-in screen, or to a stop."""


def power_on(world: World, vm: Resource) -> None:
    """Its OS disk is looked at here and now, as the firmware does."""
    vm.inside["power"] = "running"
    vm.inside["started"] = world.clock.now()
    vm.inside["boots"] = int(vm.inside.get("boots", 0)) + 1
    disk = os_disk(world, vm)
    vm.inside["outcome"] = judge(world, vm, world.contents.path(disk.inside["content"]))
    _mark_disks(world, vm)


def power_off(world: World, vm: Resource, power: str) -> None:
    vm.properties["provisioningState"] = "Succeeded"
    vm.inside["power"] = power
    vm.inside.pop("started", None)
    _mark_disks(world, vm)


def booted_for(world: World, vm: Resource) -> float:
    """Seconds of Azure's time since it was switched on."""
    return float((world.clock.now() - vm.inside["started"]) * world.clock.pace)


def phase(world: World, vm: Resource) -> str:
    """off, firmware (nothing to see yet), booting, or the outcome's own word: ready, stop, stuck, black."""
    if vm.inside["power"] != "running":
        return "off"
    outcome = vm.inside["outcome"]
    seconds = booted_for(world, vm)
    if seconds < 5:
        return "firmware"
    if seconds < float(outcome.get("after", BOOT_SECONDS)):
        return "booting"
    return str(outcome["state"])


def instance_view(world: World, vm: Resource) -> Json:
    power, state = vm.inside["power"], vm.properties["provisioningState"]
    statuses = [
        {
            "code": f"ProvisioningState/{state.lower()}",
            "level": "Error" if state == "Failed" else "Info",
            "displayStatus": f"Provisioning {state.lower()}",
            "time": world.clock.stamp(),
        },
        {"code": f"PowerState/{power}", "level": "Info", "displayStatus": f"VM {power}"},
    ]
    view: Json = {
        "hyperVGeneration": os_disk(world, vm).properties.get("hyperVGeneration", "V1"),
        "disks": [{"name": os_disk(world, vm).name, "statuses": statuses[:1]}],
        "statuses": statuses,
    }
    if vm.properties.get("diagnosticsProfile", {}).get("bootDiagnostics", {}).get("enabled"):
        view["bootDiagnostics"] = {}
    now = phase(world, vm)
    if now == "off":
        return view
    if now == "ready":
        outcome = vm.inside["outcome"]
        view["computerName"] = vm.name
        view["osName"] = outcome.get("os", "Windows Server 2022 Datacenter")
        view["vmAgent"] = _agent(
            world, "2.7.41491.1172", "ProvisioningState/succeeded", "Info", "Ready", "Guest Agent is running"
        )
    else:
        text = "VM status blob is found but not yet populated."
        view["vmAgent"] = _agent(world, "Unknown", "ProvisioningState/Unavailable", "Warning", "Not Ready", text)
    return view


def _agent(world: World, version: str, code: str, level: str, display: str, message: str) -> Json:
    status = {"code": code, "level": level, "displayStatus": display, "message": message, "time": world.clock.stamp()}
    return {"vmAgentVersion": version, "statuses": [status]}


def _mark_disks(world: World, vm: Resource) -> None:
    for disk in world.every(DISK):
        if disk.shown.get("managedBy", "").lower() == vm.id.lower() and disk.properties["diskState"] != "ActiveSAS":
            disk.properties["diskState"] = "Reserved" if vm.inside["power"] == "deallocated" else "Attached"
