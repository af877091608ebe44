"""A real BCD store, made to name the partitions of a lab disk."""

from __future__ import annotations

from uuid import UUID

from bootmend.errors import Missing
from bootmend.formats.bcd import BcdObject, ObjectType, Partition, Store, StoreEditor, moved, partition_of


def retarget(
    data: bytes,
    *,
    system_partition: Partition,
    windows_partition: Partition,
    file: str = "BCD",
    highest_sequence: int = 0,
) -> bytes:
    """A real store, naming other partitions; Missing where it has no default entry.

    The boot manager moves to the system partition, the default entry and its resume objects to the
    Windows partition; everything else follows the one it shared a partition with, or stays.
    """
    store = Store.parse(data, file)
    manager, default = store.boot_manager, store.default
    if manager is None or default is None:
        raise Missing(f"{file}: no default entry whose partition could be changed")
    resumes = {_object_named(manager, "resumeobject"), _object_named(default, "resumeobject")}
    old_system, old_windows = _partition(manager, "device"), _partition(default, "osdevice")
    editor = StoreEditor(data, file, highest_sequence)
    for found in store.objects.values():
        for number, element in found.elements.items():
            device = element.device
            old = partition_of(device) if device else None
            if device is None or old is None:
                continue
            if found.id == manager.id or (old == old_system and found.type == ObjectType.MEMORY_TEST):
                editor.set(found.id, number, moved(device, system_partition))
            elif found.id == default.id or found.id in resumes or old == old_windows:
                editor.set(found.id, number, moved(device, windows_partition))
            elif old == old_system:
                editor.set(found.id, number, moved(device, system_partition))
    return editor.finish()


def _object_named(found: BcdObject, name: str) -> UUID | None:
    element = found.element(name)
    return element.value if element and isinstance(element.value, UUID) else None


def _partition(found: BcdObject, name: str) -> Partition | None:
    element = found.element(name)
    return partition_of(element.device) if element and element.device else None
