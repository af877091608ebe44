"""Which rule answers for a driver that Windows would not take: one, and never two."""

from __future__ import annotations

import pytest
from one_rule import SET, ask, device, text, windows_of
from strange_machines import DRIVER_STORE, DRIVERS, Strange, strange

from bootmend.findings import Severity
from bootmend.formats.hive import HiveEditor
from bootmend.rules import all_rules
from bootmend.signing.roots import Trust
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.windows.donor import Given
from bootmend.windows.third_party import third_party

RULES = ("third_party_boot_driver", "driver_damaged", "driver_missing", "driver_untrusted", "catalog_missing")


def answers(odd: Strange) -> list[tuple[str, str, str]]:
    """(rule, subject, severity) of the five rules that look at drivers' files."""
    with windows_of(odd) as windows:
        return [
            (one.rule, one.subject.lower(), one.severity.value)
            for name in RULES
            for one in all_rules()[name].check(windows)
        ]


def no_package(odd: Strange, name: str) -> None:
    """The driver package of a vendor's driver is gone: nothing can be put back."""

    def change(files: NtfsVolume) -> None:
        for package in files.listdir(DRIVER_STORE):
            path = f"{DRIVER_STORE}\\{package.name}\\{name}"
            if files.exists(path):
                files.delete(path)

    odd.volume(change)


@pytest.mark.parametrize(
    ("package", "broken", "rule"),
    [
        (True, "damaged", "driver_damaged"),
        (False, "damaged", "third_party_boot_driver"),
        (True, "missing", "driver_missing"),
        (False, "missing", "third_party_boot_driver"),
        (False, "no image", "third_party_boot_driver"),
    ],
)
def test_what_can_be_put_back_is_put_back(package: bool, broken: str, rule: str) -> None:
    path = f"{DRIVERS}\\labcrypt.sys"
    with strange() as odd:
        if not package:
            no_package(odd, "labcrypt.sys")
        if broken == "damaged":
            odd.damage(path)
        else:
            odd.volume(lambda files: files.delete(path))
        if broken == "no image":
            odd.volume(lambda files: files.create(path, b"not a driver"))
        assert answers(odd) == [(rule, "labcrypt.sys", "cause")]


@pytest.mark.parametrize("name", ["filecrypt.sys", "ACPI.sys"])
def test_windows_own_drivers_are_never_disabled(name: str) -> None:
    with strange() as odd:
        facts = odd.facts(name)
        odd.damage(*dict.fromkeys([facts.path, *facts.spares, *([facts.outdated] if facts.outdated else [])]))
        assert {rule for rule, _, _ in answers(odd)} == {"driver_damaged"}
        odd.volume(lambda files: files.delete(facts.path))
        assert {rule for rule, _, _ in answers(odd)} == {"driver_missing"}


def test_a_protected_one_is_left_to_the_others() -> None:
    with strange() as odd:
        no_package(odd, "labcrypt.sys")
        odd.damage(f"{DRIVERS}\\labcrypt.sys")
        net = "{4d36e972-e325-11ce-bfc1-08002be10318}"
        odd.hive(lambda editor: device(editor, "PCI\\LAB\\1", "labcrypt", net))
        assert answers(odd) == [("driver_damaged", "labcrypt.sys", "cause")]


@pytest.mark.parametrize(
    ("error_control", "rule", "severity"),
    [(3, "third_party_boot_driver", "cause"), (2, "driver_damaged", "risk"), (1, "driver_damaged", "risk")],
)
def test_one_that_windows_starts_without_is_not_turned_off(error_control: int, rule: str, severity: str) -> None:
    with strange() as odd:
        no_package(odd, "labcrypt.sys")
        odd.damage(f"{DRIVERS}\\labcrypt.sys")
        odd.service("labcrypt", ErrorControl=error_control)
        assert answers(odd) == [(rule, "labcrypt.sys", severity)]


def test_what_removed_software_left_behind_is_nothing() -> None:
    with strange() as odd:
        no_package(odd, "labcrypt.sys")
        odd.volume(lambda files: files.delete(f"{DRIVERS}\\labcrypt.sys"))
        odd.service("labcrypt", ErrorControl=1)
        assert answers(odd) == []


def test_without_trust_in_the_root_it_is_the_root_and_not_a_driver() -> None:
    with strange() as odd:
        odd.given = Given(Trust([]))
        assert {rule for rule, _, _ in answers(odd)} == {"driver_untrusted"}


def test_whose_a_driver_is() -> None:
    """Each sign alone: where it stands, who owns its service, that no component has its name."""
    with strange() as odd:
        no_package(odd, "labcrypt.sys")
        odd.volume(lambda files: files.delete(f"{DRIVERS}\\labcrypt.sys"))
        with windows_of(odd) as windows:
            (driver,) = [one for one in windows.audited if one.service.name == "labcrypt"]
            shown = third_party(windows, driver)
            assert shown is not None
            assert "WinSxS" in shown.where
            own = next(one for one in windows.audited if one.service.name == "FileCrypt")
            assert third_party(windows, own) is None
            outside = next(one for one in windows.audited if one.service.name == "labmonitor")
            told = third_party(windows, outside)
            assert told is not None
            assert "Lab Monitor" in told.where

        def owned(editor: HiveEditor) -> None:
            text(editor, f"{SET}\\Services\\labcrypt", "Owners", "oem7.inf")

        odd.hive(owned)
        with windows_of(odd) as windows:
            (driver,) = [one for one in windows.audited if one.service.name == "labcrypt"]
            told = third_party(windows, driver)
            assert told is not None
            assert "oem7.inf" in told.what


def test_the_other_control_sets_keep_what_they_have() -> None:
    with strange() as odd:
        no_package(odd, "labcrypt.sys")
        odd.damage(f"{DRIVERS}\\labcrypt.sys")
        (found,) = ask(odd, RULES[0])
        assert found.severity is Severity.CAUSE
        (action,) = found.actions
        assert (action.risk, action.value) == ("disable-driver", "REG_DWORD 0x4")
        assert f"{SET}\\Services\\labcrypt" in action.target
