"""What the boot manager starts when nobody chooses."""

from __future__ import annotations

from uuid import UUID

import pytest
from store_changes import ask, change_store, drop, fault, put
from strange_machines import strange

from bootmend.findings import Severity
from bootmend.formats.bcd import BcdObject, ObjectType, Store, StoreEditor


def manager_of(store: Store) -> BcdObject:
    assert store.boot_manager is not None
    return store.boot_manager


@pytest.mark.parametrize("generation", [1, 2])
def test_healthy(generation: int) -> None:
    with strange(generation) as odd:
        assert ask(odd, "bcd_default") == []


@pytest.mark.parametrize(("menu", "severity"), [(True, Severity.RISK), (False, Severity.CAUSE)])
@pytest.mark.parametrize("unset", [True, False])
def test_no_default_with_and_without_a_menu(menu: bool, severity: Severity, unset: bool) -> None:
    with strange() as odd:

        def change(editor: StoreEditor, store: Store, _: BcdObject) -> None:
            if unset:
                drop(editor, manager_of(store), "default")
            else:
                put(editor, manager_of(store), "default", UUID(int=7))
            if not menu:
                drop(editor, manager_of(store), "displayorder")

        change_store(odd, change)
        (found,) = ask(odd, "bcd_default")
        assert found.severity is severity
        assert (found.prediction is None) == menu
        odd.mended()


def test_a_setup_under_way_is_left_alone_without_consent() -> None:
    with strange() as odd:
        fault(odd, "bcd-default-setup")

        def image(files: object) -> None:
            for folder in ("\\$WINDOWS.~BT", "\\$WINDOWS.~BT\\Sources", "\\$WINDOWS.~BT\\Sources\\SafeOS"):
                files.mkdir(folder)  # type: ignore[attr-defined]
            files.create("\\$WINDOWS.~BT\\Sources\\SafeOS\\winre.wim", b"MSWIM\0\0\0")  # type: ignore[attr-defined]

        assert [one.severity for one in ask(odd, "bcd_default")] == [Severity.CAUSE]
        odd.volume(image)
        assert [one.severity for one in ask(odd, "bcd_default")] == [Severity.RISK]
        assert odd.diagnose().healthy
        assert odd.propose().rehearsal is None
        assert odd.propose(accept=["abandon-setup"]).worth_doing


def test_an_entry_of_another_kind_is_a_choice() -> None:
    """A boot sector of another system, or the memory test, as the default: somebody wanted that."""
    with strange(1) as odd:

        def change(editor: StoreEditor, store: Store, _: BcdObject) -> None:
            editor.create_object(UUID(int=7 << 64), ObjectType.BOOT_SECTOR)
            put(editor, manager_of(store), "default", UUID(int=7 << 64))

        change_store(odd, change)
        assert ask(odd, "bcd_default") == []


def test_of_two_entries_none_is_chosen() -> None:
    with strange() as odd:

        def change(editor: StoreEditor, store: Store, entry: BcdObject) -> None:
            editor.create_object(UUID(int=7 << 64), entry.type)
            for element in entry.elements.values():
                editor.set_raw(UUID(int=7 << 64), element.id, element.raw_type, element.raw)
            put(editor, manager_of(store), "default", UUID(int=9))

        change_store(odd, change)
        (found,) = ask(odd, "bcd_default")
        assert found.actions == ()
        assert found.skipped


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize(("kind", "screen"), [(ObjectType.MEMORY_TEST, "stuck"), (ObjectType.RESUME, "boot_manager")])
def test_a_tool_instead_of_windows(generation: int, kind: ObjectType, screen: str) -> None:
    with strange(generation) as odd:

        def change(editor: StoreEditor, store: Store, _: BcdObject) -> None:
            tool = next(one for one in store.objects.values() if one.type == kind)
            put(editor, manager_of(store), "default", tool.id)

        change_store(odd, change)
        (found,) = ask(odd, "bcd_default")
        assert found.severity is Severity.CAUSE
        assert found.prediction is not None
        assert found.prediction.screen.value == screen
        odd.mended()


def test_another_system_by_default_is_somebodys_wish() -> None:
    with strange(1) as odd:

        def change(editor: StoreEditor, store: Store, _: BcdObject) -> None:
            editor.create_object(UUID(int=7), ObjectType.BOOT_SECTOR)
            put(editor, manager_of(store), "default", UUID(int=7))

        change_store(odd, change)
        assert ask(odd, "bcd_default") == []


@pytest.mark.parametrize("generation", [1, 2])
def test_a_store_without_its_boot_manager_gets_one(generation: int) -> None:
    with strange(generation) as odd:
        change_store(odd, lambda editor, store, _: editor.delete_object(manager_of(store).id))
        (found,) = ask(odd, "bcd_default")
        assert found.severity is Severity.CAUSE
        odd.mended()
        assert [one.rule for one in odd.diagnose().causes] == ["bcd_default"]
