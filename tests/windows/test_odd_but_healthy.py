"""Services as real machines have them, odd and harmless: nothing of it is called a cause."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import pytest
from one_rule import SET, after
from strange_machines import DRIVERS, strange

from bootmend.findings import Severity
from bootmend.formats.hive import HiveEditor, ValueType, multi_sz, sz

Odd = dict[str, int | str | tuple[ValueType, bytes]]

LEFT_BEHIND: list[Odd] = [
    {"Start": 0, "Type": 1, "ErrorControl": 0, "ImagePath": "\\??\\C:\\Program Files\\Vendor\\gone.sys"},
    {"Start": 1, "Type": 1, "ErrorControl": 1, "ImagePath": '"C:\\Program Files\\Vendor\\quoted.sys"'},
    {"Start": 1, "Type": 1, "ImagePath": "System32\\drivers\\no-error-control.sys"},
    {"Start": 0, "Type": 2, "ErrorControl": 1, "Group": "No Such Group", "Tag": 77, "ImagePath": "%SystemRoot%\\x.sys"},
    {"Start": 1, "Type": 1, "ErrorControl": 3, "ImagePath": "\\\\server\\share\\x.sys"},
    {"Start": 1, "Type": 1, "ErrorControl": 3, "ImagePath": "Z:\\x.sys"},
    {"Start": 1, "Type": 1, "ErrorControl": 3, "ImagePath": "%ProgramFiles%\\Vendor\\x.sys"},
    {"Start": 2, "Type": 0x10, "ErrorControl": 3, "ImagePath": "C:\\nowhere.exe -k"},
    {"Type": 1},
    {"Start": (ValueType.SZ, sz("0")), "Type": 1, "ErrorControl": 3},
    {"Start": 5, "Type": 1, "ErrorControl": 3},
    {"Start": 0, "Type": 4, "ErrorControl": 3, "ImagePath": "system32\\adapter.sys"},
    {"Start": 1, "Type": 1, "ErrorControl": 1, "ImagePath": "", "Tag": 0xFFFFFFFF},
    {"Start": 1, "Type": 1, "DependOnGroup": (ValueType.MULTI_SZ, multi_sz(["Nobody"])), "DependOnService": "nobody"},
]


def put(editor: HiveEditor, name: str, values: Odd) -> None:
    key = f"{SET}\\Services\\{name}"
    editor.create_key(key)
    for value, content in values.items():
        if isinstance(content, int):
            editor.set_value(key, value, ValueType.DWORD, struct.pack("<I", content))
        elif isinstance(content, str):
            editor.set_value(key, value, ValueType.SZ, sz(content))
        else:
            editor.set_value(key, value, *content)


@pytest.mark.parametrize("generation", [1, 2])
def test_what_vendors_left_behind_is_no_cause(generation: int) -> None:
    def change(editor: HiveEditor) -> None:
        for number, values in enumerate(LEFT_BEHIND):
            put(editor, f"vendor{number}", values)

    with after(change, generation) as odd:
        found = odd.diagnose()
        assert [one for one in found.findings if one.severity is not Severity.NOTE] == []
        assert found.prediction is None


def plain_paths(editor: HiveEditor, names: Sequence[str]) -> None:
    for name in names:
        put(editor, name, {"ImagePath": f"System32\\drivers\\{name}.sys"})


@pytest.mark.parametrize(
    "change",
    [
        lambda editor: editor.delete_key(f"{SET}\\Control\\ServiceGroupOrder"),
        lambda editor: editor.delete_key(f"{SET}\\Control\\GroupOrderList"),
        lambda editor: plain_paths(editor, ("disk", "pci")),
        lambda editor: put(editor, "ACPI", {"ImagePath": "", "Tag": 99, "Group": "Nowhere"}),
        lambda editor: put(editor, "disk", {"DependOnService": (ValueType.MULTI_SZ, multi_sz(["nobody"]))}),
    ],
    ids=["no group order", "no tag order", "ImagePath is REG_SZ", "unknown group", "depends on nobody"],
)
def test_other_spellings_of_windows_own_services(change: Callable[[HiveEditor], object]) -> None:
    with after(change) as odd:
        assert odd.diagnose().findings == []


@pytest.mark.parametrize("path", ["\\SystemRoot\\SysWOW64\\drivers\\none.sys", "System32\\drivers\\filecrypt.sys -x"])
def test_a_path_that_leads_elsewhere_than_the_sound_file_is_told(path: str) -> None:
    with after(lambda editor: put(editor, "filecrypt", {"ImagePath": path})) as odd:
        (cause,) = odd.diagnose().causes
        assert cause.rule == "driver_missing"
        assert cause.actions == ()
        assert "System32\\drivers\\FileCrypt.sys".lower() in cause.skipped[0].action.lower()


def test_a_driver_of_the_boot_disk_that_is_called_a_program() -> None:
    with strange() as odd:
        odd.service("disk", Type=0x20)
        (cause,) = odd.diagnose().causes
        assert (cause.rule, cause.subject) == ("boot_driver_start", "disk")
        assert [action.kind for action in cause.actions] == ["set_registry_value"]
        odd.mended()


def test_a_driver_for_another_processor_that_windows_starts_without_is_a_risk_and_put_back() -> None:
    with strange() as odd:
        image = bytearray(odd.read(f"{DRIVERS}\\beep.sys"))
        at = int.from_bytes(image[0x3C:0x40], "little") + 4
        assert image[at : at + 2] == b"\x64\x86"
        image[at : at + 2] = b"\x4c\x01"  # 386
        odd.volume(lambda files: files.delete(f"{DRIVERS}\\beep.sys"))
        odd.volume(lambda files: files.create(f"{DRIVERS}\\beep.sys", bytes(image)))
        (found,) = odd.diagnose().findings
        assert (found.rule, found.severity) == ("driver_damaged", Severity.RISK)
        odd.mended()
