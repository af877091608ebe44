"""Partition tables: what a firmware would not take, what leads it elsewhere, and whose disk it is."""

from __future__ import annotations

from zlib import crc32

import pytest
from store_changes import ask
from strange_machines import Strange, strange

from bootmend.findings import Finding, Safety, Severity
from bootmend.windows.image import Image

GRUB = b"\xeb\x63\x90".ljust(0x180, b"\x90") + b"GRUB \0Geom\0Hard Disk\0Read\0 Error\r\n\0"
SLOTS = 446


def told(odd: Strange) -> list[tuple[str, Severity]]:
    return [(one.subject, one.severity) for one in ask(odd, "partition_table")]


def only(odd: Strange) -> Finding:
    (found,) = ask(odd, "partition_table")
    return found


@pytest.mark.parametrize("generation", [1, 2])
def test_healthy(generation: int) -> None:
    with strange(generation) as odd:
        assert told(odd) == []


def test_a_disk_without_its_signature_is_still_read_and_mended() -> None:
    with strange(1) as odd:
        odd.disk.write(510, bytes(2))
        assert told(odd) == [("mbr_unsigned", Severity.CAUSE)]
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        assert proposal.rehearsal.overlay.read(510, 2) == b"\x55\xaa"
        assert proposal.rehearsal.changed_bytes <= 512


@pytest.mark.parametrize("signed", [True, False])
def test_a_loader_of_its_own_does_not_need_the_flag(signed: bool) -> None:
    """GRUB in sector 0: no partition needs to be active. The signature every BIOS wants."""
    with strange(1) as odd:
        odd.disk.write(0, GRUB.ljust(440, b"\0"))
        odd.disk.write(SLOTS, b"\0")
        if not signed:
            odd.disk.write(510, bytes(2))
        assert told(odd) == ([] if signed else [("mbr_unsigned", Severity.CAUSE)])


def test_boot_code_in_another_language() -> None:
    """The words differ; their places beside the disk's signature do not."""
    with strange(1) as odd:
        code = bytearray(odd.disk.read(0, 440))
        for words in (b"Invalid partition table", b"Error loading operating system", b"Missing operating system"):
            at = code.index(words)
            code[at : at + len(words)] = b"Fehler".ljust(len(words), b".")
        odd.disk.write(0, bytes(code))
        odd.disk.write(SLOTS, b"\0")
        assert told(odd) == [("active_partition", Severity.CAUSE)]
        odd.mended()


def test_the_flag_on_the_windows_volume_too() -> None:
    with strange(1) as odd:
        odd.disk.write(SLOTS + 16, b"\x80")
        assert told(odd) == [("active_partition", Severity.RISK)]
        odd.mended()


def test_the_flag_on_a_partition_that_starts_nothing_is_moved() -> None:
    with strange(1) as odd:
        odd.disk.write(SLOTS, b"\0")
        odd.disk.write(SLOTS + 16, b"\x80")
        found = only(odd)
        assert found.severity is Severity.CAUSE
        assert found.prediction is not None
        assert "BOOTMGR" in found.prediction.name
        odd.mended()


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize(
    ("flag", "severity"), [(0x01, Severity.CAUSE), (0x7F, Severity.CAUSE), (0x81, Severity.RISK), (0xFF, Severity.RISK)]
)
def test_a_flag_that_is_none(flag: int, severity: Severity, several: bool) -> None:
    """On the boot partition itself, or on another one beside it."""
    with strange(1) as odd:
        odd.disk.write(SLOTS + (16 if several else 0), bytes((flag,)))
        found = only(odd)
        assert (found.subject, found.severity) == ("active_partition", severity)
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        assert [proposal.rehearsal.overlay.read(SLOTS + at, 1) for at in (0, 16)] == [b"\x80", b"\0"]


def test_random_flags_make_no_table_of_a_sector_that_is_none() -> None:
    with strange(1) as odd:
        for slot in range(4):
            odd.disk.write(SLOTS + 16 * slot, b"\x11" * 16)
        image = Image(odd.disk)
        assert image.table.kind == "none"
        image.close()


