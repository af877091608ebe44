"""Virtual machines: what is known of them, and turning them off and on.

https://learn.microsoft.com/rest/api/compute/virtual-machines ; power states:
https://learn.microsoft.com/azure/virtual-machines/states-billing
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceModifiedError
from azure.mgmt.compute.models import (
    InstanceViewStatus,
    OSDisk,
    StorageProfile,
    VirtualMachine,
    VirtualMachineInstanceView,
    VirtualMachineProperties,
    VirtualMachineUpdate,
)

from bootmend.clouds.azure.answers import asking, code_of, told, word
from bootmend.clouds.azure.ids import DISK, VM, ResourceId, looks_like_id
from bootmend.clouds.azure.pace import Pace
from bootmend.clouds.cloud import Listed, Machine, Power, Thing
from bootmend.clouds.naming import HELPER, MACHINE, ROLE, RUN, is_run_id
from bootmend.errors import BootmendError, CloudAway, Missing, Misuse, Refused
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.clouds.azure.connection import Connection

_POWER = {
    "running": Power.RUNNING,
    "deallocated": Power.OFF,
    "stopped": Power.HALTED,
    "starting": Power.MOVING,
    "stopping": Power.STOPPING,
    "deallocating": Power.STOPPING,
}
_KEPT = 60.0
"""Seconds."""
_LONGEST_MOVE = 900.0
"""Seconds that a start or a stop begun by somebody else is waited for."""


class Machines:
    def __init__(self, connection: Connection, group: str = "") -> None:
        self._connection = connection
        self._client = connection.client.virtual_machines
        self._group = group
        self._lists: dict[str, tuple[float, list[VirtualMachine]]] = {}
        self._lock = threading.Lock()
        self.pace = Pace(5.0 / connection.haste)

    def resolve(self, name: str) -> ResourceId:
        """The id of a machine given by name or by id; without a resource group all of the subscription are searched."""
        if looks_like_id(name):
            return self.same_subscription(ResourceId.parse(name))
        if self._group:
            # Read back, because a slash in a name would lead elsewhere.
            return ResourceId.parse(str(ResourceId(self._connection.subscription, self._group, VM, name)))
        with asking(name):
            known = [one.id or "" for one in self._client.list_all()]
        return self._named(name, known)

    def resolve_all(self, names: Iterable[str]) -> dict[str, ResourceId | BootmendError]:
        """The id of each, or what is wrong with its name; asks for one list of machines at most."""
        found: dict[str, ResourceId | BootmendError] = {}
        known: list[str] | None = None
        for name in names:
            try:
                if known is None and not self._group and not looks_like_id(name):
                    with asking("virtualMachines"):
                        known = [one.id or "" for one in self._client.list_all()]
                plain = known is not None and not looks_like_id(name)
                found[name] = self._named(name, known or []) if plain else self.resolve(name)
            except (Missing, Misuse) as error:
                found[name] = error
        return found

    def _named(self, name: str, known: Iterable[str]) -> ResourceId:
        """The one of that name."""
        ids = [one for one in known if ResourceId.parse(one).name.lower() == name.lower()]
        if not ids:
            raise Missing(say("azure.no_machine", name=name, subscription=self._connection.subscription))
        if len(ids) > 1:
            groups = ", ".join(ResourceId.parse(one).group for one in ids)
            raise Misuse(say("azure.many_machines", name=name, groups=groups))
        return ResourceId.parse(ids[0])

    def same_subscription(self, wanted: ResourceId) -> ResourceId:
        """Misuse for another subscription than the one that is asked, and for what is no machine."""
        if not wanted.is_a(VM):
            raise Misuse(say("azure.not_a_machine", id=wanted))
        if wanted.subscription.lower() != self._connection.subscription.lower():
            raise Misuse(say("azure.other_subscription", id=wanted, subscription=self._connection.subscription))
        return wanted

    def get(self, wanted: ResourceId) -> VirtualMachine:
        """With its instance view: one read for both."""
        self.pace.wait(str(wanted))
        with asking(wanted.name):
            return self._client.get(wanted.group, wanted.name, expand="instanceView")

    def all(self) -> Iterator[Listed]:
        """Those of Windows; one that boots from no managed disk is listed without a disk.

        What they are and how they are come in two lists:
        https://learn.microsoft.com/rest/api/compute/virtual-machines/list-all (statusOnly).
        """
        with asking("virtualMachines"):
            found = list(self._client.list(self._group) if self._group else self._client.list_all())
            shown = {(one.id or "").lower(): view_of(one) for one in self._client.list_all(status_only="true")}
        for vm in found:
            os_disk = os_disk_of(vm)
            if os_disk is not None and word(os_disk.os_type).lower() in ("", "windows"):
                view = shown.get((vm.id or "").lower(), VirtualMachineInstanceView())
                yield Listed(_as_shown(vm, view), agent_of(view))

    def helpers(self, group: str) -> Iterator[tuple[str, Thing]]:
        """Helpers that a run made and that go with it, each with the machine it was made for."""
        for vm in self._listed(group):
            tags = vm.tags or {}
            if tags.get(ROLE) == HELPER and is_run_id(tags.get(RUN, "")):
                yield tags.get(MACHINE, ""), Thing(str(ResourceId.parse(vm.id or "")), "machine", tags[RUN], HELPER)

    def forget(self) -> None:
        """A helper was made or removed here: the list that is kept is old."""
        with self._lock:
            self._lists.clear()

    def _listed(self, group: str) -> list[VirtualMachine]:
        """Kept for a minute: Azure allows few lists of machines, and many flows ask for the same one."""
        with self._lock:
            when, found = self._lists.get(group.lower(), (float("-inf"), []))
            if time.monotonic() - when >= _KEPT / self._connection.haste:
                with asking(group):
                    found = list(self._client.list(group))
                self._lists[group.lower()] = (time.monotonic(), found)
        return found

    def stop(self, wanted: ResourceId) -> None:
        if self._settled(wanted) is not Power.OFF:
            with asking(wanted.name):
                self._client.begin_deallocate(wanted.group, wanted.name).result()

    def start(self, wanted: ResourceId) -> None:
        if self._settled(wanted) is not Power.RUNNING:
            with asking(wanted.name):
                self._client.begin_start(wanted.group, wanted.name).result()

    def swap(self, wanted: ResourceId, disk: ResourceId) -> None:
        """The whole machine is put back as it was read but for its OS disk, as Microsoft's own sample does it.

        https://learn.microsoft.com/azure/virtual-machines/windows/os-disk-swap . Where the machine carries an ETag
        the change is refused if somebody changed it meanwhile; then it is looked at anew. Who puts a machine needs a
        right to all that it names; where one is lacking, the OS disk alone is changed (PATCH):
        https://github.com/Azure/azure-sdk-for-net/issues/37285 .
        """
        for last in (False, False, True):
            try:
                self._swap(wanted, disk)
            except ResourceModifiedError as error:
                if last:
                    raise told(error, wanted.name) from error
                continue
            return

    def _swap(self, wanted: ResourceId, disk: ResourceId) -> None:
        """ResourceModifiedError where somebody changed the machine meanwhile."""
        vm = self.get(wanted)
        os_disk = os_disk_of(vm)
        if os_disk is None or os_disk.managed_disk is None:
            raise Refused(say("azure.unmanaged", name=wanted.name), say("azure.unmanaged_next"))
        if (os_disk.managed_disk.id or "").lower() == str(disk).lower():
            return
        if power_of(view_of(vm)) is not Power.OFF:
            raise Refused(say("clouds.still_runs", name=wanted.name), say("clouds.still_runs_next"))
        os_disk.managed_disk.id = str(disk)
        os_disk.name = disk.name
        assert vm.properties is not None
        vm.properties.instance_view = None
        group, name = wanted.group, wanted.name
        unchanged = MatchConditions.IfNotModified if vm.etag else None
        try:
            try:
                self._client.begin_create_or_update(group, name, vm, etag=vm.etag, match_condition=unchanged).result()
            except HttpResponseError as error:
                if error.status_code != 403 or code_of(error) != "LinkedAuthorizationFailed":
                    raise
                profile = StorageProfile(os_disk=os_disk)
                change = VirtualMachineUpdate(properties=VirtualMachineProperties(storage_profile=profile))
                self._client.begin_update(group, name, change, etag=vm.etag, match_condition=unchanged).result()
        except ResourceModifiedError:
            raise
        except AzureError as error:
            raise told(error, name) from error

    def _settled(self, wanted: ResourceId) -> Power:
        """Its power once nobody is starting or stopping it any more."""
        end = time.monotonic() + _LONGEST_MOVE / self._connection.haste
        while True:
            power = power_of(view_of(self.get(wanted)))
            if power not in (Power.MOVING, Power.STOPPING):
                return power
            if time.monotonic() > end:
                raise CloudAway(say("azure.moves_for_ever", name=wanted.name))


def as_machine(vm: VirtualMachine) -> Machine:
    """Refused where it boots from no managed disk."""
    machine = _as_shown(vm)
    if not machine.disk:
        raise Refused(say("azure.unmanaged", name=machine.name), say("azure.unmanaged_next"))
    return machine


def _as_shown(vm: VirtualMachine, view: VirtualMachineInstanceView | None = None) -> Machine:
    """Without a disk where it boots from no managed one. `view`: where it came apart from the machine."""
    wanted = ResourceId.parse(vm.id or "")
    os_disk = os_disk_of(vm)
    disk = (os_disk.managed_disk.id or "") if os_disk is not None and os_disk.managed_disk is not None else ""
    place = "/".join([vm.location or "", *filter(None, vm.zones or [])])
    boots_from = str(ResourceId.parse(disk)) if disk else ""
    view = view or view_of(vm)
    return Machine(str(wanted), wanted.name, place, power_of(view), boots_from, mark_of(changed_at(view)))


def os_disk_of(vm: VirtualMachine) -> OSDisk | None:
    profile = vm.properties.storage_profile if vm.properties is not None else None
    return profile.os_disk if profile is not None else None


def properties_of(vm: VirtualMachine) -> VirtualMachineProperties:
    return vm.properties or VirtualMachineProperties()


def view_of(vm: VirtualMachine) -> VirtualMachineInstanceView:
    view = vm.properties.instance_view if vm.properties is not None else None
    return view or VirtualMachineInstanceView()


def power_of(view: VirtualMachineInstanceView) -> Power:
    """Azure leaves the state out at times; then it is not known."""
    for status in view.statuses or []:
        word = (status.code or "").lower()
        if word.startswith("powerstate/"):
            return _POWER.get(word.partition("/")[2], Power.UNKNOWN)
    return Power.UNKNOWN


def moment(time: object) -> datetime | None:
    """A time as Azure told it; what is none, the SDK hands on as the words that came."""
    if not isinstance(time, datetime):
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def mark_of(time: object) -> str:
    """Empty where Azure told no time."""
    when = moment(time)
    return when.isoformat() if when is not None else ""


def changed_at(view: VirtualMachineInstanceView) -> datetime | None:
    """When the last change of the machine, such as its start, ended."""
    for status in view.statuses or []:
        if (status.code or "").lower().startswith("provisioningstate/"):
            return moment(status.time)
    return None


def agent_status(view: VirtualMachineInstanceView) -> InstanceViewStatus | None:
    statuses = view.vm_agent.statuses if view.vm_agent is not None else None
    return statuses[0] if statuses else None


def agent_of(view: VirtualMachineInstanceView) -> str | None:
    status = agent_status(view)
    return status.display_status if status is not None else None


def disk_id(text: str) -> ResourceId:
    """Misuse for what is no managed disk."""
    wanted = ResourceId.parse(text)
    if not wanted.is_a(DISK):
        raise Misuse(say("azure.not_a_disk", id=text))
    return wanted
