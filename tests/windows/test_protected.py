"""What protects a driver from being disabled, and what does not: each reason both ways, on a healthy machine's hive."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from one_rule import SET, after, device, number, physical, strings, text, windows_of

from bootmend.formats.hive import HiveEditor
from bootmend.windows.protected import protected_service

SERVICES = f"{SET}\\Services"
NET = "{4d36e972-e325-11ce-bfc1-08002be10318}"
DISPLAY = "{4D36E968-E325-11CE-BFC1-08002BE10318}"
KEYBOARD = "{4d36e96b-e325-11ce-bfc1-08002be10318}"

CASES: dict[str, tuple[Callable[[HiveEditor], object], bool]] = {
    "nothing": (lambda _: None, False),
    "a network device": (lambda editor: device(editor, "PCI\\X\\1", "labmonitor", NET), True),
    "a display, in capitals": (lambda editor: device(editor, "PCI\\X\\1", "LABMONITOR", DISPLAY), True),
    "a keyboard": (lambda editor: device(editor, "HID\\X\\1", "labmonitor", KEYBOARD), False),
    "group scsi": (lambda editor: text(editor, f"{SERVICES}\\labmonitor", "Group", "SCSI miniport"), True),
    "group bus": (lambda editor: text(editor, f"{SERVICES}\\labmonitor", "Group", "System Bus Extender"), True),
    "group filter": (lambda editor: text(editor, f"{SERVICES}\\labmonitor", "Group", "Filter"), True),
    "group bottom": (lambda editor: text(editor, f"{SERVICES}\\labmonitor", "Group", "fsfilter bottom"), True),
    "group antivirus": (lambda editor: text(editor, f"{SERVICES}\\labmonitor", "Group", "FSFilter Anti-Virus"), False),
    "a class filter": (
        lambda editor: strings(editor, f"{SET}\\Control\\Class\\{KEYBOARD}", "UpperFilters", "kbdclass", "LabMonitor"),
        True,
    ),
    "another class filter": (
        lambda editor: strings(editor, f"{SET}\\Control\\Class\\{KEYBOARD}", "UpperFilters", "labmonitor2"),
        False,
    ),
    "an instance filter": (
        lambda editor: strings(editor, f"{SET}\\Enum\\HID\\X\\1", "LowerFilters", "labmonitor"),
        True,
    ),
    "the critical device database": (
        lambda editor: text(editor, f"{SET}\\Control\\CriticalDeviceDatabase\\pci#x", "Service", "labmonitor"),
        True,
    ),
    "a vendor by its words": (
        lambda editor: text(editor, f"{SERVICES}\\labmonitor", "DisplayName", "NVIDIA Lab Monitor"),
        True,
    ),
    "a word that only begins so": (
        lambda editor: text(editor, f"{SERVICES}\\labmonitor", "DisplayName", "Intelligent Lab Monitor"),
        False,
    ),
    "a vendor by its file": (
        lambda editor: text(editor, f"{SERVICES}\\labmonitor", "ImagePath", "System32\\drivers\\mlx5.sys"),
        True,
    ),
    "a vendor by its device": (
        lambda editor: text(editor, device(editor, "HID\\X\\1", "labmonitor", KEYBOARD), "Mfg", "Mellanox Inc."),
        True,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_protects_a_driver(case: str) -> None:
    change, protected = CASES[case]

    def with_database(editor: HiveEditor) -> None:
        editor.create_key(f"{SET}\\Control\\CriticalDeviceDatabase")
        change(editor)

    with after(with_database) as odd, windows_of(odd) as windows:
        reason = protected_service(windows, "labmonitor")
        assert bool(reason) == protected, reason


def test_the_lists_themselves() -> None:
    with after(lambda editor: physical(editor, driver="labraid")) as odd, windows_of(odd) as windows:
        for name in ("ACPI", "storvsc", "fltmgr", "labraid"):
            assert protected_service(windows, name), name
        assert protected_service(windows, "labavflt") is None
        assert protected_service(windows, "no such service") is None


def test_a_service_without_a_group_or_a_device_is_not_protected_by_that() -> None:
    with (
        after(lambda editor: number(editor, f"{SERVICES}\\labnew", "Type", 1)) as odd,
        windows_of(odd) as windows,
    ):
        assert protected_service(windows, "labnew") is None
