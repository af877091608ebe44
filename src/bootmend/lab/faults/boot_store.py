"""What the faults of the boot store share: its default entry, and what a boot manager that stops there shows."""

from __future__ import annotations

from collections.abc import Callable

from bootmend.errors import InputError, Misuse
from bootmend.formats.bcd import BcdObject, Store, StoreEditor, Value, element_id
from bootmend.lab.faults.fault import Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

STATUS_NO_SUCH_DEVICE = 0xC000000E
STATUS_NO_SUCH_FILE = 0xC000000F
STATUS_FILE_INVALID = 0xC0000098
STATUS_REGISTRY_CORRUPT = 0xC000014C


def default_entry(machine: OpenMachine, fault: str) -> tuple[Store, BcdObject]:
    """Raises Misuse where the store has none, or is gone: another fault was here first."""
    try:
        store = Store.parse(machine.system.read(machine.manifest.store), machine.manifest.store)
    except InputError as error:
        raise Misuse(say("lab.no_victim", name=fault, why=str(error))) from error
    if store.default is None:
        raise Misuse(say("lab.no_victim", name=fault, why="its boot store has no default entry"))
    return store, store.default


def edited(
    machine: OpenMachine, fault: str, status: int | None, change: Callable[[StoreEditor, BcdObject], object]
) -> Outcome:
    """The store's default entry changed by `change`, so that the boot manager stops with `status`."""
    store, entry = default_entry(machine, fault)
    with machine.edit_store() as editor:
        change(editor, entry)
    return stopped(machine, status, entry.name, store=store.file)


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
