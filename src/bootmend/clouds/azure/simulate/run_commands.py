"""Managed run commands (version 2): a script that really runs, here, as a child process.

https://learn.microsoft.com/azure/virtual-machines/linux/run-command-managed ,
https://learn.microsoft.com/rest/api/compute/virtual-machine-run-commands/create-or-update : the instance view (asked for by
$expand=instanceView) holds the last 4,096 bytes of each stream, whole ones go to append blobs.

The machine's disks are files: `DEV` in the environment is a folder that stands for /dev, with
`$DEV/disk/azure/scsi1/lunN` for each data disk, `VM_HOME` a folder that stays the machine's own from one command to the next.
A data disk is given its own copy of its bytes before the script runs, and is read and written in place.
"""  # noqa: E501  a link

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

from bootmend.clouds.azure.simulate.blob_bytes import FileBlob, file_blob, find_blob
from bootmend.clouds.azure.simulate.boot import phase
from bootmend.clouds.azure.simulate.ids import RUN_COMMAND, VM, resource_id
from bootmend.clouds.azure.simulate.operations import begin, effect, finish
from bootmend.clouds.azure.simulate.router import one, route
from bootmend.clouds.azure.simulate.shares import blob_of
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import Resource, World

_SHOWN_BYTES = 4096
_MOST = 25
_MOST_SECONDS = 5400
"""The default, and the most the double lets a script run."""


@route("PUT", one(RUN_COMMAND), RUN_COMMAND)
def put(world: World, call: Call) -> Answer:
    vm = world.get(resource_id(call.names, VM))
    if vm.inside["power"] != "running" or phase(world, vm) != "ready":
        # https://learn.microsoft.com/azure/virtual-machines/linux/run-command-managed : it takes a running agent.
        raise ArmError(409, "OperationNotAllowed", f"The VM '{vm.name}' is not running, or its agent is not ready.")
    body = call.json()
    wanted = body.get("properties", {})
    script = wanted.get("source", {}).get("script")
    if not script:
        raise ArmError(
            400, "InvalidParameter", "The double runs scripts that are given in properties.source.script only."
        )
    target = resource_id(call.names, RUN_COMMAND)
    known = world.find(target)
    beside = [one for one in world.every(RUN_COMMAND) if one.id.lower().startswith(f"{vm.id.lower()}/")]
    if known is None and len(beside) >= _MOST:
        # https://github.com/MicrosoftDocs/azure-docs/issues/117976
        raise ArmError(
            409, "OperationNotAllowed", f"max={_MOST}, current={len(beside)} run commands has been exceeded."
        )
    if known is not None and known.inside.get("view", {}).get("executionState") == "Running":
        # ASSUMPTION: a second PUT of a command that still runs is refused.
        raise ArmError(409, "Conflict", f"Run command {known.name} on VM '{vm.name}' is still running.")
    shown: Json = {"location": body.get("location", vm.shown["location"]), "properties": {**wanted}}
    shown["properties"].pop("protectedParameters", None)
    shown["properties"]["provisioningState"] = "Creating"
    command = world.put(target, shown, {"view": {"executionState": "Running", "startTime": world.clock.stamp()}})
    wait = None if not wanted.get("asyncExecution") else 2
    answer = begin(world, call, command, "command.ended", wait, status=200 if known else 201, show=True)
    operation = answer.headers["Azure-AsyncOperation"].split("?")[0].rsplit("/", 1)[1]
    run = _Run(world, vm, command, wanted, operation if wait is None else None)
    threading.Thread(target=run.go, daemon=True).start()
    return answer


@effect("command.ended")
def ended(_: World, command: Resource, __: Json) -> None:
    """A script that failed is a command that succeeded, unless treatFailureAsDeploymentFailure is asked for."""
    view: Json = command.inside["view"]
    failed = view["executionState"] in ("Failed", "TimedOut")
    if failed and command.properties.get("treatFailureAsDeploymentFailure"):
        command.properties["provisioningState"] = "Failed"
        raise ArmError(
            409, "VMExtensionProvisioningError", f"Run command {command.name} ended as {view['executionState']}."
        )
    command.properties["provisioningState"] = "Succeeded"


@route("GET", one(RUN_COMMAND), RUN_COMMAND)
def get(world: World, call: Call) -> Answer:
    command = world.get(resource_id(call.names, RUN_COMMAND))
    shown = command.answer()
    if call.query.get("$expand", "").lower() == "instanceview":
        shown["properties"]["instanceView"] = dict(command.inside["view"])
    return Answer(200, shown)


