"""Small things on a disk that ask for much memory or time: each gets an answer within bounds.

`attack` complains of more than 800 MiB, of 30 seconds of processor time and of everything that the
hostile disks are watched for.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any
from zlib import crc32

import pytest
from der_maker import catalog
from hostile.run import Outcome, Victim, attack, quick_folder
from hostile.terrain import CONFIG, Strike

from bootmend.formats.hive import HiveEditor
from bootmend.lab.wof_file import pack
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.ntfs.wof import STREAM, TAG
from bootmend.windows.installation import MOST_DRIVERS

MIB = 1 << 20
CATROOT = "\\Windows\\System32\\CatRoot\\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}"
VERSION = "Microsoft\\Windows NT\\CurrentVersion"
GROUPS = "ControlSet001\\Control\\ServiceGroupOrder"
REPAIR = ("repair", "--yes", "--json")


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    with quick_folder() as folder:
        yield Victim(2, "catalog-lost", folder)


def fate(victim: Victim, blow: Strike, *command: str) -> Outcome:
    outcome, complaints = attack(victim, blow, command or REPAIR)
    assert not complaints, f"{', '.join(complaints)}: {outcome.err.strip()}"
    return outcome


def a_driver(victim: Victim) -> str:
    """Path of one that loads at boot and whose loss does not stop the machine."""
    found = victim.machine.manifest.binaries
    return next(one.path for one in found if one.start == 1 and one.error_control == 1)


def edited(name: str, edit: Callable[[HiveEditor], object]) -> Callable[[NtfsVolume], None]:
    def change(volume: NtfsVolume) -> None:
        path = f"{CONFIG}\\{name}"
        editor = HiveEditor(volume.read(path), name)
        edit(editor)
        volume.replace(path, editor.finish())

    return change


@pytest.mark.parametrize("size", [100 * MIB, 10 << 30])
def test_a_driver_that_is_a_hole(victim: Victim, size: int) -> None:
    """No image at all, or refused by its size: the cause beside it is mended all the same."""
    outcome = fate(victim, victim.changed(lambda volume: volume.make_hole(a_driver(victim), size)))
    assert outcome.code == 0
    assert outcome.document is not None
    assert outcome.document["commit"]


def causes(outcome: Outcome) -> list[str]:
    """The rules that name a cause."""
    assert outcome.document is not None
    findings: Any = outcome.document["findings"]
    return [found["rule"] for found in findings if found["severity"] == "cause"]


def test_a_hive_that_is_a_hole(victim: Victim) -> None:
    outcome = fate(victim, victim.changed(lambda volume: volume.make_hole(f"{CONFIG}\\SYSTEM", 200 * MIB)))
    assert outcome.code == 1
    assert causes(outcome) == ["hive_unreadable"]


def test_a_hive_too_large_to_be_judged_is_never_called_healthy(victim: Victim) -> None:
    outcome = fate(victim, victim.changed(lambda volume: volume.make_hole(f"{CONFIG}\\SYSTEM", 1 << 30)))
    assert outcome.code == 4
    assert "SYSTEM" in outcome.err


@pytest.mark.parametrize("data", [b"", b"\x01", b"123456789"])
def test_a_control_set_number_that_is_none(victim: Victim, data: bytes) -> None:
    def spoil(editor: HiveEditor) -> None:
        for name in ("Current", "Default", "LastKnownGood"):
            editor.set_value("Select", name, 4, data)

    outcome = fate(victim, victim.changed(edited("SYSTEM", spoil)))
    assert outcome.code == 1
    assert causes(outcome) == ["control_set_missing"]


@pytest.mark.parametrize(
    ("hive", "key", "name", "kind", "data"),
    [
        ("SOFTWARE", VERSION, "CurrentBuildNumber", 1, "9".encode("utf-16-le") * 5000),
        ("SOFTWARE", VERSION, "UBR", 4, b"123456789"),
        ("SOFTWARE", VERSION, "ProductName", 1, "\ud800".encode("utf-16-le", "surrogatepass") * MIB),
        ("SYSTEM", GROUPS, "List", 7, b"A\0\0\0" * (4 * MIB)),
    ],
    ids=["endless-build", "odd-revision", "name-of-halves", "million-groups"],
)
def test_values_out_of_all_measure(victim: Victim, hive: str, key: str, name: str, kind: int, data: bytes) -> None:
    strike = victim.changed(edited(hive, lambda editor: editor.set_value(key, name, kind, data)))
    assert fate(victim, strike, "diagnose").code == 1
    assert fate(victim, strike).code == 0


def test_eight_thousand_partitions_that_are_one(victim: Victim) -> None:
    """Every entry of a long table names the Windows volume."""
    device = victim.ground.device
    start = victim.ground.windows.start // 512
    table = bytearray(device.read(1024, 128 * 128))
    entries = [bytes(table[at : at + 128]) for at in range(0, len(table), 128)]
    windows = next(one for one in entries if int.from_bytes(one[32:40], "little") == start)
    others = [one for one in entries if one != windows and any(one[:16])]
    count = 8000
    long = b"".join([windows] * (count - len(others)) + others)
    head = bytearray(device.read(512, 512))
    head[80:84] = count.to_bytes(4, "little")
    head[88:92] = crc32(long).to_bytes(4, "little")
    head[16:20] = bytes(4)
    head[16:20] = crc32(head[:92]).to_bytes(4, "little")
    outcome = fate(victim, [(512, bytes(head)), (1024, long)], "diagnose", "--json")
    assert outcome.code in (1, 4)


@pytest.mark.slow
def test_more_drivers_than_any_machine_has(victim: Victim) -> None:
    def services(editor: HiveEditor) -> None:
        for number in range(MOST_DRIVERS):
            key = f"ControlSet001\\Services\\bomb{number}"
            editor.create_key(key)
            for name, value in (("Start", 1), ("Type", 1), ("ErrorControl", 1)):
                editor.set_value(key, name, 4, value.to_bytes(4, "little"))

    outcome = fate(victim, victim.changed(edited("SYSTEM", services)), "diagnose", "--json")
    assert outcome.code == 4
    assert f"at most {MOST_DRIVERS} drivers" in outcome.err


@pytest.mark.slow
def test_a_compressed_driver_of_a_hundred_thousand_chunks(victim: Victim) -> None:
    """CompactOS: 150 MiB of which nearly all are zeros."""
    path = a_driver(victim)

    def change(volume: NtfsVolume) -> None:
        plain = volume.read(path)
        plain += bytes(150 * MIB - len(plain))
        volume.replace(path, b"x")
        volume.add_stream(path, STREAM, pack(plain, 0))
        volume.make_hole(path, len(plain))
        volume.set_reparse(path, struct.pack("<IHHIIII", TAG, 16, 0, 1, 2, 1, 0))

    assert fate(victim, victim.changed(change)).code == 0


@pytest.mark.slow
def test_a_driver_compressed_by_the_file_system(victim: Victim) -> None:
    """LZNT1: 150 MiB of zeros behind a driver, in a few clusters."""
    path = a_driver(victim)

    def change(volume: NtfsVolume) -> None:
        plain = volume.read(path)
        volume.delete(path)
        volume.create(path, b"")
        volume.set_attributes(path, 0x820)
        volume.replace(path, plain + bytes(150 * MIB - len(plain)))

    assert fate(victim, victim.changed(change)).code == 0


@pytest.mark.slow
def test_a_store_of_catalogs_with_a_million_members_each(victim: Victim) -> None:
    members = b"".join(
        b"\x30\x24\x04\x20" + sha256(at.to_bytes(4, "little")).digest() + b"\x31\x00" for at in range(1_000_000)
    )

    def change(volume: NtfsVolume) -> None:
        volume.create(f"{CATROOT}\\bomb.cat", catalog(members))
        for number in range(50):
            volume.link(f"{CATROOT}\\bomb.cat", f"{CATROOT}\\bomb{number}.cat")

    outcome = fate(victim, victim.changed(change), "diagnose", "--json")
    assert outcome.code == 4
    assert "hashes in them" in outcome.err
