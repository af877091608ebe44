"""The double as a process of its own: its state outlives it; a client killed after a call finds its effect."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.compute import ComputeManagementClient, models
from azure.storage.blob import BlobClient
from azure_double import MIB, compute, disk_file

from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.azure.simulate.front import Seen
from bootmend.clouds.azure.simulate.signin import FakeCredential


@contextmanager
def served(*arguments: object) -> Iterator[dict[str, Any]]:
    """The process, and the line that it told."""
    command = [sys.executable, "-m", "bootmend.clouds.azure.simulate", "--pace", "1000", *map(str, arguments)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        yield json.loads(child.stdout.readline())
    finally:
        child.terminate()
        assert child.wait() == 0


def client_of(told: dict[str, Any]) -> Any:
    return ComputeManagementClient(
        FakeCredential(),
        told["subscription"],
        base_url=told["url"],
        authentication_policy=SansIOHTTPPolicy(),
        polling_interval=0,
    )


def steer(told: dict[str, Any], path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{told['url']}/simulate/{path}", data)) as answer:
        return json.load(answer)


def test_its_state_outlives_it(tmp_path: Path) -> None:
    disk = disk_file(tmp_path / "disk.vhd")
    state = tmp_path / "state"
    with served("--state", state, "--vm", f"web1={disk}") as told:
        client = client_of(told)
        client.virtual_machines.begin_deallocate("lab", "web1").result()
        creation = models.CreationData(
            create_option="Copy", source_resource_id=client.disks.get("lab", "web1_OsDisk_1").id
        )
        wanted = models.Disk(location="westeurope", properties=models.DiskProperties(creation_data=creation))
        client.disks.begin_create_or_update("lab", "copy", wanted).result()
        grant = models.GrantAccessData(access="Read", duration_in_seconds=600)
        link = client.disks.begin_grant_access("lab", "copy", grant).result().access_sas
        assert steer(told, "calls")["value"][0]["action"] == "Microsoft.Compute/virtualMachines/deallocate/action"
    with served("--state", state, "--vm", f"web1={disk}", "--port", told["url"].rsplit(":", 1)[1]) as told:
        client = client_of(told)
        assert client.disks.get("lab", "copy").disk_state == "ActiveSAS"
        blob: Any = BlobClient.from_blob_url(link)
        assert blob.download_blob(2 * MIB, 4).readall() == b"GOOD"
        assert steer(told, "vms/lab/web1")["power"] == "deallocated"
        steer(told, "vms/lab/web1/oracle", {"kind": "always", "state": "stuck"})
        client.virtual_machines.begin_start("lab", "web1").result()
        steer(told, "clock", {"skip": 300})
        assert steer(told, "vms/lab/web1")["phase"] == "stuck"
        assert [name.split("/")[0] for name in steer(told, "leaks")["value"]] == ["disks", "links"]


def test_a_client_killed_after_each_call_finds_its_effect(tmp_path: Path) -> None:
    """A client deallocates, swaps nothing, and starts; it is killed when the Nth call has had its effect."""
    disk = disk_file(tmp_path / "disk.vhd")
    for number in range(1, 4):
        with Double() as double:
            double.add_vm("web1", disk=disk)
            _run_and_kill(double, number)
            double.skip(1000)
            acts = [seen for seen in double.calls if seen.method == "POST"]
            assert len(double.calls) >= number
            assert double.vm("web1").power == ("deallocated" if len(acts) == 1 else "running")


def _run_and_kill(double: Double, number: int) -> None:
    child = os.fork()
    if child == 0:
        try:
            client = compute(double)
            client.virtual_machines.begin_deallocate("lab", "web1").result()
            client.virtual_machines.begin_start("lab", "web1").result()
        finally:
            os._exit(0)

    def kill(seen: Seen, moment: str) -> None:
        if (seen.arm, seen.number, moment) == (True, number, "after"):
            os.kill(child, signal.SIGKILL)

    double.on_call(kill)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
