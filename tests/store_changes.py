"""The boot store of a lab machine, changed by its default entry, and what one rule says of it."""

from __future__ import annotations

from collections.abc import Callable

from strange_machines import Strange

from bootmend.findings import Finding
from bootmend.formats.bcd import BcdObject, Store, StoreEditor, Value, element_id
from bootmend.lab.faults import apply_fault
from bootmend.rules import all_rules
from bootmend.windows.desk import Desk
from bootmend.windows.discovery import find_windows
from bootmend.windows.image import Image


def ask(odd: Strange, rule: str) -> list[Finding]:
    """What that rule alone says of the machine."""
    image = Image(odd.disk)
    try:
        windows = find_windows(image, odd.given)[0]
        return list(all_rules()[rule].check(windows))
    finally:
        image.close()


def change_store(odd: Strange, change: Callable[[StoreEditor, Store, BcdObject], object]) -> None:
    """`change(editor, store, default entry)` on the system partition's store."""
    image = Image(odd.disk)
    desk = Desk(image)
    opened = desk.store(odd.manifest.system_partition, odd.manifest.store)
    store = opened.view()
    assert store.default is not None
    change(opened.editor, store, store.default)
    desk.save()
    image.close()


def view_store(odd: Strange) -> Store:
    image = Image(odd.disk)
    try:
        return Store.parse(image.read_file(odd.manifest.system_partition, odd.manifest.store), odd.manifest.store)
    finally:
        image.close()


def put(editor: StoreEditor, found: BcdObject, name: str, value: Value) -> None:
    number = element_id(name, found.type)
    assert number is not None
    editor.set(found.id, number, value)


def drop(editor: StoreEditor, found: BcdObject, name: str) -> None:
    number = element_id(name, found.type)
    assert number is not None
    assert editor.delete(found.id, number)


def fault(odd: Strange, name: str) -> None:
    apply_fault(odd.disk, name, odd.manifest)
