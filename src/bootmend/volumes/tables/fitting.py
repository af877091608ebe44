"""What a table claims, held against the disk it stands on."""

from __future__ import annotations

from dataclasses import replace

from bootmend.texts import say
from bootmend.volumes.tables.partition import Partition


def fit(partitions: list[Partition], device_size: int, warnings: list[str]) -> list[Partition]:
    """The partitions that have bytes on the device, cut at its end; what had to be cut or overlaps is said."""
    kept: list[Partition] = []
    for partition in partitions:
        end = partition.start + partition.size
        if partition.start >= device_size:
            warnings.append(say("volumes.partition_outside", number=partition.number, start=partition.start))
            continue
        if end > device_size:
            warnings.append(say("volumes.partition_cut", number=partition.number, end=end, size=device_size))
            kept.append(replace(partition, size=device_size - partition.start))
        else:
            kept.append(partition)
    reached: Partition | None = None
    for partition in sorted(kept, key=lambda one: one.start):
        if reached is not None and partition.start < reached.start + reached.size:
            warnings.append(say("volumes.partitions_overlap", one=reached.number, other=partition.number))
        if reached is None or partition.start + partition.size > reached.start + reached.size:
            reached = partition
    return kept
