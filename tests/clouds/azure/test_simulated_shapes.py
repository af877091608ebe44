"""Every answer of the double about Microsoft.Compute has the shape that the SDK's generated models declare."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.compute import models
from azure_double import SIZE, compute, disk_file
from azure_shapes import misfits

from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.azure.simulate.wire import Answer, Call

SHAPES = {
    "Microsoft.Compute/virtualMachines": models.VirtualMachine,
    "Microsoft.Compute/virtualMachines/instanceView": models.VirtualMachineInstanceView,
    "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData": models.RetrieveBootDiagnosticsDataResult,
    "Microsoft.Compute/virtualMachines/runCommands": models.VirtualMachineRunCommand,
    "Microsoft.Compute/disks": models.Disk,
    "Microsoft.Compute/snapshots": models.Snapshot,
}
READ_BY_NOBODY = {"Microsoft.Compute/disks/beginGetAccess", "Microsoft.Compute/snapshots/beginGetAccess"}
"""Their answer is the operation's output."""


class Shapes:
    """Looks at each answer on its way out."""

    def __init__(self, double: Double) -> None:
        self.wrong: list[str] = []
        self.checked: set[str] = set()
        self._handle = double.front.handle
        double.front.handle = self.handle  # type: ignore[method-assign]
        self._double = double

    def handle(self, call: Call) -> Answer:
        answer = self._handle(call)
        if call.path.startswith("/subscriptions") and isinstance(answer.body, dict):
            action = self._double.calls[-1].action
            self.wrong += [f"{action}{one}" for one in self._misfits(action, answer)]
        return answer

    def _misfits(self, action: str, answer: Answer) -> Iterator[str]:
        body: Any = answer.body
        if answer.status >= 400:
            self.checked.add("error")
            yield from misfits(models.CloudError, body)
            return
        kind = action.rsplit("/", 1)[0]
        if "perations" in kind:
            yield from self._operation(body)
            return
        self.checked.add(kind)
        for one in body.get("value", [body]):
            yield from misfits(SHAPES[kind], one)

    def _operation(self, body: Any) -> Iterator[str]:
        """What an operation gave: a link, or a storage profile. Its own frame is azure-core's, which reads `status`."""
        output = body.get("properties", {}).get("output") if "status" in body else body
        if output is not None:
            shape = models.AccessUri if "accessSAS" in output else models.StorageProfile
            self.checked.add(shape.__name__)
            yield from misfits(shape, output)


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    with Double() as one:
        disk = disk_file(tmp_path / "disk.vhd")
        one.add_vm("plain", disk=disk)
        one.add_vm("odd", disk=disk, security_type="TrustedLaunch", encryption="des", sku="PremiumV2_LRS", zone="2")
        one.add_vm(
            "odder", disk=disk, security_type="ConfidentialVM", encryption="ade", ephemeral=True, scale_set="set"
        )
        one.add_vm(
            "closed", disk=disk, network_access_policy="AllowPrivate", agent=False, tags={"a": "b"}, encryption="host"
        )
        yield one


def test_each_answer_has_the_shape_of_its_model(double: Double) -> None:
    shapes = Shapes(double)
    client = compute(double)
    for vm in client.virtual_machines.list_all(status_only="true"):
        client.virtual_machines.instance_view("lab", vm.name)
        client.virtual_machines.get("lab", vm.name, expand="instanceView")
    double.skip(100)
    list(client.virtual_machines.list("lab"))
    client.virtual_machines.retrieve_boot_diagnostics_data("lab", "plain")
    source = models.VirtualMachineRunCommandScriptSource(script="echo told")
    command = models.VirtualMachineRunCommand(
        location="westeurope", properties=models.VirtualMachineRunCommandProperties(source=source)
    )
    client.virtual_machine_run_commands.begin_create_or_update("lab", "plain", "one", command).result()
    client.virtual_machine_run_commands.get_by_virtual_machine("lab", "plain", "one", expand="instanceView")
    list(client.virtual_machine_run_commands.list_by_virtual_machine("lab", "plain"))
    client.virtual_machines.begin_deallocate("lab", "plain").result()
    _disks(client)
    attach = models.AttachDetachDataDisksRequest(
        data_disks_to_attach=[models.DataDisksToAttach(disk_id=client.disks.get("lab", "Empty").id, lun=3)]
    )
    client.virtual_machines.begin_attach_detach_data_disks("lab", "plain", attach).result()
    with pytest.raises(HttpResponseError):
        client.virtual_machines.get("lab", "none")
    assert shapes.wrong == []
    assert shapes.checked == {*SHAPES, "error", "AccessUri", "StorageProfile"} - READ_BY_NOBODY


def _disks(client: Any) -> None:
    source = client.disks.get("lab", "plain_OsDisk_1").id
    for option, more in (
        ("Empty", {}),
        ("Copy", {"source_resource_id": source}),
        ("Upload", {"upload_size_bytes": SIZE + 512}),
    ):
        creation = models.CreationData(create_option=option, **more)
        settings = models.DiskProperties(creation_data=creation, disk_size_gb=1 if option == "Empty" else None)
        client.disks.begin_create_or_update(
            "lab", option, models.Disk(location="westeurope", properties=settings)
        ).result()
    client.disks.begin_update("lab", "Copy", models.DiskUpdate(tags={"a": "b"})).result()
    creation = models.CreationData(create_option="Copy", source_resource_id=source)
    wanted = models.Snapshot(location="westeurope", properties=models.SnapshotProperties(creation_data=creation))
    client.snapshots.begin_create_or_update("lab", "one", wanted).result()
    grant = models.GrantAccessData(access="Read", duration_in_seconds=600)
    client.disks.begin_grant_access("lab", "Copy", grant).result()
    client.snapshots.begin_grant_access("lab", "one", grant).result()
    for listed in (client.disks.list(), client.disks.list_by_resource_group("lab"), client.snapshots.list()):
        assert list(listed)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"colour": "red"}, ".colour: Disk has no such key"),
        ({"location": None}, ".location: missing in a Disk"),
        ({"zones": "1"}, ".zones: a list is expected, not '1'"),
        ({"properties": {"diskSizeGB": "4"}}, ".properties.diskSizeGB: <class 'int'> is expected, not '4'"),
        ({"properties": {"timeCreated": "now"}}, ".properties.timeCreated: a point of time is expected, not 'now'"),
    ],
)
def test_the_check_sees_what_does_not_fit(change: dict[str, Any], complaint: str) -> None:
    good: dict[str, Any] = {"location": "x", "properties": {"creationData": {"createOption": "Empty"}}}
    assert list(misfits(models.Disk, good)) == []
    bad = copy.deepcopy(good)
    bad["properties"] |= change.pop("properties", {})
    bad |= change
    assert list(misfits(models.Disk, bad)) == [complaint]
