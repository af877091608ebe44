"""What Select may say: the set of the next start, those of other days, nothing, nonsense."""

from __future__ import annotations

import struct

import pytest
from one_look import look
from strange_machines import Strange, strange

from bootmend.findings import Finding
from bootmend.formats.hive import HiveEditor, ValueType
from bootmend.rules.control_set_missing import check

WHOLE, HOLLOW = ("Control\\Lab", "Services\\Lab"), ("Control\\Lab", "Services")


def findings(odd: Strange) -> list[Finding]:
    return look(odd, lambda windows: list(check(windows)))


def select(odd: Strange, numbers: dict[str, int | None], sets: dict[str, tuple[str, ...]] | None = None) -> None:
    """Values of Select (None: none), and control sets with these keys beside the one that is there."""

    def change(editor: HiveEditor) -> None:
        for name, keys in (sets or {}).items():
            for key in keys:
                editor.create_key(f"{name}\\{key}")
        for value, number in numbers.items():
            if number is None:
                editor.delete_value("Select", value)
            else:
                editor.set_value("Select", value, ValueType.DWORD, struct.pack("<I", number))

    odd.hive(change)


@pytest.mark.parametrize(
    "numbers",
    [
        {},
        {"Default": None},
        {"Default": 0},  # 0 names none
        {"LastKnownGood": 9, "Failed": 9},
    ],
)
def test_a_complete_set_is_no_finding(numbers: dict[str, int | None]) -> None:
    with strange() as odd:
        select(odd, numbers)
        assert findings(odd) == []


@pytest.mark.parametrize(
    ("numbers", "subject", "edits"),
    [
        # The next start goes by Default: Current is made to agree.
        ({"Current": 9}, "ControlSet009", [("Current", 1, "")]),
        # Current still names what started last: safe.
        ({"Default": 7}, "ControlSet007", [("Default", 1, "")]),
        # LastKnownGood: of an earlier day.
        ({"Default": 7, "Current": 7, "LastKnownGood": 1}, "ControlSet007", [("Default", 1, "l"), ("Current", 1, "l")]),
        # nothing names it, but it is the only one.
        ({"Default": 7, "Current": 8, "LastKnownGood": 9}, "ControlSet007", [("Default", 1, "o"), ("Current", 1, "o")]),
        (
            {"Default": None, "Current": None, "LastKnownGood": None},
            "Select",
            [("Default", 1, "o"), ("Current", 1, "o")],
        ),
    ],
)
def test_the_way_out(numbers: dict[str, int | None], subject: str, edits: list[tuple[str, int, str]]) -> None:
    risks = {"": "", "l": "last-known-good", "o": "only-control-set"}
    with strange() as odd:
        select(odd, numbers)
        (found,) = findings(odd)
        assert found.subject == subject
        expected = [(name, f"REG_DWORD {number}", risks[risk]) for name, number, risk in edits]
        assert [(one.target.rsplit(": ", 1)[-1], one.value, one.risk) for one in found.actions] == expected
        assert found.prediction is not None
        assert found.prediction.status == 0xC0000225
        proposal = odd.propose(accept=["last-known-good", "only-control-set"])
        assert proposal.worth_doing
        assert proposal.rehearsal is not None
        assert proposal.rehearsal.after.findings == []


def test_of_two_unnamed_sets_none_is_chosen() -> None:
    with strange() as odd:
        select(odd, {"Default": 7, "Current": 7, "LastKnownGood": 7}, {"ControlSet002": WHOLE})
        (found,) = findings(odd)
        assert found.actions == ()
        assert "exactly one" in found.skipped[0].reason
        assert "ControlSet001, ControlSet002" in found.evidence[-1].what


def test_a_hollow_set_is_not_complete() -> None:
    with strange() as odd:
        select(odd, {"Default": 2, "Current": 1}, {"ControlSet002": HOLLOW})
        (found,) = findings(odd)
        assert "Services" in found.evidence[1].what
        assert [one.value for one in found.actions] == ["REG_DWORD 1"]
        select(odd, {}, {"ControlSet002": WHOLE})
        assert findings(odd) == []


def test_without_the_hive_it_says_nothing() -> None:
    with strange() as odd:
        odd.volume(lambda files: files.delete("\\Windows\\System32\\config\\SYSTEM"))
        assert findings(odd) == []


def test_a_select_of_another_type() -> None:
    with strange() as odd:
        odd.hive(lambda editor: editor.set_value("Select", "Default", ValueType.SZ, "1\0".encode("utf-16-le") + b"xx"))
        assert findings(odd) == []  # not four bytes: Current is asked
        odd.hive(lambda editor: editor.set_value("Select", "Current", ValueType.BINARY, b"\1"))
        (found,) = findings(odd)
        assert found.subject == "Select"
