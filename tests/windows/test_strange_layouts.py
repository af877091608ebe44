"""Windows on disks laid out by others: elsewhere in the table, without one, twice, beside what cannot be read."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from strange_machines import DRIVERS, SOFTWARE, SYSTEM, Pieces, Strange, partition, strange

from bootmend.disk.device import BlockDevice
from bootmend.disk.overlay import Overlay
from bootmend.errors import Refused
from bootmend.formats.bcd import MbrPartition, element_id
from bootmend.formats.hive import HiveEditor, ValueType
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.tables.partition import BASIC_DATA, Partition
from bootmend.volumes.tables.write import write_gpt, write_mbr
from bootmend.windows.desk import Desk
from bootmend.windows.discovery import find_windows
from bootmend.windows.image import Image

MIB = 1 << 20
FILECRYPT = f"{DRIVERS}\\filecrypt.sys"
SIGNATURE = 0x1234ABCD


@contextmanager
def laid_out(pieces: list[tuple[int, BlockDevice]], like: Strange, number: int, tail: int = MIB) -> Iterator[Strange]:
    size = max(start + device.size for start, device in pieces) + tail
    yield Strange(Overlay(Pieces(size, pieces)), like.given, number, like.manifest)


NO_ESP = "system_partition_missing"
"""A GPT on which only Windows' own volume was laid: what starts it is gone, and that is said."""


def is_found_and_mended(odd: Strange, volume: int, path: str = "\\Windows") -> None:
    found = odd.diagnose()
    assert (found.windows.volume, found.windows.path) == (volume, path)
    start = found.windows.chain.start
    lone = [NO_ESP] if start.firmware is not None and start.volume is None else []
    assert [one.rule for one in found.causes] == lone
    odd.damage(f"{path}\\System32\\drivers\\filecrypt.sys")
    *others, cause = odd.diagnose().causes
    assert [one.rule for one in others] == lone
    assert (cause.rule, cause.subject) == ("driver_damaged", "filecrypt.sys")
    odd.mended(lone)


def test_a_volume_without_a_table() -> None:
    with strange() as base, laid_out([(0, partition(base.disk, base.number))], base, 1, tail=0) as odd:
        assert "No boot store" in " ".join(odd.diagnose().notes)
        is_found_and_mended(odd, 1)


