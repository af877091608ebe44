"""The disk's identity in the boot store is an old one, as after a clone: every device there leads nowhere."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from bootmend.formats.bcd import BcdObject, GptPartition, Partition, StoreEditor, moved, partition_of
from bootmend.lab.faults.boot_store import STATUS_NO_SUCH_DEVICE, default_entry, stopped
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

_NAME = "bcd-device"


def _apply(machine: OpenMachine) -> Outcome:
    store, entry = default_entry(machine, _NAME)
    with machine.edit_store() as editor:
        for found in store.objects.values():
            _rename(editor, found)
    return stopped(machine, STATUS_NO_SUCH_DEVICE, entry.name)


def _rename(editor: StoreEditor, found: BcdObject) -> None:
    for number, element in found.elements.items():
        named = partition_of(element.device) if element.device is not None else None
        if element.device is not None and named is not None:
            editor.set(found.id, number, moved(element.device, _as_before(named)))


def _as_before(named: Partition) -> Partition:
    """The same partition by the identity that the disk had before it was cloned."""
    if isinstance(named, GptPartition):
        return GptPartition(_other(named.partition), _other(named.disk))
    return replace(named, signature=named.signature ^ 0x5A5A5A5A)


def _other(guid: UUID) -> UUID:
    return UUID(int=guid.int ^ 0x5A5A << 64)


FAULT = Fault(
    name=_NAME,
    description="the boot store names its partitions by the identity of another disk, as after a clone",
    expect="bcd_device",
    apply=_apply,
)
