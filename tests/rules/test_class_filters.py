"""Filters of device classes: dangling, disabled, without a file, foreign; the order of the others stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from one_rule import (
    DISK_DRIVE,
    HDC,
    SCSI_ADAPTER,
    SET,
    SYSTEM_DEVICE,
    after,
    ask,
    number,
    physical,
    said,
    strings,
    text,
)
from strange_machines import DRIVER_STORE, DRIVERS, Strange, strange

from bootmend.actions.registry import DeleteValue, SetValue
from bootmend.formats.hive import HiveEditor, multi_sz
from bootmend.volumes.ntfs import NtfsVolume

RULE = "class_filters"
CLASS = f"{SET}\\Control\\Class"
VOLUME = "{71a27cdd-812a-11d0-bec7-08002be2092f}"
KEYBOARD = "{4d36e96b-e325-11ce-bfc1-08002be10318}"
CDROM = "{4d36e965-e325-11ce-bfc1-08002be10318}"


def listed(guid: str, name: str, *filters: str) -> Callable[[HiveEditor], None]:
    return lambda editor: strings(editor, f"{CLASS}\\{guid}", name, *filters)


@pytest.mark.parametrize(
    ("guid", "severity"),
    [
        (DISK_DRIVE, "cause"),
        (VOLUME, "cause"),
        (SYSTEM_DEVICE, "cause"),
        (SCSI_ADAPTER, "cause"),
        (HDC, "risk"),
        (KEYBOARD, None),
        (CDROM, None),
    ],
)
def test_a_dangling_filter_matters_by_its_class(guid: str, severity: str | None) -> None:
    with after(listed(guid, "UpperFilters", "gone")) as odd:
        assert said(odd, RULE) == ([("gone", severity)] if severity else [])


def test_the_adapters_class_of_a_physical_machine_is_its_own() -> None:
    def change(editor: HiveEditor) -> None:
        physical(editor)
        listed(HDC, "LowerFilters", "gone")(editor)

    with after(change) as odd:
        assert said(odd, RULE) == [("gone", "risk")]
        odd.hive(listed(SCSI_ADAPTER, "UpperFilters", "gone"))
        assert said(odd, RULE) == [("gone", "cause")]


def test_the_others_keep_their_order_and_spelling() -> None:
    with after(listed(DISK_DRIVE, "UpperFilters", "tcesd", "PartMgr", "gone", "iorate")) as odd:
        found = ask(odd, RULE)
        assert [one.subject for one in found] == ["tcesd", "gone"]
        assert found[0].actions == found[1].actions
        (action,) = found[0].actions
        assert isinstance(action, SetValue)
        assert action.data == multi_sz(["PartMgr", "iorate"])
        odd.mended()


def test_a_list_that_would_be_empty_is_deleted() -> None:
    with after(listed(SYSTEM_DEVICE, "LowerFilters", "gone")) as odd:
        (found,) = ask(odd, RULE)
        assert [type(action) for action in found.actions] == [DeleteValue]
        odd.mended()


def test_a_list_that_is_one_string_is_read_as_windows_reads_it() -> None:
    with after(lambda editor: text(editor, f"{CLASS}\\{DISK_DRIVE}", "UpperFilters", "partmgr")) as odd:
        assert said(odd, RULE) == []


@pytest.mark.parametrize(
    ("name", "start", "expected"),
    [
        ("EhStorClass", 4, [("ehstorclass", "cause")]),
        ("rdyboost", 4, [("rdyboost", "cause")]),
        ("fvevol", 4, [("fvevol", "cause")]),
        ("iorate", 0, []),
        ("iorate", 3, []),
        ("volsnap", 4, []),
        ("partmgr", 4, []),
    ],
)
def test_a_disabled_filter_of_windows_is_turned_on_again(name: str, start: int, expected: object) -> None:
    """partmgr and volsnap are boot_driver_start's."""
    with after(lambda editor: number(editor, f"{SET}\\Services\\{name}", "Start", start)) as odd:
        assert said(odd, RULE) == expected
        for found in ask(odd, RULE):
            assert [action.target.rsplit(": ", 1)[-1] for action in found.actions] == ["Start"]
        if expected:
            odd.mended()


def foreign(odd: Strange, start: int = 0) -> None:
    """The lab's backup driver filters all disks."""

    def change(editor: HiveEditor) -> None:
        listed(DISK_DRIVE, "UpperFilters", "labbackup", "partmgr")(editor)
        number(editor, f"{SET}\\Services\\labbackup", "Start", start)

    odd.hive(change)


def test_a_foreign_filter_that_loads_is_only_noted() -> None:
    with strange() as odd:
        foreign(odd)
        (found,) = ask(odd, RULE)
        assert (found.subject, found.severity.value, found.prediction) == ("labbackup.sys", "note", None)
        assert found.actions == ()
        assert "bootmend reg" in found.skipped[0].reason


def test_a_foreign_filter_that_is_disabled_is_taken_out() -> None:
    with strange() as odd:
        foreign(odd, start=4)
        assert said(odd, RULE) == [("labbackup", "cause")]
        odd.mended()


@pytest.mark.parametrize("package", [True, False])
@pytest.mark.parametrize("broken", ["missing", "empty", "no image"])
def test_a_file_that_is_gone_or_no_driver(broken: str, package: bool) -> None:
    """Its file comes back from the driver package; without one the name is taken out."""
    path = f"{DRIVERS}\\labbackup.sys"

    def change(files: NtfsVolume) -> None:
        files.delete(path)
        if broken != "missing":
            files.create(path, b"" if broken == "empty" else b"MZ no driver at all")
        if not package:
            for folder in files.listdir(DRIVER_STORE):
                copy = f"{DRIVER_STORE}\\{folder.name}\\labbackup.sys"
                if files.exists(copy):
                    files.delete(copy)

    with strange() as odd:
        foreign(odd)
        odd.volume(change)
        (found,) = ask(odd, RULE)
        assert (found.subject, found.severity.value) == ("labbackup", "cause")
        restored = {"missing": "create_file"}.get(broken, "replace_file")
        assert [action.kind for action in found.actions] == [restored if package else "set_registry_value"]
        proposal = odd.propose()
        assert proposal.worth_doing
        assert proposal.rehearsal is not None
        assert proposal.rehearsal.after.healthy


def test_a_critical_filter_without_its_file_is_told_once() -> None:
    with strange() as odd:
        odd.service("rdyboost", ErrorControl=3)
        odd.volume(lambda files: files.delete(f"{DRIVERS}\\rdyboost.sys"))
        assert said(odd, RULE) == []
        assert [one.rule for one in odd.diagnose().causes] == ["driver_missing"]


def test_windows_own_filter_whose_file_nobody_has_stays_in_the_list() -> None:
    with strange() as odd:
        facts = odd.facts("iorate.sys")
        odd.service("iorate", ErrorControl=1)

        def change(files: NtfsVolume) -> None:
            for path in dict.fromkeys(facts.everywhere):
                if files.exists(path):
                    files.delete(path)

        odd.volume(change)
        (found,) = ask(odd, RULE)
        assert (found.subject, found.severity.value, found.actions) == ("iorate", "cause", ())
        assert found.skipped
