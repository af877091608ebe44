"""The loader's path: there or not, and of which firmware."""

from __future__ import annotations

import pytest
from store_changes import ask, change_store, drop, put
from strange_machines import strange

ELSEWHERE = {1: "\\Windows\\System32\\Boot\\winload.exe", 2: "\\Windows\\System32\\Boot\\winload.efi"}


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_healthy_in_any_case_and_elsewhere(generation: int, case: object) -> None:
    assert callable(case)
    with strange(generation) as odd:
        assert ask(odd, "bcd_path") == []
        change_store(odd, lambda editor, _, entry: put(editor, entry, "path", case(ELSEWHERE[generation])))
        assert ask(odd, "bcd_path") == []


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("path", [None, "", "winload.efi", "\\Windows", "\\Windows\\System32\\nothing.efi"])
def test_no_loader_there(generation: int, path: str | None) -> None:
    with strange(generation) as odd:
        if path is None:
            change_store(odd, lambda editor, _, entry: drop(editor, entry, "path"))
        else:
            change_store(odd, lambda editor, _, entry: put(editor, entry, "path", path))
        assert [one.rule for one in ask(odd, "bcd_path")] == ["bcd_path"]
        odd.mended()


def test_without_any_loader_on_the_disk_nothing_is_set() -> None:
    with strange() as odd:
        change_store(odd, lambda editor, _, entry: put(editor, entry, "path", "\\nowhere.efi"))
        odd.volume(lambda files: files.delete("\\Windows\\System32\\winload.efi"))
        (found,) = ask(odd, "bcd_path")
        assert found.actions == ()
        assert found.skipped


def test_a_loader_that_is_gone_from_its_right_place_is_another_fault() -> None:
    with strange() as odd:
        odd.volume(lambda files: files.delete("\\Windows\\System32\\winload.efi"))
        assert ask(odd, "bcd_path") == []


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("name", ["winresume", "MEMTEST", "bootmgfw"])
def test_a_tool_is_no_loader(generation: int, name: str) -> None:
    """Whether or not such a file is there."""
    path = f"\\Windows\\System32\\{name}.{'exe' if generation == 1 else 'efi'}"
    with strange(generation) as odd:
        change_store(odd, lambda editor, _, entry: put(editor, entry, "path", path))
        odd.volume(lambda files: None if files.exists(path) else files.create(path, b"MZ"))
        (found,) = ask(odd, "bcd_path")
        assert found.prediction is not None
        assert found.prediction.status is None
        odd.mended()
