"""The tables of stop codes and statuses."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from bootmend.dumps.bugchecks import bug_check, fast_fail_name, plain_code, status_name
from bootmend.windows.prediction import BUG_CHECKS

TABLE = tomllib.loads(resources.files("bootmend.dumps").joinpath("bugchecks.toml").read_text(encoding="utf-8"))


def test_every_row_is_whole() -> None:
    assert len(TABLE) > 390
    for code, row in TABLE.items():
        assert code == f"{int(code, 16):X}"
        assert 2 <= len(row) <= 6
        assert row[0] == row[0].upper()
        assert row[1].endswith(".")
        assert not any(word.endswith(".") and not word.endswith("...") for word in row[2:])
    assert len({row[0] for row in TABLE.values()}) == len(TABLE)


def test_names_are_those_that_predictions_use() -> None:
    for code, name in BUG_CHECKS.items():
        assert bug_check(code).name == name


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (0x1000007E, 0x7E),
        (0x1000008E, 0x8E),
        (0x7E, 0x7E),
        (0x4000008A, 0x4000008A),
        (0xC000021A, 0xC000021A),
        (0x1FFFFFFF, 0x1FFFFFFF),
    ],
)
def test_the_mark_of_a_small_dump_is_taken_off(written: int, shown: int) -> None:
    assert plain_code(written) == shown


def test_a_code_that_nobody_published() -> None:
    assert bug_check(0xABCDEF).name == "0xABCDEF"
    assert bug_check(0xABCDEF).meaning == ""


def test_statuses() -> None:
    assert status_name(0xC0000428) == "STATUS_INVALID_IMAGE_HASH"
    assert status_name(0xFFFFFFFFC0000034) == "STATUS_OBJECT_NAME_NOT_FOUND"
    assert status_name(0xCAFEBABE) == ""
    assert fast_fail_name(3) == "CORRUPT_LIST_ENTRY"
    assert fast_fail_name(0x12) == "INVALID_JUMP_BUFFER"
    assert fast_fail_name(0x7777) == ""
