"""Boot diagnostics: the picture of the screen and the serial log, behind links.

https://learn.microsoft.com/rest/api/compute/virtual-machines/retrieve-boot-diagnostics-data ,
https://learn.microsoft.com/azure/virtual-machines/boot-diagnostics . Azure renews the picture by and by; here it
is what the screen shows when the links are asked for, or what it showed before the start for an outcome with a `lag`.
"""

from __future__ import annotations

from bootmend.clouds.azure.simulate import shares
from bootmend.clouds.azure.simulate.blob_bytes import file_blob
from bootmend.clouds.azure.simulate.boot import last_seen, seen
from bootmend.clouds.azure.simulate.console import serial_log
from bootmend.clouds.azure.simulate.ids import VM, resource_id
from bootmend.clouds.azure.simulate.router import one, route
from bootmend.clouds.azure.simulate.screens import picture
from bootmend.clouds.azure.simulate.views import has_diagnostics
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call
from bootmend.clouds.azure.simulate.world import World


@route("POST", one(VM) + "/retrieveBootDiagnosticsData", VM)
def retrieve(world: World, call: Call) -> Answer:
    vm = world.get(resource_id(call.names, VM))
    if not has_diagnostics(vm):
        # ASSUMPTION: the documents do not show this answer; az says so itself before it calls.
        raise ArmError(409, "OperationNotAllowed", f"Boot diagnostics is not enabled for VM '{vm.name}'.")
    minutes = int(call.query.get("sasUriExpirationTimeInMinutes", "120"))
    if not 1 <= minutes <= 1440:
        raise ArmError(400, "InvalidParameter", "The value of parameter sasUriExpirationTimeInMinutes is invalid.")
    base = f"/bootdiagnostics/bootdiagnostics-{vm.name}-{vm.properties['vmId']}/{vm.name}.{vm.properties['vmId']}"
    now, outcome, _ = seen(world, vm)
    if now == "off":
        # ASSUMPTION: of a machine that is off, the last picture and log stay.
        now, outcome = last_seen(vm) or (now, outcome)
    file_blob(world, f"{base}.screenshot.bmp", picture(now, outcome), "BlockBlob")
    file_blob(world, f"{base}.serialconsole.log", serial_log(now, outcome, vm).encode(), "AppendBlob")
    links = [
        shares.grant(world, call.base, f"{base}.{tail}", "r", minutes * 60)[0]
        for tail in ("screenshot.bmp", "serialconsole.log")
    ]
    return Answer(200, dict(zip(("consoleScreenshotBlobUri", "serialConsoleLogBlobUri"), links, strict=True)))
