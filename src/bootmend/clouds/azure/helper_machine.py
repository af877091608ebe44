"""The helper: one small Linux machine in a region and zone, to which disks are attached and on which bootmend runs.

It has no public address, and lies in a network of its own that leads nowhere: what it needs comes with a parcel
(docs/decisions), and Run Command reaches it through the platform's own address, 168.63.129.16. Nobody can sign in: the
private half of its key is thrown away where it is made.

https://learn.microsoft.com/azure/virtual-machines/linux/run-command-managed ,
https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16 .
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.core.rest import HttpRequest
from azure.mgmt.compute import models
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bootmend.clouds.azure.answers import asking, word
from bootmend.clouds.azure.connection import Connection
from bootmend.clouds.azure.ids import VM, ResourceId
from bootmend.clouds.azure.machines import power_of, view_of
from bootmend.clouds.azure.pace import Pace
from bootmend.clouds.cloud import Power
from bootmend.clouds.naming import HELPER, ROLE, SUBNET
from bootmend.errors import BootmendError, CloudAway, InputError, Refused
from bootmend.texts import say

_NETWORK_VERSION = "2024-05-01"
_LONGEST_RUN = 5400.0
_LONGEST_NETWORK, _LOOK_AGAIN = 300.0, 2.0
"""Seconds."""
HELPER_NAME = "bootmend-helper"
_RANGE = "10.255.255.0/28"
"""Of a network that leads nowhere, so it may be anybody's."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a policy may ask for."""

    size: str = "Standard_B2als_v2"
    disk_kind: str = "StandardSSD_LRS"
    data_disks: int = 4
    """How many may be attached to a machine of that size, the parcel included."""
    subnet: str = ""
    """Id of a subnet to put it in; else it gets a network of its own."""
    group: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    keep: bool = False
    """Leave it there in the end, if it was made."""


SIZES = (("Standard_B2als_v2", 4), ("Standard_B4als_v2", 8), ("Standard_B8als_v2", 16))
"""Small ones, and how many data disks they take:
https://learn.microsoft.com/azure/virtual-machines/sizes/general-purpose/basv2-series"""


def size_for(machines: int) -> tuple[str, int]:
    """The smallest size that takes the disks of so many machines and a parcel, or the largest of these."""
    return next((one for one in SIZES if machines < one[1]), SIZES[-1])


@dataclass(frozen=True, slots=True)
class Place:
    """Where a helper is. One that stays is there for everybody; others are named after their run or job."""

    group: str
    location: str
    zone: str = ""

    def name(self, owner: str = "") -> str:
        """At most 64 characters, of which Azure makes the name of a Linux machine's host."""
        plain = re.sub(r"[^A-Za-z0-9-]", "-", "-".join(filter(None, (HELPER_NAME, self.location, self.zone))))
        return f"{plain[:42]}-{tail_of(owner)}" if owner else plain[:60]


def tail_of(owner: str) -> str:
    """What the name of a helper ends in that was made for this run or job."""
    return owner.replace("-", "")