def test_as_a_logical_partition_behind_a_data_volume() -> None:
    """The chain: an extended partition with an empty table first, then one that holds Windows."""
    with strange(1) as base:
        system, windows = partition(base.disk, 1), partition(base.disk, 2)
        extended = 600 * MIB
        start = extended + 2 * MIB
        with laid_out([(MIB, system), (start, windows)], base, 5) as odd:
            write_mbr(
                odd.disk,
                SIGNATURE,
                [
                    Partition(1, MIB, system.size, "0x07", active=True),
                    Partition(2, extended, odd.disk.size - extended, "0x0f"),
                ],
            )
            link = bytearray(512)
            struct.pack_into("<BBBBBBBBII", link, 446, 0, 0, 0, 0, 7, 0, 0, 0, 2 * MIB // 512, windows.size // 512)
            link[510:] = b"\x55\xaa"
            odd.disk.write(extended, bytes(link))
            image = Image(odd.disk)
            desk = Desk(image)
            store = desk.store(1, "\\Boot\\BCD")
            default = store.view().default
            assert default is not None
            for name in ("device", "osdevice"):
                number = element_id(name, default.type)
                assert number is not None
                store.editor.set(default.id, number, MbrPartition(offset=start, signature=SIGNATURE))
            desk.save()
            image.close()
            assert odd.diagnose().windows.boots_by_default
            is_found_and_mended(odd, 5)


def test_as_the_fifth_partition_of_a_gpt_and_from_its_backup() -> None:
    with strange() as base:
        windows = partition(base.disk, base.number)
        start = 64 * MIB
        with laid_out([(start, windows)], base, 5) as odd:
            others = [Partition(n, n * 4 * MIB, 2 * MIB, BASIC_DATA) for n in (1, 2, 3, 4)]
            write_gpt(odd.disk, UUID(int=7), [*others, Partition(5, start, windows.size, BASIC_DATA)])
            odd.disk.write(512, bytes(512))
            assert "backup" in " ".join(odd.diagnose().notes)
            is_found_and_mended(odd, 5)


def test_a_gpt_of_4096_byte_sectors() -> None:
    with strange() as base:
        windows = partition(base.disk, base.number)
        with laid_out([(MIB, windows)], base, 1) as odd:
            write_gpt(odd.disk, UUID(int=7), [Partition(1, MIB, windows.size, BASIC_DATA)], sector_size=4096)
            is_found_and_mended(odd, 1)


def test_a_folder_of_another_name_without_a_store() -> None:
    with strange() as base, laid_out([(0, partition(base.disk, base.number))], base, 1, tail=0) as odd:
        odd.volume(lambda files: files.rename("\\Windows", "\\WINNT"))
        is_found_and_mended(odd, 1, "\\WINNT")


@pytest.mark.parametrize("damage", ["gone", "empty", "garbage"])
def test_without_a_boot_store_windows_is_still_found(damage: str) -> None:
    with strange(1) as odd:
        system = Strange(odd.disk, odd.given, 1, odd.manifest)

        def change(files: NtfsVolume) -> None:
            if damage == "gone":
                files.delete("\\Boot\\BCD")
            else:
                files.replace("\\Boot\\BCD", b"" if damage == "empty" else b"no store" * 700)

        system.volume(change)
        found = odd.diagnose()
        assert found.windows.chain.store is None
        assert "BCD" in " ".join(found.notes)
        assert (found.windows.volume, found.windows.path) == (2, "\\Windows")
        assert [one.rule for one in found.causes] == ["bcd_missing" if damage == "gone" else "bcd_unreadable"]
        odd.damage(FILECRYPT)
        odd.mended()


@contextmanager
def two_installations() -> Iterator[tuple[Strange, Strange]]:
    """The same Windows twice, and no store."""
    with strange() as base:
        windows = partition(base.disk, base.number)
        second = MIB + windows.size
        with laid_out([(MIB, windows), (second, windows)], base, 1) as odd:
            table = [Partition(1, MIB, windows.size, BASIC_DATA), Partition(2, second, windows.size, BASIC_DATA)]
            write_gpt(odd.disk, UUID(int=7), table)
            yield odd, Strange(odd.disk, odd.given, 2, odd.manifest)


def test_of_two_installations_none_is_guessed() -> None:
    with two_installations() as (first, second):
        second.damage(FILECRYPT)
        assert [one.rule for one in first.diagnose().findings] == [NO_ESP]
        first.damage(FILECRYPT)
        assert len(first.diagnose().others) == 1
        with pytest.raises(Refused, match="several Windows") as refused:
            first.propose()
        assert "first-windows" in refused.value.next_step
        assert first.propose(accept=["first-windows"]).worth_doing


def test_a_damaged_data_volume_beside_is_passed_over() -> None:
    with two_installations() as (first, second):
        place = partition(first.disk, 2)
        with NtfsVolume(place, "data") as files:
            records = files._mft.stream(files._mft.file(0))
            assert records is not None
            root = next(iter(records.places(5 * 1024, 6 * 1024)))[0]
        place.write(root + 0x38, b"\xff" * 512)
        is_found_and_mended(first, 1)
        assert second.number == 2


def locked(device: BlockDevice, start: int) -> None:
    device.write(start, (b"\xeb\x58\x90-FVE-FS-").ljust(512, b"\0"))


def test_an_encrypted_data_volume_beside_is_told_and_does_not_stop_a_repair() -> None:
    with strange() as base:
        windows = partition(base.disk, base.number)
        with laid_out([(MIB, windows)], base, 1, tail=64 * MIB) as odd:
            start = 2 * MIB + windows.size
            table = [Partition(1, MIB, windows.size, BASIC_DATA), Partition(2, start, 8 * MIB, BASIC_DATA)]
            write_gpt(odd.disk, UUID(int=7), table)
            locked(odd.disk, start)
            assert "encrypted" in " ".join(odd.diagnose().notes)
            is_found_and_mended(odd, 1)


def test_what_boots_is_encrypted() -> None:
    """The default entry's own volume: another readable Windows would be the wrong answer."""
    with strange() as odd:
        locked(odd.disk, partition(odd.disk, odd.number).start)
        with pytest.raises(Refused, match="encrypted"):
            odd.diagnose()


def test_a_hibernated_windows_is_read_and_never_written() -> None:
    with strange(fault="driver-damaged") as odd:
        odd.volume(lambda files: files.create("\\hiberfil.sys", b"HIBR".ljust(65536, b"\0")))
        assert len(odd.diagnose().causes) == 1
        with pytest.raises(Refused, match="hibernated"):
            odd.propose()


@pytest.mark.parametrize("content", [None, b"", b"garbage!" * 900])
def test_without_a_system_hive_its_path_is_named(content: bytes | None) -> None:
    with strange() as odd:
        if content is None:
            odd.volume(lambda files: files.delete(SYSTEM))
        else:
            odd.volume(lambda files: files.replace(SYSTEM, content))
        found = odd.diagnose()
        assert [(cause.rule, cause.subject) for cause in found.causes] == [("hive_unreadable", "SYSTEM")]
        assert SYSTEM in found.causes[0].evidence[0].where
        assert "What the registry would tell was not asked" in " ".join(found.notes)


@pytest.mark.parametrize("content", [None, b"", b"garbage!" * 900])
def test_without_software_the_cause_is_still_named(content: bytes | None) -> None:
    with strange(fault="driver-damaged") as odd:
        if content is None:
            odd.volume(lambda files: files.delete(SOFTWARE))
        else:
            odd.volume(lambda files: files.replace(SOFTWARE, content))
        found = odd.diagnose()
        assert found.windows.version.text == ""
        assert "SOFTWARE" in " ".join(found.notes)
        assert [cause.rule for cause in found.causes] == ["driver_damaged", "hive_unreadable"]
        proposal = odd.propose()
        assert proposal.worth_doing
        assert [cause.rule for cause in proposal.causes_left] == ["hive_unreadable"]


def select(odd: Strange, numbers: dict[str, int | None], sets: tuple[str, ...] = ()) -> None:
    """Values of the key Select, and empty control sets beside the one that is there."""

    def change(editor: HiveEditor) -> None:
        for name in sets:
            editor.create_key(name)
        for value, number in numbers.items():
            if number is None:
                editor.delete_value("Select", value)
            else:
                editor.set_value("Select", value, ValueType.DWORD, struct.pack("<I", number))

    odd.hive(change)


@pytest.mark.parametrize(
    ("default", "current", "expected"),
    [(1, 2, "ControlSet001"), (2, 1, "ControlSet002"), (None, 1, "ControlSet001"), (0, 1, "ControlSet001")],
)
def test_the_control_set_is_the_one_of_the_next_start(default: int | None, current: int, expected: str) -> None:
    with strange() as odd:
        select(odd, {"Default": default, "Current": current}, ("ControlSet002",))
        image = Image(odd.disk)
        windows = find_windows(image, odd.given)[0]
        assert windows.control_set == expected
        assert windows.last_control_set == f"ControlSet{current:03}"
        image.close()


def test_what_stands_in_the_set_of_the_next_start_is_told_with_a_note() -> None:
    with strange(fault="driver-damaged") as odd:
        whole = ("ControlSet002\\Control\\Lab", "ControlSet002\\Services\\Lab")
        select(odd, {"Default": 1, "Current": 2}, whole)
        found = odd.diagnose()
        assert [cause.subject for cause in found.causes] == ["filecrypt.sys"]
        assert "ControlSet002 (Select\\Current) started it last" in " ".join(found.notes)
        select(odd, {"Current": 1})
        assert not any("started it last" in note for note in odd.diagnose().notes)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"Default": 7}, "ControlSet007, which Select\\Default names"),
        ({"Default": None, "Current": 9}, "ControlSet009, which Select\\Current names"),
        ({"Default": None, "Current": None}, "Default or Current"),
    ],
)
def test_a_select_that_leads_nowhere_is_said(numbers: dict[str, int | None], expected: str) -> None:
    with strange() as odd:
        select(odd, numbers)
        found = odd.diagnose()
        assert expected in " ".join(found.notes)
        assert [cause.rule for cause in found.causes] == ["control_set_missing"]


def test_the_start_of_an_encrypted_volume_beside_is_not_touched() -> None:
    """Its key may be bound to what the machine starts from: boot store and table are measured."""
    with strange(1) as base:
        system, windows = partition(base.disk, 1), partition(base.disk, 2)
        second = 2 * MIB + system.size
        with laid_out([(MIB, system), (second, windows)], base, 2, tail=64 * MIB) as odd:
            third = MIB + second + windows.size
            table = [
                Partition(1, MIB, system.size, "0x07", active=True),
                Partition(2, second, windows.size, "0x07"),
                Partition(3, third, 8 * MIB, "0x07"),
            ]
            write_mbr(odd.disk, SIGNATURE, table)
            assert [one.rule for one in odd.diagnose().causes] == ["bcd_device"]
            odd.mended()
            locked(odd.disk, third)
            with pytest.raises(Refused, match="encrypted"):
                odd.propose()