@pytest.mark.parametrize("loader", ["\\ntldr", "\\GRLDR", "\\bootmgr"])
def test_the_flag_on_another_partition_is_moved_on_consent_only(loader: str) -> None:
    with strange(1) as odd:
        odd.disk.write(SLOTS, b"\0")
        odd.disk.write(SLOTS + 16, b"\x80")
        odd.volume(lambda files: files.create(loader, b"MZ"))
        if loader == "\\bootmgr":  # its partition counts as the one to start from then, and has no store
            assert told(odd) == []
            return
        found = only(odd)
        assert found.severity is Severity.RISK
        assert {action.safety for action in found.actions} == {Safety.RISKY}
        assert odd.propose().rehearsal is None
        accepted = odd.propose(accept=["move-active-flag"])
        assert accepted.worth_doing
        assert accepted.rehearsal is not None
        assert [accepted.rehearsal.overlay.read(at, 1) for at in (SLOTS, SLOTS + 16)] == [b"\x80", b"\0"]


@pytest.mark.parametrize("byte", [b"\0", b"\xff", b"\xf6"])
def test_boot_code_is_never_made_up(byte: bytes) -> None:
    with strange(1) as odd:
        odd.disk.write(0, byte * 440)
        found = only(odd)
        assert (found.severity, found.actions) == (Severity.CAUSE, ())
        assert "bootrec" in found.skipped[0].reason


@pytest.mark.parametrize("header", [True, False])
def test_both_copies_of_a_gpt_come_back_byte_for_byte(header: bool) -> None:
    with strange(2) as odd:
        end = odd.disk.size
        places = (512, end - 512) if header else (1024, end - 512 * 33)
        before = [odd.disk.read(place, 512) for place in places]
        for place, content in zip(places, before, strict=True):
            odd.disk.write(place, bytes(512))
            assert [severity for _, severity in told(odd)] == [Severity.RISK]
            assert odd.diagnose().healthy
            proposal = odd.mended()
            assert proposal.rehearsal is not None
            assert proposal.rehearsal.overlay.read(place, 512) == content
            odd.disk.write(place, content)


def test_a_backup_that_is_not_at_the_end_is_not_written() -> None:
    """A disk that has grown: where the backup was may be inside a partition by now."""
    with strange(2) as odd:
        header = bytearray(odd.disk.read(512, 92))
        header[32:40] = (odd.disk.size // 512 - 5000).to_bytes(8, "little")
        odd.disk.write(512, sealed(header))
        found = only(odd)
        assert (found.subject, found.severity, found.actions) == ("gpt_backup", Severity.NOTE, ())


def sealed(header: bytearray) -> bytes:
    header[16:20] = bytes(4)
    header[16:20] = crc32(bytes(header)).to_bytes(4, "little")
    return bytes(header)


@pytest.mark.parametrize("kept", ["nothing", "entry", "other"])
def test_the_protective_entry(kept: str) -> None:
    with strange(2) as odd:
        if kept == "entry":
            odd.disk.write(510, bytes(2))
        else:
            odd.disk.write(SLOTS, bytes(66))
        if kept == "other":
            odd.disk.write(SLOTS + 4, b"\x83")
            odd.disk.write(SLOTS + 12, b"\x01")
        found = only(odd)
        expected = {
            "nothing": ("not_protected", Severity.CAUSE),
            "entry": ("mbr_unsigned", Severity.RISK),
            "other": ("not_protected", Severity.CAUSE),
        }
        assert (found.subject, found.severity) == expected[kept]
        assert bool(found.skipped) == (kept == "other")
        if kept != "other":
            odd.mended()


def test_a_hybrid_table_is_a_choice() -> None:
    with strange(2) as odd:
        image = Image(odd.disk)
        first = image.partitions[0].start // 512
        image.close()
        odd.disk.write(
            SLOTS + 16, b"\0\0\2\0\x0c\xff\xff\xff" + first.to_bytes(4, "little") + (9).to_bytes(4, "little")
        )
        assert told(odd) == []
