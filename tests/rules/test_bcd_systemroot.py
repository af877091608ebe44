"""The folder that winload takes Windows from."""

from __future__ import annotations

import pytest
from store_changes import ask, change_store, drop, put
from strange_machines import strange


@pytest.mark.parametrize("root", ["\\Windows", "\\WINDOWS\\", "\\windows"])
def test_the_same_folder_in_other_words(root: str) -> None:
    with strange() as odd:
        change_store(odd, lambda editor, _, entry: put(editor, entry, "systemroot", root))
        assert ask(odd, "bcd_systemroot") == []


@pytest.mark.parametrize("root", [None, "", "Windows", "\\Users"])
def test_no_windows_there(root: str | None) -> None:
    with strange(1) as odd:
        if root is None:
            change_store(odd, lambda editor, _, entry: drop(editor, entry, "systemroot"))
        else:
            change_store(odd, lambda editor, _, entry: put(editor, entry, "systemroot", root))
        assert [one.rule for one in ask(odd, "bcd_systemroot")] == ["bcd_systemroot"]
        odd.mended()


def test_of_two_windows_none_is_chosen() -> None:
    with strange() as odd:
        hive = odd.read("\\Windows\\System32\\config\\SYSTEM")

        def second(files: object) -> None:
            for folder in ("\\Old", "\\Old\\System32", "\\Old\\System32\\config"):
                files.mkdir(folder)  # type: ignore[attr-defined]
            files.create("\\Old\\System32\\config\\SYSTEM", hive)  # type: ignore[attr-defined]

        odd.volume(second)
        change_store(odd, lambda editor, _, entry: put(editor, entry, "systemroot", "\\WINNT"))
        (found,) = ask(odd, "bcd_systemroot")
        assert found.actions == ()
        assert "Several" in found.skipped[0].reason
