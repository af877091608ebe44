"""StartOverride: only that of the hardware started last, and only for what the boot disk hangs on."""

from __future__ import annotations

import struct

import pytest
from one_rule import SET, after, ask, number, physical, said
from strange_machines import SOFTWARE

from bootmend.findings import Confidence
from bootmend.formats.hive import HiveEditor, ValueType, sz

RULE = "start_override"
SERVICES = f"{SET}\\Services"


def override(editor: HiveEditor, name: str, value: int, hardware: str = "0") -> None:
    number(editor, f"{SERVICES}\\{name}\\StartOverride", hardware, value)


@pytest.mark.parametrize(
    ("name", "value", "hardware", "wrong"),
    [
        ("storvsc", 0, "0", False),
        ("storvsc", 3, "0", True),
        ("storvsc", 4, "0", True),
        ("storvsc", 3, "1", False),
        ("vmbus", 3, "0", True),
        ("disk", 3, "0", True),
        ("partmgr", 1, "0", False),
        ("volsnap", 3, "0", False),
        ("storahci", 3, "0", False),
        ("intelide", 4, "0", False),
    ],
)
def test_an_override_both_ways(name: str, value: int, hardware: str, wrong: bool) -> None:
    with after(lambda editor: override(editor, name, value, hardware)) as odd:
        assert said(odd, RULE) == ([(name, "cause")] if wrong else [])


@pytest.mark.parametrize(("hardware", "wrong"), [("hyper-v", False), ("physical", True)])
def test_pci_may_be_off_where_there_is_no_such_bus(hardware: str, wrong: bool) -> None:
    def change(editor: HiveEditor) -> None:
        if hardware == "physical":
            physical(editor)
            override(editor, "storahci", 0)
        override(editor, "pci", 3)

    with after(change) as odd:
        assert said(odd, RULE) == ([("pci", "cause")] if wrong else [])


def test_it_is_the_hardware_started_last_that_counts() -> None:
    def change(editor: HiveEditor) -> None:
        override(editor, "storvsc", 3, "2")
        number(editor, "HardwareConfig", "LastId", 2)

    with after(change) as odd:
        assert said(odd, RULE) == [("storvsc", "cause")]
        assert [action.target.rsplit("\\", 1)[-1] for action in ask(odd, RULE)[0].actions] == ["StartOverride: 2"]
        odd.mended()
        odd.hive(lambda editor: editor.delete_key("HardwareConfig"))
        assert said(odd, RULE) == []
        odd.hive(lambda editor: override(editor, "storvsc", 3, "0"))
        assert said(odd, RULE) == [("storvsc", "cause")]


@pytest.mark.parametrize(("value", "wrong"), [(0, False), (3, True)])
def test_on_a_physical_machine_it_is_its_own_adapter(value: int, wrong: bool) -> None:
    def change(editor: HiveEditor) -> None:
        physical(editor)
        for other in ("vmbus", "storvsc", "stornvme"):
            override(editor, other, 3)
        override(editor, "storahci", value)

    with after(change) as odd:
        found = ask(odd, RULE)
        assert [one.subject for one in found] == (["storahci"] if wrong else [])
        assert all(one.prediction is not None and one.prediction.confidence is Confidence.HIGH for one in found)


def test_a_driver_that_is_also_disabled_is_mended_in_both_places() -> None:
    def change(editor: HiveEditor) -> None:
        override(editor, "storvsc", 3)
        number(editor, f"{SERVICES}\\storvsc", "Start", 4)

    with after(change) as odd:
        assert (said(odd, RULE), said(odd, "boot_driver_start")) == ([("storvsc", "cause")], [("storvsc", "cause")])
        odd.mended()


def test_windows_7_does_not_know_it() -> None:
    with after(lambda editor: override(editor, "storvsc", 3)) as odd:
        for build, wrong in (("7601", False), ("9600", True)):

            def change(editor: HiveEditor, build: str = build) -> None:
                for name in ("CurrentBuild", "CurrentBuildNumber"):
                    editor.set_value("Microsoft\\Windows NT\\CurrentVersion", name, ValueType.SZ, sz(build))

            odd.hive(change, SOFTWARE)
            assert bool(said(odd, RULE)) == wrong


def test_a_value_that_is_no_number_says_nothing() -> None:
    def change(editor: HiveEditor) -> None:
        editor.set_value(f"{SERVICES}\\storvsc\\StartOverride", "0", ValueType.BINARY, struct.pack("<Q", 3))

    with after(change) as odd:
        assert said(odd, RULE) == []
