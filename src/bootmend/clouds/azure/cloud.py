"""The contract of a cloud, kept by Azure.

What a run makes lies in the resource group of the machine's OS disk, and carries its tags.
Links to a disk's bytes are taken back when a block ends, whatever ends it; a second Ctrl-C waits for that.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from azure.mgmt.compute.models import CreationData, Disk

from bootmend.clouds.azure.answers import word
from bootmend.clouds.azure.connection import Connection
from bootmend.clouds.azure.disks import FOOTER, READ, WRITE, Disks, facts_of, like
from bootmend.clouds.azure.guards import obstacles
from bootmend.clouds.azure.helper_machine import HELPER_NAME, HelperMachine, Place, Wanted
from bootmend.clouds.azure.ids import DISK, VM, ResourceId
from bootmend.clouds.azure.machines import (
    Machines,
    agent_of,
    agent_status,
    as_machine,
    changed_at,
    disk_id,
    mark_of,
    moment,
    power_of,
    view_of,
)
from bootmend.clouds.azure.screen import Screens
from bootmend.clouds.cloud import Cloud, How, Listed, Machine, Obstacle, Sight, Thing
from bootmend.clouds.naming import HELPER_GROUP
from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice, Patch
from bootmend.disk.page_blob import UploadBlob, page_ranges, put_page_from_url
from bootmend.errors import BootmendError, Missing, Refused
from bootmend.repair import Progress
from bootmend.texts import say

_LINK_SECONDS = 4 * 3600
"""How long a link holds; copying 127 GiB at 60 MB/s takes 36 minutes."""


class AzureCloud(Cloud):
    kind = "azure"

    def __init__(self, connection: Connection, group: str = "") -> None:
        self.connection = connection
        self.vms = Machines(connection, group)
        self.disks = Disks(connection)
        self._screens = Screens(connection, self.vms.pace)
        self.tell: Progress = lambda _: None
        """Hears how far the filling of a disk is."""
        self._links: dict[str, str] = {}
        """Those that are open now, by the id of their disk."""

    def find(self, name: str) -> Machine:
        return as_machine(self.vms.get(self.vms.resolve(name)))

    def machines(self) -> Iterator[Listed]:
        return self.vms.all()

    def look(self, machine: str) -> Sight:
        wanted = ResourceId.parse(machine)
        view = view_of(self.vms.get(wanted))
        status = agent_status(view)
        shown = self._screens.of(wanted)
        return Sight(
            power=power_of(view),
            agent=agent_of(view),
            agent_when=moment(status.time) if status is not None else None,
            screen=shown.picture,
            screen_when=shown.picture_when,
            serial=shown.log,
            serial_size=shown.log_size,
            unseen=shown.unseen,
            changed=changed_at(view),
        )

    def obstacles(self, machine: Machine) -> list[Obstacle]:
        vm = self.vms.get(ResourceId.parse(machine.id))
        return obstacles(self.connection, vm, self.disks.get(disk_id(machine.disk)))

    def costs(self, machine: Machine, how: How) -> list[str]:
        disk = self.disks.get(disk_id(machine.disk))
        size, kind = facts_of(disk).disk_size_gb, word(disk.sku.name) if disk.sku is not None else "?"
        made = [say("azure.cost_snapshot", size=size), say("azure.cost_disk", size=size, kind=kind)]
        return [*made, say("azure.cost_helper")] if how is How.HELPER else made

    def stop(self, machine: str) -> None:
        self.vms.stop(ResourceId.parse(machine))

    def start(self, machine: str) -> None:
        self.vms.start(ResourceId.parse(machine))

    def snapshot(self, disk: str, name: str, tags: Mapping[str, str]) -> str:
        return str(self.disks.snapshot(disk_id(disk), name, tags))

    @contextmanager
    def reading(self, disk: str) -> Iterator[BlockDevice]:
        with self.link(disk, READ) as link, open_disk(link) as device:
            yield device

    def disk_with(self, name: str, source: str, patches: Iterable[Patch], tags: Mapping[str, str]) -> str:
        """Filled by Azure itself, page by page from the source's link; only the patches come from here."""
        old = disk_id(source)
        made = ResourceId(old.subscription, old.group, DISK, name)
        self._forget(made)
        template = self.disks.get(old)
        creation = CreationData(
            create_option="Upload", upload_size_bytes=(facts_of(template).disk_size_bytes or 0) + FOOTER
        )
        self.disks.create(made, like(template, creation, tags))
        with self.link(str(made), WRITE) as target:
            self._fill(self._links[source.lower()], target, patches)
        return str(made)

    def has_disk(self, disk: str) -> bool:
        return self.disks.find(disk_id(disk)) is not None

    def disk_moved(self, disk: str) -> str:
        found = self.disks.find(disk_id(disk))
        return mark_of(facts_of(found).last_ownership_update_time) if isinstance(found, Disk) else ""

    def swap(self, machine: str, disk: str) -> None:
        self.vms.swap(ResourceId.parse(machine), disk_id(disk))

    def close_access(self, disk: str) -> None:
        if disk and self.disks.is_shared(ResourceId.parse(disk)):
            try:
                self._revoke(ResourceId.parse(disk))
            except Refused:  # of a disk that was not filled to its end
                if self.disks.is_shared(ResourceId.parse(disk)):
                    raise

    def things(self, machine: Machine) -> list[Thing]:
        return self.things_of([machine])[machine.id]

    def things_of(self, machines: Iterable[Machine]) -> dict[str, list[Thing]]:
        """By the id of their machine; each resource group is listed once."""
        owners = {machine.id[-256:].lower(): machine for machine in machines}
        groups = {ResourceId.parse(one).group.lower() for found in owners.values() for one in (found.id, found.disk)}
        made: dict[str, list[Thing]] = {machine.id: [] for machine in owners.values()}
        found = [pair for group in sorted(groups) for pair in self.disks.things(group)]
        known = [(owners[owner.lower()].id, thing) for owner, thing in found if owner.lower() in owners]
        for group in sorted(groups | {thing.marks.get(HELPER_GROUP, "").lower() for _, thing in known} - {""}):
            with suppress(Missing):  # a tag may name any group
                helpers = [
                    (owners[owner.lower()].id, one) for owner, one in self.vms.helpers(group) if owner.lower() in owners
                ]
                known.extend(helpers)
        for owner, thing in known:
            made[owner].append(thing)
        return made

    def remove(self, thing: str) -> None:
        wanted = ResourceId.parse(thing)
        if wanted.is_a(VM):
            self.helper(wanted).remove()
            self.vms.forget()
            return
        found = self.disks.find(wanted)
        if found is not None and found.managed_by:
            holder = ResourceId.parse(found.managed_by)
            if holder.name.startswith(HELPER_NAME):  # a run that was broken off left it there
                self.helper(holder).detach_if_there([str(wanted)])
        self.disks.remove(wanted)

    def helper(self, wanted: ResourceId) -> HelperMachine:
        """The helper of that id, whoever made it."""
        vm = self.vms.get(wanted)
        place = Place(wanted.group, vm.location, (vm.zones or [""])[0])
        return HelperMachine(self.connection, self.vms.pace, place, Wanted(), name=wanted.name)

    def _forget(self, made: ResourceId) -> None:
        """A disk of that name that a crash left half filled is of no use."""
        self.close_access(str(made))
        self.disks.remove(made)

    @contextmanager
    def link(self, disk: str, access: str) -> Iterator[str]:
        """A link to a disk's bytes until the block ends. The same disk is linked once at a time."""
        wanted = ResourceId.parse(disk)
        try:
            link = self.disks.grant(wanted, access, _LINK_SECONDS)
            self._links[disk.lower()] = link
            yield link
        except BaseException:
            # The trouble itself is told; that a half-filled disk makes a poor disk is no news.
            with suppress(BootmendError):
                self._revoke(wanted)
            raise
        else:
            self._revoke(wanted)
        finally:
            self._links.pop(disk.lower(), None)

    def _revoke(self, wanted: ResourceId) -> None:
        with undisturbed():
            self.disks.revoke(wanted)

    def _fill(self, source: str, target: str, patches: Iterable[Patch]) -> None:
        ranges = page_ranges(source)
        with UploadBlob(target) as blob:
            size = blob.size
        whole = [*ranges, (size - FOOTER, size)] if not ranges or ranges[-1][1] < size else ranges
        total = sum(high - low for low, high in whole)
        done = 0

        def told(count: int) -> None:
            nonlocal done
            done += count
            self.tell(say("azure.copying", done=done >> 20, total=total >> 20))

        put_page_from_url(source, target, whole, told=told)
        with UploadBlob(target) as blob:
            for patch in patches:
                blob.write(patch.offset, patch.after)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C waits until the block has ended. Only the main thread hears of it, so only there is something to do."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
