"""The boot configuration of a lab disk: grown, or a real store made to name the disk's partitions."""

from __future__ import annotations

from bootmend.formats.bcd import BootDevice, GptPartition, MbrPartition, Partition, Store
from bootmend.lab.bcd_maker import make_bcd, retarget
from bootmend.lab.blueprint import Blueprint
from bootmend.lab.layout import Layout
from bootmend.volumes.tables import partition as table


def boot_store(blueprint: Blueprint, layout: Layout, real: bytes | None) -> bytes:
    """The bytes of BCD."""
    system, windows = device_of(layout, layout.system), device_of(layout, layout.windows)
    if real is not None:
        return retarget(real, system_partition=system, windows_partition=windows)
    return make_bcd(
        layout.generation,
        system_partition=system,
        windows_partition=windows,
        build=f"{blueprint.build.number}.{blueprint.build.revision}",
        seed=blueprint.seed,
    )


def on_one_partition(real: bytes) -> bool:
    """Whether the default entry of a real store looks for Windows on the partition that boots."""
    default = Store.parse(real, "BCD").default
    device = default.element("osdevice") if default is not None else None
    return device is not None and isinstance(device.value, BootDevice)


def other_store(blueprint: Blueprint, layout: Layout) -> bytes:
    """A sound store of the same disk with other objects: of BCD-Template, and of the recovery environment."""
    return make_bcd(
        layout.generation,
        system_partition=device_of(layout, layout.system),
        windows_partition=device_of(layout, layout.windows),
        build=f"{blueprint.build.number}.{blueprint.build.revision}",
        seed=blueprint.seed + 1,
    )


def store_path(generation: int) -> str:
    """Where the firmware's generation looks for it, on the system partition."""
    return "\\Boot\\BCD" if generation == 1 else "\\EFI\\Microsoft\\Boot\\BCD"


def device_of(layout: Layout, partition: table.Partition) -> Partition:
    """How a store names a partition of this disk."""
    if layout.disk_guid is not None and partition.guid is not None:
        return GptPartition(partition=partition.guid, disk=layout.disk_guid)
    return MbrPartition(offset=partition.start, signature=layout.signature)
