"""Boot manager, boot loader, kernel and libraries: missing, damaged, not trusted, and what is none of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from one_look import look
from strange_machines import Strange, strange

from bootmend.disk.device import Window
from bootmend.findings import Finding, Screen, Severity, Station
from bootmend.formats.bcd import element_id
from bootmend.lab.certificates import CODE_SIGNING, Profile, leaf
from bootmend.lab.pe_image import ARM64
from bootmend.lab.pe_maker import make_driver
from bootmend.lab.signer import sign_image, strip_signature
from bootmend.rules import boot_file_damaged, boot_file_missing, boot_file_untrusted
from bootmend.volumes.detect import open_volume
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.partitions import read_partitions
from bootmend.volumes.volume import Volume
from bootmend.windows.bootfiles import Role
from bootmend.windows.desk import Desk
from bootmend.windows.image import Image
from bootmend.windows.installation import Windows

SYSTEM32 = "\\Windows\\System32"
MANAGER = "\\EFI\\Microsoft\\Boot\\bootmgfw.efi"
STRANGER = leaf(Profile(name="somebody", usages=(CODE_SIGNING,)), (), "somebody")


def of_all(windows: Windows) -> Iterator[Finding]:
    for rule in (boot_file_missing, boot_file_damaged, boot_file_untrusted):
        yield from rule.check(windows)


def findings(odd: Strange) -> list[Finding]:
    return look(odd, lambda windows: list(of_all(windows)))


def put(odd: Strange, path: str, data: bytes | None) -> None:
    """Another file in its place (its hard links keep the old one), or none."""

    def change(files: NtfsVolume) -> None:
        if files.exists(path):
            files.delete(path)
        if data is not None:
            files.create(path, data)

    odd.volume(change)


def changed(data: bytes, at: int = 0x600) -> bytes:
    return data[:at] + bytes(byte ^ 0x77 for byte in data[at : at + 32]) + data[at + 32 :]


@pytest.mark.parametrize("generation", [1, 2])
def test_a_healthy_machine_has_its_files_and_each_function(generation: int) -> None:
    with strange(generation) as odd:
        assert findings(odd) == []
        files = look(odd, lambda windows: windows.boot_files.all)
        names = [(file.role, file.image.lower()) for file in files]
        assert ((Role.MANAGER, "bootmgfw.efi") in names) == (generation == 2)
        assert (Role.LOADER, "winload.exe" if generation == 1 else "winload.efi") in names
        assert {name for role, name in names if role is Role.KERNEL} >= {"ntoskrnl.exe", "hal.dll", "ci.dll", "tm.sys"}
        assert {name for role, name in names if role is Role.LIBRARY} >= {"classpnp.sys", "storport.sys"}
        assert "clfs.sys" not in [name for _, name in names]  # it has a service
        assert "mcupdate_genuineintel.dll" not in [name for _, name in names]  # nothing imports it


@pytest.mark.parametrize(
    ("name", "station", "role"),
    [
        ("System32\\winload.efi", Station.BOOT_LOADER, "0xC000000F"),
        ("System32\\ntoskrnl.exe", Station.KERNEL, ""),
        ("System32\\hal.dll", Station.KERNEL, ""),
        ("System32\\drivers\\tm.sys", Station.KERNEL, ""),
        ("System32\\drivers\\CLASSPNP.SYS", Station.BOOT_DRIVERS, ""),
    ],
)
def test_what_is_gone_comes_back_from_the_component_store(name: str, station: Station, role: str) -> None:
    assert role in ("", "0xC000000F")
    with strange() as odd:
        path = f"\\Windows\\{name}"
        data = odd.read(path)
        put(odd, path, None)
        (found,) = findings(odd)
        assert (found.rule, found.severity, found.station) == ("boot_file_missing", Severity.CAUSE, station)
        assert found.prediction is not None
        assert (found.prediction.screen, found.prediction.status) == (Screen.BOOT_MANAGER, 0xC000000F)
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        again = Strange(proposal.rehearsal.overlay, odd.given, odd.number, odd.manifest)
        assert again.read(path) == data


def test_without_any_copy_it_says_what_to_do() -> None:
    with strange() as odd:
        facts = odd.facts("hal.dll")
        for path in facts.everywhere:
            put(odd, path, None)
        (found,) = findings(odd)
        assert found.actions == ()
        assert any("--donor" in skipped.reason for skipped in found.skipped)


def test_the_transport_of_the_debugger_has_stand_ins() -> None:
    with strange() as odd:
        put(odd, f"{SYSTEM32}\\kdcom.dll", None)
        assert findings(odd) == []
        put(odd, f"{SYSTEM32}\\kd.dll", None)
        (found,) = findings(odd)
        assert (found.subject, found.severity) == ("kdcom.dll", Severity.CAUSE)


def test_a_damaged_transport_is_no_cause_where_another_stands() -> None:
    with strange() as odd:
        odd.damage(f"{SYSTEM32}\\kdcom.dll")
        (found,) = findings(odd)
        assert (found.severity, found.prediction) == (Severity.RISK, None)


def test_a_damaged_kernel_hides_no_library() -> None:
    """Its import table is not believed; what the drivers import is still looked at."""
    with strange() as odd:
        data = odd.read(f"{SYSTEM32}\\ntoskrnl.exe")
        put(odd, f"{SYSTEM32}\\ntoskrnl.exe", changed(data))
        put(odd, f"{SYSTEM32}\\hal.dll", None)
        assert [(one.rule, one.subject) for one in findings(odd)] == [
            ("boot_file_missing", "hal.dll"),
            ("boot_file_damaged", "ntoskrnl.exe"),
        ]
        odd.mended()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 0xC000007B),
        (b"MZ and nothing else", 0xC000007B),
        (make_driver("hal.dll", version="1.0", description="", company="", machine=ARM64, kind="dll"), 0xC000007B),
        (make_driver("hal.dll", version="1.0", description="", company="", kind="dll"), 0xC0000428),
    ],
    ids=["empty", "cut", "arm64", "unsigned"],
)
def test_what_stands_there_is_not_it(data: bytes, status: int) -> None:
    with strange() as odd:
        put(odd, f"{SYSTEM32}\\hal.dll", data)
        (found,) = findings(odd)
        assert (found.rule, found.severity) == ("boot_file_damaged", Severity.CAUSE)
        assert found.prediction is not None
        assert found.prediction.status == status
        odd.mended()


def test_a_lost_catalog_is_not_taken_for_damage() -> None:
    """hal.dll without its own signature: its catalog vouches, and is gone from the store."""
    with strange() as odd:
        facts = odd.facts("hal.dll")
        assert odd.read(facts.path) != strip_signature(odd.read(facts.path))
        stripped = strip_signature(odd.read(facts.path))
        put(odd, facts.path, stripped)
        assert findings(odd) == []
        store = "\\Windows\\System32\\CatRoot\\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}"
        for name in facts.catalogs:
            put(odd, f"{store}\\{name}", None)
        assert findings(odd) == []
        causes = odd.diagnose().causes
        assert {cause.rule for cause in causes} == {"catalog_missing"}
        odd.mended()


def signed(name: str, seed: int = 5) -> bytes:
    image = make_driver(
        name, version="1.0", description="", company="", kind="exe", seed=seed, boot=name != "ntoskrnl.exe"
    )
    return sign_image(image, STRANGER, timestamp=False)


def test_one_strange_signer_is_a_cause_and_a_build_of_its_own_is_not() -> None:
    with strange() as odd:
        put(odd, f"{SYSTEM32}\\winload.efi", signed("winload.efi"))
        (found,) = findings(odd)
        assert (found.rule, found.severity) == ("boot_file_untrusted", Severity.CAUSE)
        assert found.actions != ()
        put(odd, f"{SYSTEM32}\\ntoskrnl.exe", signed("ntoskrnl.exe"))
        own = [one for one in findings(odd) if one.rule == "boot_file_untrusted"]
        assert [(one.severity, one.actions, one.prediction) for one in own] == [(Severity.RISK, (), None)]
        assert "winload.efi, ntoskrnl.exe" in own[0].evidence[-1].what


def test_another_loader_than_winload_is_none_of_this() -> None:
    """A path that leads to a loader of somebody's own is left to him; one that leads nowhere is bcd_path's, too."""
    with strange() as odd:
        put(odd, f"{SYSTEM32}\\winload.efi", None)

        def point(path: str) -> None:
            image = Image(odd.disk)
            desk = Desk(image)
            store = desk.store(1, "\\EFI\\Microsoft\\Boot\\BCD")
            default = store.view().default
            assert default is not None
            number = element_id("path", default.type)
            assert number is not None
            store.editor.set(default.id, number, path)
            desk.save()
            image.close()

        assert [one.rule for one in findings(odd)] == ["boot_file_missing"]
        point("\\Windows\\System32\\other.efi")  # not there either: what bcd_path would set is missing
        assert [one.rule for one in findings(odd)] == ["boot_file_missing"]
        put(odd, "\\Windows\\System32\\other.efi", b"somebody's own loader")
        assert findings(odd) == []


def manager(odd: Strange, data: bytes) -> None:
    place = next(one for one in read_partitions(odd.disk).partitions if one.number == 1)
    volume = open_volume(Window(odd.disk, place.start, place.size), "esp", writable=True)
    assert isinstance(volume, Volume)
    volume.replace(MANAGER, data)
    volume.close()


@pytest.mark.parametrize(
    ("kind", "rule", "severity", "screen"),
    [
        ("damaged", "boot_file_damaged", Severity.CAUSE, Screen.BOOT_MANAGER),
        ("empty", "boot_file_damaged", Severity.CAUSE, Screen.BIOS),
        ("menu", "boot_file_damaged", Severity.RISK, None),
        ("signed", "boot_file_untrusted", Severity.RISK, None),
    ],
)
def test_the_boot_manager(kind: str, rule: str, severity: Severity, screen: Screen | None) -> None:
    with strange() as odd:
        own = odd.read("\\Windows\\Boot\\EFI\\bootmgfw.efi")
        menu = make_driver("grubx64.efi", version="1.0", description="", company="", kind="exe", boot=True)
        content = {"damaged": changed(own), "empty": b"", "menu": menu, "signed": signed("bootmgfw.efi")}
        manager(odd, content[kind])
        (found,) = findings(odd)
        assert (found.rule, found.severity, found.station) == (rule, severity, Station.BOOT_MANAGER)
        assert (found.prediction.screen if found.prediction else None) == screen
        assert bool(found.actions) == (severity is Severity.CAUSE)
        if found.actions:
            odd.mended()


def test_a_staged_manager_that_is_damaged_too_is_not_taken() -> None:
    with strange() as odd:
        own = odd.read("\\Windows\\Boot\\EFI\\bootmgfw.efi")
        manager(odd, changed(own))
        odd.damage("\\Windows\\Boot\\EFI\\bootmgfw.efi")
        (found,) = findings(odd)
        assert found.actions == ()
        assert "hash_mismatch" in found.skipped[0].reason


def test_an_older_manager_that_works_is_left_alone() -> None:
    with strange() as odd:
        manager(odd, odd.read("\\Windows\\Boot\\EFI\\bootmgr.efi"))
        assert findings(odd) == []


def test_without_a_store_the_loader_of_the_firmware_is_looked_at() -> None:
    with strange(1) as odd:
        system = Strange(odd.disk, odd.given, 1, odd.manifest)
        system.volume(lambda files: files.delete("\\Boot\\BCD"))
        assert findings(odd) == []
        put(odd, f"{SYSTEM32}\\winload.efi", None)
        assert findings(odd) == []
        put(odd, f"{SYSTEM32}\\winload.exe", None)
        assert [one.subject for one in findings(odd)] == ["winload.exe"]
