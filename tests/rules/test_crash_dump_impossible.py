"""Whether the next crash leaves a dump: dumps off, page files here, elsewhere, nowhere, a dedicated file."""

from __future__ import annotations

import pytest
from one_rule import SET, after, ask, number, strings, text

from bootmend.formats.hive import HiveEditor

CRASH = f"{SET}\\Control\\CrashControl"
MEMORY = f"{SET}\\Control\\Session Manager\\Memory Management"


@pytest.mark.parametrize(
    ("enabled", "files", "existing", "dedicated", "word"),
    [
        (7, ["C:\\pagefile.sys 0 0"], [], "", ""),
        (0, ["C:\\pagefile.sys 0 0"], [], "", "turned off"),
        (0, ["C:\\pagefile.sys 0 0"], [], "C:\\d.sys", "turned off"),
        (None, ["C:\\pagefile.sys 0 0"], [], "", ""),
        (2, ["D:\\pagefile.sys 0 0"], [], "", "D:"),
        (2, ["D:\\pagefile.sys 0 0"], [], "C:\\dedicated.sys", ""),
        (2, ["D:\\pagefile.sys", "C:\\pagefile.sys 16384 16384"], [], "", ""),
        (2, ["?:\\pagefile.sys"], [], "", ""),
        (2, ["?:\\pagefile.sys"], ["\\??\\C:\\pagefile.sys"], "", ""),
        (2, ["?:\\pagefile.sys"], ["\\??\\D:\\pagefile.sys"], "", "D:"),
        (2, [], [], "", "no page file"),
    ],
)
def test_each_way(enabled: int | None, files: list[str], existing: list[str], dedicated: str, word: str) -> None:
    def change(editor: HiveEditor) -> None:
        editor.delete_value(CRASH, "CrashDumpEnabled")
        if enabled is not None:
            number(editor, CRASH, "CrashDumpEnabled", enabled)
        strings(editor, MEMORY, "PagingFiles", *files)
        strings(editor, MEMORY, "ExistingPageFiles", *existing)
        if dedicated:
            text(editor, CRASH, "DedicatedDumpFile", dedicated)

    with after(change) as odd:
        found = ask(odd, "crash_dump_impossible")
        assert [one.severity.value for one in found] == (["note"] if word else [])
        assert all(word in one.why and one.actions == () and one.skipped for one in found)


def test_nothing_is_said_where_the_values_are_not_there() -> None:
    with after(lambda editor: editor.delete_value(MEMORY, "PagingFiles")) as odd:
        assert ask(odd, "crash_dump_impossible") == []
