"""The order in which Windows loads its boot-start and system-start drivers.

Source: Microsoft's documentation of ServiceGroupOrder and GroupOrderList. First the groups,
in the order of Control\\ServiceGroupOrder\\List; a driver without a group, or of a group that
is not listed, comes after all of them. Within a group the tags in the order of
Control\\GroupOrderList\\<group> (REG_BINARY: u32 count, then that many u32 tags); a driver
without a tag, or with one that is not listed, comes after those. What is left keeps the order
of the Services key, which is the order of its subkey list.

Dependencies do not move a driver. DependOnService does not apply to drivers that load at boot; with
DependOnGroup one is loaded only if some driver of that group was ("Service and Driver Registry Parameters",
Mark Russinovich, Windows IT Pro), which `waiting` tells.
"""

from __future__ import annotations

from collections.abc import Iterable

from bootmend.binary import View
from bootmend.formats.hive import Key
from bootmend.windows.service import Service, Start

MOST_TAGS = 4096
MOST_GROUP_BYTES = 1 << 20
"""Windows' own list of groups has some 5 KiB, and no group more than a hundred tags."""


def tag_order(data: bytes, where: str) -> list[int]:
    """The tags of a GroupOrderList value; a count beyond the data is cut to what is there."""
    view = View(data, where)
    if len(view) < 4:
        return []
    count = min(view.u32(0), (len(view) - 4) // 4, MOST_TAGS)
    return [view.u32(4 + 4 * index) for index in range(count)]


class LoadOrder:
    """Sort keys for drivers, read once from a control set's Control key."""

    def __init__(self, control: Key) -> None:
        listed = control.key("ServiceGroupOrder")
        value = listed.value("List") if listed is not None else None
        self.groups: dict[str, int] = {}
        sound = value is not None and len(value.data) <= MOST_GROUP_BYTES
        for rank, group in enumerate(value.strings if value is not None and sound else []):
            self.groups.setdefault(group.lower(), rank)
        self.tags: dict[str, dict[int, int]] = {}
        tags = control.key("GroupOrderList")
        for entry in tags.values() if tags is not None else []:
            order = tag_order(entry.data, f"GroupOrderList\\{entry.name}")
            self.tags[entry.name.lower()] = {tag: rank for rank, tag in reversed(list(enumerate(order)))}

    def key(self, service: Service) -> tuple[int, int, int]:
        """Boot-start before system-start, then by group, then by tag."""
        group = service.group.lower()
        group_rank = self.groups.get(group, len(self.groups))
        tags = self.tags.get(group, {})
        tag_rank = tags.get(service.tag, len(tags)) if service.tag is not None else len(tags)
        # What is loaded at boot with another Start is the file system of the boot volume: the boot loader reads it.
        start = service.start if service.start in (Start.BOOT, Start.SYSTEM) else Start.BOOT
        return (start, group_rank, tag_rank)

    def sort(self, services: Iterable[Service]) -> list[Service]:
        return sorted(services, key=self.key)


def waiting(drivers: Iterable[Service]) -> dict[str, str]:
    """System-start drivers that depend on a group none of `drivers` belongs to: name in lower case -> the group.

    The boot loader reads boot-start drivers into memory before anybody asks for groups: they are not among them.
    """
    every = list(drivers)
    loaded = {driver.group.lower() for driver in every}
    return {
        driver.name.lower(): group
        for driver in every
        if driver.start == Start.SYSTEM
        for group in reversed(driver.depends_on_groups)
        if group.lower() not in loaded
    }
