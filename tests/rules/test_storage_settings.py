"""Settings that are told or changed on request: verifier, SAN policy, NVMe, protections, signatures, names of a bus."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lab_machines import broken
from one_rule import SET, after, ask, number, physical, said, strings, text
from strange_machines import DRIVERS, SOFTWARE, of, strange

from bootmend.formats.hive import HiveEditor, ValueType, sz
from bootmend.lab.faults.boot_store import default_entry, put
from bootmend.lab.open_machine import OpenMachine

MEMORY = f"{SET}\\Control\\Session Manager\\Memory Management"
Change = Callable[[HiveEditor], object]


@pytest.mark.parametrize(
    ("drivers", "level", "on"),
    [
        ("*", 0x9BB, True),
        ("labbackup.sys storport.sys", None, True),
        ("*", 0, False),
        ("", 0x9BB, False),
        ("  ", 0x9BB, False),
        (None, 0x9BB, False),
    ],
)
def test_driver_verifier(drivers: str | None, level: int | None, on: bool) -> None:
    def change(editor: HiveEditor) -> None:
        if drivers is not None:
            text(editor, MEMORY, "VerifyDrivers", drivers)
        if level is not None:
            number(editor, MEMORY, "VerifyDriverLevel", level)

    with after(change) as odd:
        found = ask(odd, "driver_verifier")
        assert [one.severity.value for one in found] == (["risk"] if on else [])
        for one in found:
            assert len(one.actions) == (2 if level is not None else 1)
            assert {action.risk for action in one.actions} == {"driver-verifier"}


def test_driver_verifier_as_a_list_of_strings() -> None:
    with after(lambda editor: strings(editor, MEMORY, "VerifyDrivers", "a.sys", "b.sys")) as odd:
        (found,) = ask(odd, "driver_verifier")
        assert found.evidence[0].what == "VerifyDrivers=a.sys b.sys"


@pytest.mark.parametrize(
    ("policy", "hardware", "to_go", "expected"),
    [
        (0, "hyper-v", False, None),
        (1, "hyper-v", False, None),
        (2, "hyper-v", False, None),
        (3, "hyper-v", False, "risk"),
        (4, "hyper-v", False, "risk"),
        (3, "physical", False, "note"),
        (4, "physical", True, None),
        (3, "physical", True, "note"),
    ],
)
def test_san_policy(policy: int, hardware: str, to_go: bool, expected: str | None) -> None:
    def change(editor: HiveEditor) -> None:
        if hardware == "physical":
            physical(editor)
        if to_go:
            number(editor, f"{SET}\\Control", "PortableOperatingSystem", 1)
        number(editor, f"{SET}\\Services\\partmgr\\Parameters", "SanPolicy", policy)

    with after(change) as odd:
        found = ask(odd, "san_policy")
        assert [one.severity.value for one in found] == ([expected] if expected else [])
        assert all([action.risk for action in one.actions] == ["san-policy"] * (expected == "risk") for one in found)


@pytest.mark.parametrize(
    ("start", "hardware", "expected"),
    [(0, "hyper-v", []), (3, "hyper-v", ["risk"]), (4, "hyper-v", ["risk"]), (4, "physical", ["note"])],
)
def test_the_nvme_driver(start: int, hardware: str, expected: list[str]) -> None:
    def change(editor: HiveEditor) -> None:
        if hardware == "physical":
            physical(editor)
        number(editor, f"{SET}\\Services\\stornvme", "Start", start)

    with after(change) as odd:
        assert [one.severity.value for one in ask(odd, "nvme_driver")] == expected
        odd.volume(lambda files: files.delete(f"{DRIVERS}\\stornvme.sys"))
        assert ask(odd, "nvme_driver") == []


def test_the_nvme_driver_of_the_boot_disk_is_told_once() -> None:
    def change(editor: HiveEditor) -> None:
        physical(editor, driver="stornvme")
        number(editor, f"{SET}\\Services\\stornvme", "Start", 4)

    with after(change) as odd:
        assert said(odd, "nvme_driver") == []
        assert said(odd, "boot_driver_start") == [("stornvme", "cause")]


def test_an_nvme_driver_without_a_service_is_not_made_up() -> None:
    with after(lambda editor: editor.delete_key(f"{SET}\\Services\\stornvme")) as odd:
        (found,) = ask(odd, "nvme_driver")
        assert (found.severity.value, found.actions, len(found.skipped)) == ("note", (), 1)


@pytest.mark.parametrize(
    ("path", "name", "value", "told"),
    [
        ("Control\\Lsa", "RunAsPPL", 1, True),
        ("Control\\Lsa", "RunAsPPL", 0, False),
        ("Control\\Lsa", "LsaCfgFlags", 2, True),
        ("Control\\DeviceGuard", "EnableVirtualizationBasedSecurity", 1, True),
        ("Control\\DeviceGuard\\Scenarios\\HypervisorEnforcedCodeIntegrity", "Enabled", 1, True),
        ("Control\\DeviceGuard", "RequirePlatformSecurityFeatures", 1, False),
    ],
)
def test_protections_are_told_and_left(path: str, name: str, value: int, told: bool) -> None:
    with after(lambda editor: number(editor, f"{SET}\\{path}", name, value)) as odd:
        found = ask(odd, "protections")
        assert [(one.severity.value, one.actions) for one in found] == ([("note", ())] if told else [])
        assert all(f"{name}={value}" in one.title for one in found)


@pytest.mark.parametrize("option", ["testsigning", "nointegritychecks"])
@pytest.mark.parametrize("on", [True, False])
def test_signatures_are_not_checked(option: str, on: bool) -> None:
    with broken(2, "healthy") as sample:
        with OpenMachine(sample.disk, sample.machine.manifest) as machine:
            _, entry = default_entry(machine, "test")
            with machine.edit_store() as editor:
                put(editor, entry, option, on)
        assert said(of(sample), "code_integrity_off") == ([(option, "note")] if on else [])


def _build(number_of_build: str) -> Change:
    def change(editor: HiveEditor) -> None:
        for name in ("CurrentBuild", "CurrentBuildNumber"):
            editor.set_value("Microsoft\\Windows NT\\CurrentVersion", name, ValueType.SZ, sz(number_of_build))

    return change


@pytest.mark.parametrize(
    ("build", "lost", "agent", "expected"),
    [
        ("9600", ["MSFT1000", "MSFT1002"], True, [("msft1000", "cause", 2)]),
        ("9200", ["MSFT1000"], True, [("msft1000", "cause", 1)]),
        ("9600", ["MSFT1000"], False, [("msft1000", "risk", 1)]),
        ("9600", ["MSFT1002"], True, [("msft1002", "risk", 1)]),
        ("9600", ["MSFT1000", "VMBus"], True, []),
        ("9600", ["VMBus"], True, []),
        ("9600", [], True, []),
        ("7601", ["MSFT1000"], True, []),
        ("14393", ["MSFT1000"], True, []),
        ("20348", ["MSFT1000", "MSFT1002"], True, []),
    ],
)
def test_the_new_names_of_hyper_v(
    build: str, lost: list[str], agent: bool, expected: list[tuple[str, str, int]]
) -> None:
    def change(editor: HiveEditor) -> None:
        for name in lost:
            editor.delete_key(f"{SET}\\Enum\\ACPI\\{name}")
        if not agent:
            for name in ("RdAgent", "WindowsAzureGuestAgent"):
                editor.delete_key(f"{SET}\\Services\\{name}")

    with strange() as odd:
        odd.hive(change)
        odd.hive(_build(build), SOFTWARE)
        found = ask(odd, "hyperv_acpi_ids")
        assert [(one.subject.lower(), one.severity.value, len(one.actions)) for one in found] == expected


def test_the_new_names_are_nothing_to_other_machines() -> None:
    def change(editor: HiveEditor) -> None:
        physical(editor)
        editor.create_key(f"{SET}\\Enum\\ACPI\\VMBus\\0")

    with after(change) as odd:
        odd.hive(_build("9600"), SOFTWARE)
        assert ask(odd, "hyperv_acpi_ids") == []


def test_a_bus_is_copied_after_its_filters_are_mended() -> None:
    with broken(2, "instance-filters+hyperv-acpi-ids") as sample:
        odd = of(sample)
        odd.hive(lambda editor: editor.delete_key(f"{SET}\\Enum\\ACPI\\MSFT1000"))
        proposal = odd.mended()
        assert {finding.rule for finding in proposal.diagnosis.causes} == {"instance_filters", "hyperv_acpi_ids"}
