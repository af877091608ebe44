"""Steering the double over HTTP, for a test in another process: below `/simulate/`, JSON in and out.

GET                              {"pace", "time_factor", "subscription"}
GET  leaks                       what calls made and is still there
GET  calls                       [{"number", "method", "path", "action", "status", "linked", "polling"}, ...]
POST faults                      the fields of faults.Fault; DELETE takes all back
POST vms                         {"name", "disk", and add_vm's other arguments}
GET  vms/GROUP/NAME              {"power", "phase", "osDisk", "osDiskPath"}
POST vms/GROUP/NAME/oracle       an oracle (oracles.py)
POST clock                       {"skip": seconds}
POST shares, POST tokens         all links, all tokens handed out so far have expired
POST allowed                     {"actions": [...] or null}
POST locks                       {"scope", "level"}
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bootmend.clouds.azure.simulate.faults import Fault
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Json

if TYPE_CHECKING:
    from bootmend.clouds.azure.simulate.double import Double

_DONE: Json = {"done": True}


def steer(double: Double, call: Call) -> Answer:
    """What a call below /simulate/ does."""
    try:
        return Answer(200, _steer(double, call.method, call.path.removeprefix("/simulate").strip("/").split("/"), call))
    except ArmError as error:
        return error.answer()
    except (KeyError, TypeError, ValueError, OSError) as error:
        return Answer(400, {"error": {"code": "Steering", "message": f"{type(error).__name__}: {error}"}})


def _steer(double: Double, method: str, words: list[str], call: Call) -> Json:
    body = call.json()
    match method, *words:
        case "GET", "":
            pace = double.clock.pace
            return {"pace": pace, "time_factor": 1 / pace, "subscription": double.subscription}
        case "GET", "leaks":
            return {"value": double.leaks()}
        case "GET", "calls":
            return {"value": [asdict(seen) for seen in double.calls]}
        case "POST", "faults":
            double.faults.add(Fault(**body))
        case "DELETE", "faults":
            double.faults.clear()
        case "POST", "vms":
            double.add_vm(body.pop("name"), disk=Path(body.pop("disk")), **body)
        case "GET", "vms", group, name:
            vm = double.vm(name, group)
            return {"power": vm.power, "phase": vm.phase, "osDisk": vm.os_disk, "osDiskPath": str(vm.os_disk_path)}
        case "POST", "vms", group, name, "oracle":
            double.vm(name, group).boots_when(body)
        case "POST", "clock":
            double.clock.skip(float(body["skip"]))
        case "POST", "shares":
            double.expire_shares()
        case "POST", "tokens":
            double.expire_tokens()
        case "POST", "allowed":
            double.allow_only(body["actions"])
        case "POST", "locks":
            double.lock(body["scope"], body.get("level", "CanNotDelete"))
        case _:
            raise ArmError(404, "Steering", f"The double cannot be steered by {method} {call.path}.")
    return _DONE