@route("GET", one(VM) + "/runCommands", VM)
def listing(world: World, call: Call) -> Answer:
    vm = resource_id(call.names, VM).lower()
    known = [command for command in world.every(RUN_COMMAND) if command.id.lower().startswith(f"{vm}/")]
    return Answer(200, {"value": [command.answer() for command in known]})


@route("DELETE", one(RUN_COMMAND), RUN_COMMAND)
def delete(world: World, call: Call) -> Answer:
    command = world.find(resource_id(call.names, RUN_COMMAND))
    return Answer(204) if command is None else begin(world, call, command, "command.deleted", 3)


@effect("command.deleted")
def deleted(world: World, command: Resource, _: Json) -> None:
    world.drop(command.id)


class _Run:
    """One run of a script; it works beside the double's calls and takes the world's lock for moments only."""

    def __init__(self, world: World, vm: Resource, command: Resource, wanted: Json, operation: str | None) -> None:
        self._world = world
        self._command = command
        self._wanted = wanted
        self._operation = operation
        self._home = world.folder / "machines" / vm.name
        self._dev = self._home / "dev"
        _plug_in(world, vm, self._dev)

    def go(self) -> None:
        seconds = min(int(self._wanted.get("timeoutInSeconds") or _MOST_SECONDS), _MOST_SECONDS)
        script = self._home / f"{self._command.name}.sh"
        script.write_text(self._wanted["source"]["script"], encoding="utf-8")
        # Of the double's own environment the machine gets where programs are found, and no more.
        settings = {key: os.environ[key] for key in ("PATH", "LANG", "PYTHONPATH", "VIRTUAL_ENV") if key in os.environ}
        for given in [*self._wanted.get("parameters", []), *self._wanted.get("protectedParameters", [])]:
            settings[str(given["name"])] = str(given["value"])
        settings |= {"DEV": str(self._dev), "VM_HOME": str(self._home), "HOME": str(self._home)}
        child = subprocess.Popen(
            ["/bin/sh", str(script)],
            cwd=self._home,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._world.children.add(child.pid)
        try:
            out, err = child.communicate(timeout=seconds)
            state = "Succeeded" if child.returncode == 0 else "Failed"
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, err = child.communicate()
            state = "TimedOut"
        finally:
            self._world.children.discard(child.pid)
        with self._world.lock:
            self._told(state, child.returncode, out, err)

    def _told(self, state: str, code: int, out: bytes, err: bytes) -> None:
        for link, data in ((self._wanted.get("outputBlobUri"), out), (self._wanted.get("errorBlobUri"), err)):
            if link:
                _store(self._world, link, data)
        view: Json = self._command.inside["view"]
        view.update(
            {
                "executionState": state,
                "executionMessage": "",
                "exitCode": code,
                "output": out[-_SHOWN_BYTES:].decode(errors="replace"),
                "error": err[-_SHOWN_BYTES:].decode(errors="replace"),
                "endTime": self._world.clock.stamp(),
            }
        )
        if self._operation is not None:
            finish(self._world, self._operation)
        self._world.save()


def _plug_in(world: World, vm: Resource, dev: Path) -> None:
    """The data disks by LUN, as Azure's udev rules name them:
    https://learn.microsoft.com/troubleshoot/azure/virtual-machines/linux/troubleshoot-device-names-problems"""
    luns = dev / "disk" / "azure" / "scsi1"
    luns.mkdir(parents=True, exist_ok=True)
    for old in luns.iterdir():
        old.unlink()
    for entry in vm.properties["storageProfile"].get("dataDisks", []):
        disk = world.get(entry["managedDisk"]["id"])
        disk.inside["content"] = world.contents.own(disk.inside["content"])
        (luns / f"lun{entry['lun']}").symlink_to(world.contents.path(disk.inside["content"]).resolve())


def _store(world: World, link: str, data: bytes) -> None:
    path = blob_of(world, link, "w")
    if path is None:
        return  # ASSUMPTION: a link that does not work loses the output, and the command is not failed by it
    blob = find_blob(world, path)
    if isinstance(blob, FileBlob):
        blob.append(data)
    else:
        file_blob(world, path, data, "AppendBlob")
