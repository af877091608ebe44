"""Instance views: what Azure's fabric and the agent in the machine say of it.

https://learn.microsoft.com/rest/api/compute/virtual-machines/instance-view . An agent that does not report:
https://github.com/Azure/WALinuxAgent/issues/652 . A machine that is switched off has no agent's status, and while it
changes its power state may be missing: https://github.com/Azure/azure-sdk-for-python/issues/3406 . ASSUMPTION: the time
of the provisioning state is that at which the last switching on or off ended.
"""

from __future__ import annotations

from bootmend.clouds.azure.simulate.boot import seen
from bootmend.clouds.azure.simulate.os_disks import os_disk
from bootmend.clouds.azure.simulate.wire import Json
from bootmend.clouds.azure.simulate.world import Resource, World

_VERSION = "2.7.41491.1172"


def has_diagnostics(vm: Resource) -> bool:
    settings: Json = vm.properties.get("diagnosticsProfile", {}).get("bootDiagnostics", {})
    return bool(settings.get("enabled"))


def instance_view(world: World, vm: Resource) -> Json:
    power, state = vm.inside["power"], vm.properties["provisioningState"]
    fabric = {
        "code": f"ProvisioningState/{state.lower()}",
        "level": "Error" if state == "Failed" else "Info",
        "displayStatus": f"Provisioning {state.lower()}",
        "time": vm.inside.get("changed") or world.clock.stamp(),
    }
    disk = os_disk(world, vm)
    view: Json = {
        "hyperVGeneration": disk.properties.get("hyperVGeneration", "V1"),
        "disks": [{"name": disk.name, "statuses": [fabric]}],
        "statuses": [fabric, {"code": f"PowerState/{power}", "level": "Info", "displayStatus": f"VM {power}"}],
    }
    if has_diagnostics(vm):
        view["bootDiagnostics"] = {}
    now, outcome, since = seen(world, vm)
    if now == "off":
        return view
    if now == "ready" and vm.inside.get("agent", True):
        view["computerName"] = vm.name
        view["osName"] = outcome.get("os", "Windows Server 2022 Datacenter")
        view["vmAgent"] = _agent(_VERSION, "succeeded", "Info", "Ready", "Guest Agent is running")
    else:
        text = (
            "VM status blob is found but not yet populated."
            if vm.inside.get("agent", True)
            else "VM status blob not found."
        )
        view["vmAgent"] = _agent("Unknown", "Unavailable", "Warning", "Not Ready", text)
    view["vmAgent"]["statuses"][0]["time"] = since or world.clock.stamp()
    return view


def _agent(version: str, code: str, level: str, display: str, message: str) -> Json:
    status = {"code": f"ProvisioningState/{code}", "level": level, "displayStatus": display, "message": message}
    return {"vmAgentVersion": version, "statuses": [status]}