class HelperMachine:
    """One at a place, whoever made it; `owner` is the run or job that it is named after."""

    def __init__(
        self, connection: Connection, pace: Pace, place: Place, wanted: Wanted, *, owner: str = "", name: str = ""
    ) -> None:
        self._pace = pace
        self._connection = connection
        self._vms = connection.client.virtual_machines
        self._commands = connection.client.virtual_machine_run_commands
        self.place = place
        self._wanted = wanted
        self.id = ResourceId(connection.subscription, place.group, VM, name or place.name(owner))
        self.stays = not owner
        self.most = wanted.data_disks
        """Data disks that it takes: of one that is there its size tells, where that is known."""
        self._network = (
            f"{str(self.id).split('/providers/', maxsplit=1)[0]}/providers/Microsoft.Network/virtualNetworks"
        )
        self._network += f"/{self.id.name}-net"

    def find(self) -> models.VirtualMachine | None:
        """Refused for a machine of that name that is not bootmend's."""
        self._pace.wait(str(self.id))
        with asking(self.id.name):
            try:
                vm = self._vms.get(self.id.group, self.id.name, expand="instanceView")
            except ResourceNotFoundError:
                return None
        if (vm.tags or {}).get(ROLE) != HELPER:
            raise Refused(say("azure.not_our_helper", name=self.id), say("azure.not_our_helper_next"))
        return vm

    def make(self, tags: Mapping[str, str]) -> bool:
        """It is there and runs when this returns True; False for one that stays where somebody else made it meanwhile.

        `tags` say whose it is.
        """
        subnet = self._wanted.subnet or self._make_network(tags)
        body = self._body(subnet, tags)
        missing = MatchConditions.IfMissing if self.stays else None
        with asking(self.id.name):
            try:
                self._vms.begin_create_or_update(self.id.group, self.id.name, body, match_condition=missing).result()
            except (ResourceModifiedError, ResourceExistsError):
                if not self.stays:
                    raise
                return False
        return True

    def start(self, vm: models.VirtualMachine) -> list[int]:
        """It runs when this returns. Gives the LUNs that are taken."""
        self.most = min(self.most, dict(SIZES).get(_size_of(vm), self.most))
        if power_of(view_of(vm)) is not Power.RUNNING:
            with asking(self.id.name):
                self._vms.begin_start(self.id.group, self.id.name).result()
        return [lun for _, lun in _data_disks(vm)]

    def mark(self, vm: models.VirtualMachine, tags: Mapping[str, str]) -> bool:
        """Puts tags on it, unless somebody has changed it since `vm` was read: then False."""
        body = models.VirtualMachineUpdate(tags={**(vm.tags or {}), **tags})
        unchanged = MatchConditions.IfNotModified if vm.etag else None
        with asking(self.id.name):
            try:
                self._vms.begin_update(
                    self.id.group, self.id.name, body, etag=vm.etag, match_condition=unchanged
                ).result()
            except ResourceModifiedError:
                return False
        return True

    def settle(self) -> None:
        """A command that a crash left running is waited for: disks are not taken from under it."""
        end = time.monotonic() + _LONGEST_RUN / self._connection.haste
        self._pace.wait(str(self.id))
        with asking(self.id.name):
            names = [one.name or "" for one in self._commands.list_by_virtual_machine(self.id.group, self.id.name)]
        for name in names:
            while self._still_runs(name):
                if time.monotonic() > end:
                    raise CloudAway(say("azure.helper_busy", name=self.id.name))

    def free_luns(self, count: int, taken: Iterable[int]) -> list[int]:
        """So many, or all where `count` is 0. Refused where it does not take a disk and a parcel, or not so many."""
        held = set(taken)
        free = [lun for lun in range(self.most) if lun not in held]
        if len(free) < max(count, 2):
            raise Refused(say("azure.helper_full", name=self.id.name), say("azure.helper_full_next"))
        return free[:count] if count else free

    def attach(self, disks: Mapping[str, int]) -> None:
        """Each at its LUN, in one call."""
        new = [models.DataDisksToAttach(disk_id=disk, lun=lun, caching="None") for disk, lun in disks.items()]
        self._attach_detach(models.AttachDetachDataDisksRequest(data_disks_to_attach=new))

    def detach(self, disks: Iterable[str]) -> None:
        """All of them, in one call."""
        gone = [models.DataDisksToDetach(disk_id=disk) for disk in disks]
        self._attach_detach(models.AttachDetachDataDisksRequest(data_disks_to_detach=gone))

    def detach_if_there(self, disks: Iterable[str]) -> None:
        """Those of them that are attached."""
        vm = self.find()
        there = {disk.lower() for disk, _ in _data_disks(vm)} if vm is not None else set()
        if left := [disk for disk in disks if disk.lower() in there]:
            self.detach(left)

    def run(
        self, name: str, script: str, seconds: int, *, forget: bool = True
    ) -> models.VirtualMachineRunCommandInstanceView:
        """How it ended. The last 4,096 bytes of what it said are for people; results go another way.

        Forgetting it is one change more; else it goes with the machine.
        """
        source = models.VirtualMachineRunCommandScriptSource(script=script)
        properties = models.VirtualMachineRunCommandProperties(source=source, timeout_in_seconds=seconds)
        body = models.VirtualMachineRunCommand(location=self.place.location, properties=properties)
        with asking(self.id.name):
            self._commands.begin_create_or_update(self.id.group, self.id.name, name, body).result()
            self._pace.wait(str(self.id))
            told = self._commands.get_by_virtual_machine(self.id.group, self.id.name, name, expand="instanceView")
            if forget:
                self._commands.begin_delete(self.id.group, self.id.name, name).result()
        view = told.properties.instance_view if told.properties is not None else None
        if view is None:
            raise CloudAway(say("azure.no_view", name=self.id.name))
        return view

    def tried(
        self, name: str, script: str, seconds: int, *, forget: bool = True
    ) -> tuple[models.VirtualMachineRunCommandInstanceView | None, BootmendError | None]:
        """How it ended, or what Azure says was wrong with it: the script may have done its work all the same.

        A machine without a way out may be late in telling how a command ended. CloudAway where nothing can be asked.
        """
        try:
            return self.run(name, script, seconds, forget=forget), None
        except CloudAway:
            raise
        except BootmendError as error:
            with suppress(Refused, InputError):
                self.settle()
            return None, error

    def commands(self) -> int:
        """How many are left on it: a machine bears 25 of them, https://github.com/MicrosoftDocs/azure-docs/issues/117976"""
        self._pace.wait(str(self.id))
        with asking(self.id.name):
            return sum(1 for _ in self._commands.list_by_virtual_machine(self.id.group, self.id.name))

    def remove(self) -> bool:
        """False where somebody else's disks are attached: then it stays."""
        vm = self.find()
        if vm is not None:
            if _data_disks(vm):
                return False
            with asking(self.id.name):
                self._vms.begin_delete(self.id.group, self.id.name).result()
        # Whoever clears up after a crash was not told of a subnet, and may have no right to networks at all.
        if vm is None or SUBNET not in (vm.tags or {}):
            self.remove_network()
        return True

    def remove_network(self) -> None:
        """Its own one; where none was made, nothing happens."""
        if not self._wanted.subnet:
            self._send("DELETE", self._network, None, (200, 202, 204, 404))

    def _still_runs(self, name: str) -> bool:
        self._pace.wait(str(self.id))
        with asking(self.id.name):
            try:
                told = self._commands.get_by_virtual_machine(self.id.group, self.id.name, name, expand="instanceView")
            except ResourceNotFoundError:
                return False
        view = told.properties.instance_view if told.properties is not None else None
        return view is not None and word(view.execution_state) in ("Pending", "Running")

    def _attach_detach(self, body: models.AttachDetachDataDisksRequest) -> None:
        with asking(self.id.name):
            self._vms.begin_attach_detach_data_disks(self.id.group, self.id.name, body).result()

    def _make_network(self, tags: Mapping[str, str]) -> str:
        """Id of its only subnet, from which nothing leads out."""
        subnet = {"name": "inside", "properties": {"addressPrefix": _RANGE, "defaultOutboundAccess": False}}
        properties = {"addressSpace": {"addressPrefixes": [_RANGE]}, "subnets": [subnet]}
        body = {"location": self.place.location, "tags": self._tags(tags), "properties": properties}
        told = self._send("PUT", self._network, body, (200, 201))
        end = time.monotonic() + _LONGEST_NETWORK / self._connection.haste
        # A card in a network that is still being made is refused: https://github.com/hashicorp/terraform/pull/14365
        while (state := str(told.get("properties", {}).get("provisioningState", "Succeeded"))) != "Succeeded":
            if state in ("Failed", "Canceled") or time.monotonic() > end:
                raise CloudAway(say("azure.no_network", name=self._network.rsplit("/", 1)[-1], state=state))
            time.sleep(_LOOK_AGAIN / self._connection.haste)
            told = self._send("GET", self._network, None, (200,))
        return f"{self._network}/subnets/inside"

    def _send(self, method: str, path: str, body: Any, accepted: tuple[int, ...]) -> dict[str, Any]:
        """The few calls of Microsoft.Network that are needed; a package for them would be 30 MB."""
        request = HttpRequest(method, f"{path}?api-version={_NETWORK_VERSION}", json=body)
        with asking(path.rsplit("/", 1)[-1]):
            answer = self._connection.client.send_request(request)
            if answer.status_code not in accepted:
                answer.raise_for_status()
        try:
            told = answer.json()
        except ValueError:  # no body, as after a DELETE
            return {}
        return told if isinstance(told, dict) else {}

    def _tags(self, tags: Mapping[str, str]) -> dict[str, str]:
        return {**dict(self._wanted.tags), **tags, ROLE: HELPER}

    def _body(self, subnet: str, tags: Mapping[str, str]) -> models.VirtualMachine:
        address = models.VirtualMachineNetworkInterfaceIPConfiguration(
            name="inside",
            properties=models.VirtualMachineNetworkInterfaceIPConfigurationProperties(
                subnet=models.SubResource(id=subnet)
            ),
        )
        card = models.VirtualMachineNetworkInterfaceConfiguration(
            name=f"{self.id.name}-nic",
            properties=models.VirtualMachineNetworkInterfaceConfigurationProperties(
                primary=True, delete_option="Delete", ip_configurations=[address]
            ),
        )
        key = models.SshPublicKey(path="/home/bootmend/.ssh/authorized_keys", key_data=_nobodys_key())
        linux = models.LinuxConfiguration(
            disable_password_authentication=True, ssh=models.SshConfiguration(public_keys=[key])
        )
        image = models.ImageReference(publisher="Canonical", offer="ubuntu-24_04-lts", sku="server", version="latest")
        os_disk = models.OSDisk(
            name=f"{self.id.name}-os",
            create_option="FromImage",
            delete_option="Delete",
            managed_disk=models.ManagedDiskParameters(storage_account_type=self._wanted.disk_kind),
        )
        properties = models.VirtualMachineProperties(
            hardware_profile=models.HardwareProfile(vm_size=self._wanted.size),
            storage_profile=models.StorageProfile(image_reference=image, os_disk=os_disk),
            os_profile=models.OSProfile(
                computer_name="bootmend-helper", admin_username="bootmend", linux_configuration=linux
            ),
            network_profile=models.NetworkProfile(
                network_api_version="2022-11-01", network_interface_configurations=[card]
            ),
        )
        zones = [self.place.zone] if self.place.zone else None
        given = {SUBNET: "given"} if self._wanted.subnet else {}
        return models.VirtualMachine(
            location=self.place.location, zones=zones, tags={**self._tags(tags), **given}, properties=properties
        )


def _size_of(vm: models.VirtualMachine) -> str:
    profile = vm.properties.hardware_profile if vm.properties is not None else None
    return word(profile.vm_size) if profile is not None else ""


def _data_disks(vm: models.VirtualMachine) -> list[tuple[str, int]]:
    profile = vm.properties.storage_profile if vm.properties is not None else None
    disks = (profile.data_disks or []) if profile is not None else []
    return [(disk.managed_disk.id or "", disk.lun) for disk in disks if disk.managed_disk is not None]


def _nobodys_key() -> str:
    """Azure asks for one; whose private half nobody has."""
    public = generate_private_key(65537, 3072).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
