"""The double's helper machine: made with its network, disks attached in a batch, a script run on them, all removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.compute import models
from azure.storage.blob import BlobClient
from azure_double import MIB, compute, disk_file

from bootmend.clouds.azure.simulate.double import Double

NETWORK = "providers/Microsoft.Network/virtualNetworks/net"


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    with Double() as one:
        one.add_vm("web1", disk=disk_file(tmp_path / "broken.vhd", broken=True), running=False)
        yield one


def put(double: Double, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """A PUT as the network SDK sends it."""
    url = f"{double.url}/subscriptions/{double.subscription}/resourceGroups/lab/{path}?api-version=2024-05-01"
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="PUT")
    with urlopen(request) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


@pytest.fixture
def helper(double: Double) -> Any:
    """The client, with a small Linux machine on a subnet of its own."""
    subnets = [{"name": "inside", "properties": {"addressPrefix": "10.9.0.0/24"}}]
    body = {
        "location": "westeurope",
        "properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/24"]}, "subnets": subnets},
    }
    net = put(double, NETWORK, body)
    client = compute(double)
    subnet = net["properties"]["subnets"][0]["id"]
    nic = models.VirtualMachineNetworkInterfaceConfiguration(
        name="helper-nic",
        properties=models.VirtualMachineNetworkInterfaceConfigurationProperties(
            delete_option="Delete",
            ip_configurations=[
                models.VirtualMachineNetworkInterfaceIPConfiguration(
                    name="one",
                    properties=models.VirtualMachineNetworkInterfaceIPConfigurationProperties(
                        subnet=models.SubResource(id=subnet)
                    ),
                )
            ],
        ),
    )
    vm = models.VirtualMachine(
        location="westeurope",
        tags={"bootmend": "helper"},
        properties=models.VirtualMachineProperties(
            hardware_profile=models.HardwareProfile(vm_size="Standard_B2ats_v2"),
            storage_profile=models.StorageProfile(
                image_reference=models.ImageReference(publisher="Canonical", offer="ubuntu-24_04-lts", sku="server"),
                os_disk=models.OSDisk(create_option="FromImage", delete_option="Delete", disk_size_gb=30),
            ),
            os_profile=models.OSProfile(
                computer_name="helper", admin_username="bootmend", linux_configuration=models.LinuxConfiguration()
            ),
            network_profile=models.NetworkProfile(
                network_api_version="2022-11-01", network_interface_configurations=[nic]
            ),
        ),
    )
    client.virtual_machines.begin_create_or_update("lab", "helper", vm).result()
    double.clock.skip(100)
    return client


def run(client: Any, script: str, name: str = "look", **more: Any) -> Any:
    source = models.VirtualMachineRunCommandScriptSource(script=script)
    command = models.VirtualMachineRunCommand(
        location="westeurope", properties=models.VirtualMachineRunCommandProperties(source=source, **more)
    )
    client.virtual_machine_run_commands.begin_create_or_update("lab", "helper", name, command).result()
    return client.virtual_machine_run_commands.get_by_virtual_machine(
        "lab", "helper", name, expand="instanceView"
    ).instance_view


def copy_of_the_disk(client: Any) -> str:
    source = client.disks.get("lab", "web1_OsDisk_1").id
    disk = models.Disk(
        location="westeurope",
        properties=models.DiskProperties(
            creation_data=models.CreationData(create_option="Copy", source_resource_id=source)
        ),
    )
    return str(client.disks.begin_create_or_update("lab", "copy", disk).result().id)


def test_a_script_writes_to_the_attached_copy_and_not_to_its_source(
    double: Double, helper: Any, tmp_path: Path
) -> None:
    copy = copy_of_the_disk(helper)
    attach = models.AttachDetachDataDisksRequest(data_disks_to_attach=[models.DataDisksToAttach(disk_id=copy)])
    storage = helper.virtual_machines.begin_attach_detach_data_disks("lab", "helper", attach).result()
    assert [(disk.lun, disk.name) for disk in storage.data_disks] == [(0, "copy")]
    assert helper.disks.get("lab", "copy").disk_state == "Attached"
    link = double.blob_link("/account/output/out.txt")
    view = run(
        helper,
        "disk=$DEV/disk/azure/scsi1/lun0\nprintf GOOD | dd of=$disk bs=1 seek=$AT conv=notrunc status=none\n"
        "seq 1 3000; echo told >&2; exit 3",
        parameters=[models.RunCommandInputParameter(name="AT", value=str(2 * MIB))],
        output_blob_uri=link,
    )
    assert (view.execution_state, view.exit_code, view.error) == ("Failed", 3, "told\n")
    assert len(view.output) == 4096
    whole: Any = BlobClient.from_blob_url(link)
    assert whole.download_blob().readall().decode().split() == [str(number) for number in range(1, 3001)]

    detach = models.AttachDetachDataDisksRequest(data_disks_to_detach=[models.DataDisksToDetach(disk_id=copy)])
    helper.virtual_machines.begin_attach_detach_data_disks("lab", "helper", detach).result()
    assert helper.disks.get("lab", "copy").disk_state == "Unattached"
    path = double.world.contents.path(double.disk("copy").inside["content"])
    assert path.read_bytes()[2 * MIB :][:8] == b"GOODBAD "
    assert (tmp_path / "broken.vhd").read_bytes()[2 * MIB :][:4] == b"BAD "


def test_a_script_that_takes_too_long_is_ended(helper: Any) -> None:
    view = run(helper, "sleep 60", timeout_in_seconds=1)
    assert view.execution_state == "TimedOut"


def test_a_machine_that_is_off_runs_nothing(helper: Any) -> None:
    helper.virtual_machines.begin_deallocate("lab", "helper").result()
    with pytest.raises(HttpResponseError, match="not running"):
        run(helper, "true")


def test_what_calls_made_is_told_until_it_is_gone(double: Double, helper: Any) -> None:
    kinds = sorted(name.split("/")[0] for name in double.leaks())
    assert kinds == ["disks", "networkInterfaces", "virtualMachines", "virtualNetworks", "virtualNetworks"]
    helper.virtual_machines.begin_delete("lab", "helper").result()
    assert [name.split("/")[0] for name in double.leaks()] == ["virtualNetworks", "virtualNetworks"]


def test_a_subnet_must_be_there(double: Double) -> None:
    subnet = f"/subscriptions/{double.subscription}/resourceGroups/lab/{NETWORK}/subnets/none"
    config = {"name": "one", "properties": {"subnet": {"id": subnet}}}
    body = {"location": "westeurope", "properties": {"ipConfigurations": [config]}}
    with pytest.raises(OSError, match="404"):
        put(double, "providers/Microsoft.Network/networkInterfaces/nic", body)
