"""What SOFTWARE says of the build, on every release that is met, and where it says nothing or nonsense."""

from __future__ import annotations

import struct

import pytest
from strange_machines import SOFTWARE, Strange, strange

from bootmend.formats.hive import HiveEditor, ValueType, sz

KEY = "Microsoft\\Windows NT\\CurrentVersion"


def version(odd: Strange, **values: str | int | None) -> None:
    """Values of CurrentVersion; None takes one away."""

    def change(editor: HiveEditor) -> None:
        for name, value in values.items():
            if value is None:
                editor.delete_value(KEY, name)
            elif isinstance(value, int):
                editor.set_value(KEY, name, ValueType.DWORD, struct.pack("<I", value))
            else:
                editor.set_value(KEY, name, ValueType.SZ, sz(value))

    odd.hive(change, SOFTWARE)


@pytest.mark.parametrize("build", [7601, 9600, 14393, 17763, 20348, 22621, 26100])
def test_every_release_is_told_and_repaired(build: int) -> None:
    with strange(fault="driver-damaged") as odd:
        version(odd, CurrentBuildNumber=str(build), CurrentBuild=str(build), UBR=42)
        found = odd.diagnose()
        assert found.windows.version.text == f"{build}.42"
        assert [cause.subject for cause in found.causes] == ["filecrypt.sys"]
        odd.mended()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"ProductName": None}, "20348.2227"),
        ({"UBR": None}, "20348.0"),
        ({"UBR": "2227"}, "20348.0"),
        ({"CurrentBuildNumber": None}, "20348.2227"),
        ({"CurrentBuildNumber": None, "CurrentBuild": None}, ""),
        ({"CurrentBuildNumber": "١٢٣٤٥", "CurrentBuild": ""}, ""),
        ({"CurrentBuildNumber": "9" * 40}, ""),
    ],
)
def test_what_is_missing_or_nonsense_is_not_made_up(values: dict[str, str | int | None], text: str) -> None:
    with strange(fault="driver-damaged") as odd:
        version(odd, **values)
        found = odd.diagnose()
        assert found.windows.version.text == text
        assert (found.windows.version.product == "") == ("ProductName" in values)
        assert [cause.subject for cause in found.causes] == ["filecrypt.sys"]
        odd.mended()
