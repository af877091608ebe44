"""What the faults of the boot store share: its default entry, and what a boot manager that stops there shows."""

from __future__ import annotations

from bootmend.errors import InputError, Misuse
from bootmend.formats.bcd import (
    BcdObject,
    BootDevice,
    Device,
    GptPartition,
    MbrPartition,
    RamdiskDevice,
    Store,
    StoreEditor,
    Value,
    element_id,
    partition_of,
)
from bootmend.lab.faults.fault import Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say
from bootmend.volumes.partitions import read_partitions

STATUS_NO_SUCH_DEVICE = 0xC000000E
STATUS_NO_SUCH_FILE = 0xC000000F
STATUS_FILE_INVALID = 0xC0000098
STATUS_REGISTRY_CORRUPT = 0xC000014C


def default_entry(machine: OpenMachine, fault: str) -> tuple[Store, BcdObject]:
    """The store and the entry of the installed Windows. Raises Misuse where another fault has had either."""
    try:
        store = Store.parse(machine.system.read(machine.manifest.store), machine.manifest.store)
    except InputError as error:
        raise Misuse(say("lab.no_victim", name=fault, why=str(error))) from error
    for entry in (store.default, *store.loaders):
        osdevice = entry.element("osdevice") if entry is not None else None
        if entry is not None and osdevice is not None and not isinstance(osdevice.device, RamdiskDevice):
            return store, entry
    raise Misuse(say("lab.no_victim", name=fault, why="its boot store has no entry of Windows"))


def untouched_store(machine: OpenMachine, fault: str) -> tuple[Store, BcdObject]:
    """The same, where no other fault has changed anything in the store: what takes it away would hide that."""
    store, entry = default_entry(machine, fault)
    suffix = "exe" if machine.manifest.generation == 1 else "efi"
    expected = {"path": f"\\windows\\system32\\winload.{suffix}", "systemroot": "\\windows"}
    said = {name: entry.element(name) for name in expected}
    sound = all(one is not None and str(one.value).lower() == expected[name] for name, one in said.items())
    osdevice = entry.element("osdevice")
    here = osdevice is not None and osdevice.device is not None and _is_here(machine, osdevice.device)
    if not sound or not here or store.default is not entry or entry.element("imcdevice") is not None:
        raise Misuse(say("lab.no_victim", name=fault, why="its boot store is broken already"))
    return store, entry


def _is_here(machine: OpenMachine, device: Device) -> bool:
    if isinstance(device, BootDevice):
        return machine.manifest.system_partition == machine.manifest.windows_partition
    named = partition_of(device)
    table = read_partitions(machine.device)
    if isinstance(named, MbrPartition):
        return named.signature == table.mbr_signature
    return isinstance(named, GptPartition) and named.disk == table.disk_guid


def edited(machine: OpenMachine, fault: str, name: str, value: Value, status: int | None) -> Outcome:
    """Another value for an element of the entry, so that the boot manager stops with `status`."""
    _, entry = untouched_store(machine, fault) if name == "path" else default_entry(machine, fault)
    with machine.edit_store() as editor:
        put(editor, entry, name, value)
    return stopped(machine, status, entry.name)


def stopped(machine: OpenMachine, status: int | None, subject: str, **details: object) -> Outcome:
    """The boot ends at the boot manager's page."""
    return Outcome(
        subject=subject,
        stops=True,
        status=status,
        screen="boot_manager",
        touched=(f"{machine.manifest.system_partition}:{machine.manifest.store}",),
        details=details,
    )


def put(editor: StoreEditor, entry: BcdObject, name: str, value: Value) -> None:
    editor.set(entry.id, number(entry, name), value)


def number(entry: BcdObject, name: str) -> int:
    found = element_id(name, entry.type)
    assert found is not None
    return found
