"""No partition to start from: told as a cause only where the machine said that it started from this disk."""

from __future__ import annotations

import pytest
from store_changes import ask, fault
from strange_machines import Strange, partition, strange

from bootmend.findings import Severity


def word(odd: Strange, name: str, text: str | None) -> None:
    key = "ControlSet001\\Control"
    if text is None:
        odd.hive(lambda editor: editor.delete_value(key, name))
    else:
        odd.hive(lambda editor: editor.set_value(key, name, 1, text.encode("utf-16-le") + b"\0\0"))


@pytest.mark.parametrize("generation", [1, 2])
def test_by_the_word_of_the_machine(generation: int) -> None:
    with strange(generation) as odd:
        assert ask(odd, "system_partition_missing") == []
        fault(odd, "system-partition-missing")
        (found,) = ask(odd, "system_partition_missing")
        assert (found.severity, found.actions) == (Severity.CAUSE, ())
        assert "bcdboot" in found.skipped[0].reason
        word(odd, "FirmwareBootDevice", "multi(0)disk(0)rdisk(1)partition(1)")
        assert [one.severity for one in ask(odd, "system_partition_missing")] == [Severity.NOTE]
        assert odd.diagnose().healthy


@pytest.mark.parametrize("text", [None, "", "\\Device\\Harddisk0", "multi(0)disk(0)"])
def test_a_machine_that_says_nothing(text: str | None) -> None:
    with strange(2) as odd:
        fault(odd, "system-partition-missing")
        word(odd, "SystemBootDevice", text)
        (found,) = ask(odd, "system_partition_missing")
        assert (found.severity, found.prediction) == (Severity.NOTE, None)


def test_one_that_cannot_be_read() -> None:
    with strange(2) as odd:
        partition(odd.disk, 1).write(0, b"\xff" * 8192)
        (found,) = ask(odd, "system_partition_missing")
        assert found.severity is Severity.CAUSE
        assert "cannot be read" in found.title


def test_a_disk_that_cannot_be_asked_is_not_judged() -> None:
    with strange(2) as odd:
        fault(odd, "system-partition-missing")
        odd.volume(lambda files: files.delete("\\Windows\\System32\\config\\SYSTEM"))
        assert [one.severity for one in ask(odd, "system_partition_missing")] == [Severity.NOTE]
