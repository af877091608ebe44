"""Elements of the default entry that take something from Windows, and those that matter to nobody."""

from __future__ import annotations

from uuid import UUID

import pytest
from store_changes import ask, change_store, put, view_store
from strange_machines import Strange, strange

from bootmend.findings import Safety, Severity
from bootmend.formats.bcd import BcdObject, Store, StoreEditor, Value

SYSTEM32 = "\\Windows\\System32"
MIB = 1 << 20


def entry_says(odd: Strange, name: str, value: Value) -> None:
    change_store(odd, lambda editor, _, entry: put(editor, entry, name, value))


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize(
    ("name", "severity"), [("kernel", Severity.CAUSE), ("hal", Severity.CAUSE), ("dbgtransport", Severity.RISK)]
)
def test_a_file_of_its_own_that_is_not_there(generation: int, name: str, severity: Severity) -> None:
    with strange(generation) as odd:
        entry_says(odd, name, "mine.dll")
        (found,) = ask(odd, "bcd_kernel")
        assert found.severity is severity
        assert [one.rule for one in odd.diagnose().causes] == (["bcd_kernel"] if severity is Severity.CAUSE else [])
        odd.mended()


def test_a_file_of_its_own_that_is_there_is_judged_as_what_it_is() -> None:
    with strange() as odd:
        entry_says(odd, "kernel", "mine.exe")
        odd.volume(lambda files: files.create(f"{SYSTEM32}\\mine.exe", files.read(f"{SYSTEM32}\\ntoskrnl.exe")))
        assert ask(odd, "bcd_kernel") == []
        assert odd.diagnose().healthy


def test_both_kernels_gone() -> None:
    """First the usual one comes back, then the element that names the other goes: in one repair."""
    with strange() as odd:
        entry_says(odd, "kernel", "mine.exe")
        odd.volume(lambda files: files.delete(f"{SYSTEM32}\\ntoskrnl.exe"))
        (found,) = ask(odd, "bcd_kernel")
        assert found.actions == ()
        assert "ntoskrnl.exe" in found.skipped[0].reason
        odd.mended()


def test_an_inherited_element_is_deleted_where_it_stands() -> None:
    with strange() as odd:

        def change(editor: StoreEditor, store: Store, _: BcdObject) -> None:
            settings = store.object("{bootloadersettings}")
            assert settings is not None
            put(editor, settings, "kernel", "mine.exe")

        change_store(odd, change)
        (found,) = ask(odd, "bcd_kernel")
        assert "{bootloadersettings}" in found.actions[0].target
        odd.mended()


@pytest.mark.parametrize(
    ("name", "value", "severity"),
    [
        ("truncatememory", MIB, Severity.CAUSE),
        ("truncatememory", 511 * MIB, Severity.CAUSE),
        ("truncatememory", 512 * MIB, Severity.RISK),
        ("truncatememory", 1 << 40, Severity.RISK),
        ("removememory", 100_000, Severity.RISK),
        ("removememory", 0, None),
        ("truncatememory", 0, None),
    ],
)
def test_memory_that_is_kept_from_windows(name: str, value: int, severity: Severity | None) -> None:
    with strange() as odd:
        entry_says(odd, name, value)
        found = ask(odd, "bcd_memory")
        assert [one.severity for one in found] == ([severity] if severity is not None else [])
        if severity is Severity.RISK:
            assert found[0].actions[0].safety is Safety.RISKY
            assert odd.diagnose().healthy
            assert odd.propose().rehearsal is None
            assert odd.propose(accept=["memory-limit"]).worth_doing
        elif severity is not None:
            odd.mended()


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_safe_mode_is_a_note(mode: int) -> None:
    with strange() as odd:
        entry_says(odd, "safeboot", mode)
        assert [one.severity for one in ask(odd, "bcd_safe_mode")] == [Severity.NOTE]
        assert odd.diagnose().healthy


SILENT: list[tuple[str, Value]] = [
    ("nx", 0),
    ("nx", 3),
    ("detecthal", True),
    ("bootlog", True),
    ("sos", True),
    ("numproc", 1),
    ("integrityservices", 2),
    ("hypervisorlaunchtype", 0),
    ("hypervisorlaunchtype", 1),
    ("recoverysequence", [UUID(int=7)]),
    ("recoveryenabled", True),
    ("resumeobject", UUID(int=7)),
    ("bootmenupolicy", 0),
    ("loadoptions", "ANYTHING"),
]


@pytest.mark.parametrize(("name", "value"), SILENT)
def test_what_keeps_no_machine_from_starting(name: str, value: Value) -> None:
    with strange() as odd:
        entry_says(odd, name, value)
        assert odd.diagnose().findings == []


def test_a_menu_with_entries_that_are_gone_and_a_default_that_is_there() -> None:
    with strange() as odd:
        manager = view_store(odd).boot_manager
        assert manager is not None
        change_store(odd, lambda editor, _, entry: put(editor, manager, "displayorder", [UUID(int=7), entry.id]))
        assert odd.diagnose().findings == []
