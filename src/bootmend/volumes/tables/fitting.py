"""What a table claims, held against the disk it stands on."""

from __future__ import annotations

from dataclasses import replace

from bootmend.texts import say
from bootmend.volumes.tables.partition import Partition

MOST_PARTITIONS = 300
"""Windows makes up to 128 on a GPT disk; each one that is listed here is opened and searched for a Windows."""


def fit(partitions: list[Partition], device_size: int, warnings: list[str]) -> list[Partition]:
    """The first partitions that have bytes on the device, cut at its end; what had to be cut or overlaps is said."""
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
    if len(kept) > MOST_PARTITIONS:
        warnings.append(say("volumes.partitions_cut", most=MOST_PARTITIONS, count=len(kept)))
        del kept[MOST_PARTITIONS:]
    reached: Partition | None = None
    for partition in sorted(kept, key=lambda one: one.start):
        if reached is not None and partition.start < reached.start + reached.size:
            warnings.append(say("volumes.partitions_overlap", one=reached.number, other=partition.number))
        if reached is None or partition.start + partition.size > reached.start + reached.size:
            reached = partition
    return kept
