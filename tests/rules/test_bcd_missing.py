"""A lost boot store is made anew: as complete as a real one, and only where it belongs."""

from __future__ import annotations

import pytest
from sample_data import need
from store_changes import ask, fault, view_store
from strange_machines import Strange, strange

from bootmend.findings import Severity
from bootmend.formats.bcd import BcdObject, ElementFormat, Store
from bootmend.repair import Proposal
from bootmend.windows.image import Image

TEMPLATE = "\\Windows\\System32\\config\\BCD-Template"


def rebuilt(odd: Strange, proposal: Proposal) -> Store:
    assert proposal.rehearsal is not None
    return view_store(Strange(proposal.rehearsal.overlay, odd.given, odd.number, odd.manifest))


def facts(found: BcdObject) -> dict[str, object]:
    """Its elements without ids of other objects and words for people."""
    told: dict[str, object] = {}
    for element in found.elements.values():
        if element.format not in (ElementFormat.OBJECT, ElementFormat.OBJECT_LIST) and element.name != "description":
            told[element.name] = element.value
    return told


@pytest.mark.parametrize("name", ["bcd-missing", "bcd-unreadable", "bcd-no-loader"])
@pytest.mark.parametrize("generation", [1, 2])
def test_what_is_made_equals_what_was_lost(name: str, generation: int) -> None:
    with strange(generation) as odd:
        lost = view_store(odd)
        fault(odd, name)
        made = rebuilt(odd, odd.mended())
        assert made.warnings == []
        assert lost.default is not None
        assert made.default is not None
        assert facts(made.default) == facts(lost.default)
        assert made.default.title == "Windows Server 2022"
        assert {one.type for one in made.objects.values()} == {one.type for one in lost.objects.values()}
        for well_known in ("bootmgr", "memdiag", "globalsettings", "bootloadersettings"):
            old, new = lost.object(well_known), made.object(well_known)
            assert old is not None
            assert new is not None
            assert facts(new) == facts(old)


@pytest.mark.parametrize("template", [None, b"", b"no store" * 600])
def test_without_a_template_the_common_settings_are_taken(template: bytes | None) -> None:
    with strange() as odd:
        fault(odd, "bcd-missing")
        if template is None:
            odd.volume(lambda files: files.delete(TEMPLATE))
        else:
            odd.volume(lambda files: files.replace(TEMPLATE, template))
        (found,) = ask(odd, "bcd_missing")
        assert any("BCD-Template" in one.where for one in found.evidence)
        assert rebuilt(odd, odd.mended()).boot_manager is not None


@pytest.mark.data
def test_a_real_template_gives_its_settings_and_none_of_its_own_elements() -> None:
    data = need("bcd/template-nover-1/BCD").read_bytes()
    with strange() as odd:
        fault(odd, "bcd-missing")
        odd.volume(lambda files: files.replace(TEMPLATE, data))
        made = rebuilt(odd, odd.mended())
        emssettings = made.object("emssettings")
        assert emssettings is not None
        assert emssettings.elements[0x16000020].value is True
        assert not [number for one in made.objects.values() for number in one.elements if number >> 28 == 4]


def test_the_log_of_the_lost_store_is_made_quiet() -> None:
    with strange(1) as odd:
        fault(odd, "bcd-missing")
        image = Image(odd.disk)
        log = b"regf" + b"\1" * 65532
        image.put_file(1, "\\Boot\\BCD.LOG", log)
        image.close()
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        after = Image(proposal.rehearsal.overlay)
        assert not any(after.read_file(1, "\\Boot\\BCD.LOG")[:512])
        after.close()


@pytest.mark.parametrize("same_disk", [True, False])
def test_a_bare_system_partition_of_a_machine_with_several_disks(same_disk: bool) -> None:
    """No boot file is left there: only the machine's own word tells whether this disk ever started it."""
    with strange(2) as odd:
        image = Image(odd.disk)
        for name in ("BCD", "BCD.LOG", "BCD.LOG1", "BCD.LOG2", "BOOTSTAT.DAT", "bootmgfw.efi"):
            image.delete_file(1, f"\\EFI\\Microsoft\\Boot\\{name}")
        image.rename_file(1, "\\EFI\\Microsoft\\Boot", "\\EFI\\Microsoft\\Was")
        image.close()
        if not same_disk:
            text = "multi(0)disk(0)rdisk(1)partition(3)".encode("utf-16-le") + b"\0\0"
            odd.hive(
                lambda editor: editor.set_value("ControlSet001\\Control", "SystemBootDevice", 1, text),
            )
        (found,) = ask(odd, "bcd_missing")
        assert found.severity is (Severity.CAUSE if same_disk else Severity.NOTE)
        assert bool(found.actions) == same_disk
        assert (found.prediction is not None) == same_disk
