"""Device elements: the layouts seen on real stores, both ways, and hostile bytes."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from uuid import UUID

import pytest
from bounded_work import bounded_work
from hypothesis import given
from hypothesis import strategies as st
from sample_data import need

from bootmend.errors import Misuse, ParseError
from bootmend.formats.bcd import (
    BootDevice,
    Device,
    FileDevice,
    GptPartition,
    LocateDevice,
    MbrPartition,
    RamdiskDevice,
    UnknownDevice,
    VhdPartition,
    VirtualDisk,
    decode_device,
    encode_device,
    moved,
    partition_of,
)

ESP = GptPartition(UUID("2a29177f-60e0-46b6-963f-e3b7391f2e11"), UUID("8fc0d5a4-5b36-4a5c-9d35-8fd6a0dff4b6"))
SYSTEM_RESERVED = MbrPartition(0x100000, 0xA3B1C2D4)


def words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "little") for number in numbers)


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


GPT_BYTES = bytes(16) + words(6, 0, 0x48, 0) + ESP.partition.bytes_le + words(0, 0) + ESP.disk.bytes_le + bytes(16)
MBR_BYTES = bytes(16) + words(6, 0, 0x48, 0, 0x100000, 0, 0, 0, 0, 1, 0xA3B1C2D4) + bytes(12 + 16)
RAMDISK_BYTES = (
    UUID(int=7).bytes_le
    + words(0, 1, 0xB8, 0, 3, 0, 0, 0, 0, 0, 1, 0x90, 5)
    + MBR_BYTES[16:]
    + utf16(r"\Recovery\WindowsRE\Winre.wim")
)
LOCATE_BYTES = bytes(16) + words(8, 0, 0x1E, 0, 0, 0x12000002, 0) + b"\0\0"


@pytest.mark.parametrize(
    ("raw", "device"),
    [
        (GPT_BYTES, ESP),
        (MBR_BYTES, SYSTEM_RESERVED),
        (bytes(16) + words(5, 0, 0x48, 0) + bytes(56), BootDevice()),
        (RAMDISK_BYTES, RamdiskDevice(SYSTEM_RESERVED, r"\Recovery\WindowsRE\Winre.wim", options=UUID(int=7))),
        (LOCATE_BYTES, LocateDevice(0x12000002)),
        (
            bytes(16) + words(8, 0, 0x1C + 18, 0, 1, 0, 0) + utf16(r"\IMC.hiv"),
            LocateDevice(0, r"\IMC.hiv"),
        ),
        (
            bytes(16) + words(0, 0, 16 + 4 + 106, 0, 5, 1, 12 + 72 + 22, 5) + GPT_BYTES[16:] + utf16(r"\win10.vhd"),
            FileDevice(ESP, r"\win10.vhd"),
        ),
    ],
    ids=["gpt", "mbr", "boot", "ramdisk", "locate element", "locate path", "file"],
)
def test_each_layout_reads_and_writes(raw: bytes, device: Device) -> None:
    assert decode_device(raw, "BCD") == device
    assert encode_device(device) == raw


def test_a_partition_in_a_vhd_has_the_lengths_seen_on_real_stores() -> None:
    inside = VhdPartition(0x100000, FileDevice(ESP, r"\win10.vhd"))
    raw = encode_device(inside)
    assert len(raw) == 198
    assert raw[0x30:0x34] == words(6)
    assert decode_device(raw, "BCD") == inside
    assert len(encode_device(VhdPartition(ESP.partition, FileDevice(ESP, r"\windows7.vhd")))) == 204


def test_a_vhd_found_by_locate_has_a_parent_right_after_the_path() -> None:
    located = LocateDevice(0x22000002, "", VirtualDisk(FileDevice(BootDevice(), r"\a.vhd")))
    raw = encode_device(located)
    assert raw[0x28:0x2E] == words(0x1E) + b"\0\0"
    assert decode_device(raw, "BCD") == located


def test_stray_bytes_stay_and_the_partition_is_still_seen() -> None:
    raw = bytearray(MBR_BYTES)
    raw[-3], raw[0x3D] = 0xAA, 0x55
    device = decode_device(bytes(raw) + b"tail", "BCD")
    assert isinstance(device, MbrPartition)
    assert (device.offset, device.signature) == (0x100000, 0xA3B1C2D4)
    assert encode_device(device) == bytes(raw) + b"tail"
    assert partition_of(device) == SYSTEM_RESERVED


@pytest.mark.parametrize("kind", [2, 3, 4, 7, 99])
def test_an_unknown_kind_is_kept_byte_for_byte(kind: int) -> None:
    raw = UUID(int=3).bytes_le + words(kind, 1, 0x14, 0, 0xDEAD)
    device = decode_device(raw, "BCD")
    assert device == UnknownDevice(kind, 1, words(0xDEAD), options=UUID(int=3))
    assert encode_device(device) == raw


@pytest.mark.parametrize(("disk_kind", "table"), [(1, 0), (2, 1), (0, 2)])
def test_a_partition_of_another_kind_of_disk_is_kept_unknown(disk_kind: int, table: int) -> None:
    raw = MBR_BYTES[:0x30] + words(disk_kind, table) + MBR_BYTES[0x38:]
    device = decode_device(raw, "BCD")
    assert isinstance(device, UnknownDevice)
    assert encode_device(device) == raw


def test_a_known_kind_too_short_to_hold_its_zeros_is_kept_too() -> None:
    raw = bytes(16) + words(5, 0, 16, 0)
    assert encode_device(decode_device(raw, "BCD")) == raw


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "at least 32 bytes"),
        (bytes(20), "a device type|device flags"),
        (bytes(16) + words(6, 0, 0x100, 0) + bytes(56), "a device size from 16 to 72"),
        (bytes(16) + words(6, 0, 8, 0) + bytes(56), "a device size"),
        (RAMDISK_BYTES[:0x3C] + words(0xFFFF) + RAMDISK_BYTES[0x40:], "a file device of 65535 bytes"),
        (RAMDISK_BYTES[:-2] + b"x\0", "a path that ends with a NUL"),
        (LOCATE_BYTES[:0x28] + words(4) + b"\0\0", "the offset of a parent device"),
    ],
)
def test_broken_bytes_name_what_was_expected(raw: bytes, expected: str) -> None:
    with pytest.raises(ParseError, match=expected) as caught:
        decode_device(raw, "the store")
    assert caught.value.file == "the store"


def test_devices_in_each_other_end_somewhere() -> None:
    device: Device = ESP
    for _ in range(20):
        device = FileDevice(device, r"\x")
    with pytest.raises(ParseError, match="at most 8 devices"):
        decode_device(encode_device(device), "BCD")


def test_a_path_with_a_nul_is_refused() -> None:
    with pytest.raises(Misuse):
        encode_device(FileDevice(ESP, "\\a\0b"))


def test_moved_changes_the_innermost_partition_only() -> None:
    ramdisk = RamdiskDevice(SYSTEM_RESERVED, r"\sources\boot.wim", options=UUID(int=9))
    assert moved(ramdisk, ESP) == replace(ramdisk, parent=ESP)
    assert partition_of(moved(VhdPartition(1, FileDevice(SYSTEM_RESERVED, r"\v")), ESP)) == ESP
    assert moved(replace(SYSTEM_RESERVED, options=UUID(int=9)), ESP) == replace(ESP, options=UUID(int=9))
    assert moved(BootDevice(), ESP) == BootDevice()
    assert moved(LocateDevice(0x12000002), ESP) == LocateDevice(0x12000002)
    assert partition_of(FileDevice(BootDevice(), r"\v")) is None


guids = st.uuids(version=4)
paths = st.text(st.characters(exclude_characters="\0"), max_size=40)
partitions = st.one_of(
    st.builds(GptPartition, guids, guids),
    st.builds(MbrPartition, st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1)),
)
devices: st.SearchStrategy[Device] = st.recursive(
    st.one_of(partitions, st.just(BootDevice()), st.builds(LocateDevice, st.integers(0, 2**32 - 1), paths)),
    lambda below: st.one_of(
        st.builds(FileDevice, below, paths),
        st.builds(RamdiskDevice, below, paths, *[st.integers(0, 2**32 - 1)] * 3),
        st.builds(VirtualDisk, below),
        st.builds(VhdPartition, st.one_of(guids, st.integers(0, 2**64 - 1)), below),
        st.builds(LocateDevice, st.integers(0, 2**32 - 1), paths, below),
    ),
    max_leaves=4,
)


@given(devices, st.one_of(st.none(), guids))
def test_every_device_comes_back(device: Device, options: UUID | None) -> None:
    whole = replace(device, options=options)
    try:
        assert decode_device(encode_device(whole), "BCD") == whole
    except ParseError as error:
        assert "devices in each other" in str(error)


def test_mutated_devices_are_exact_or_a_parse_error() -> None:
    chance = random.Random(20348)
    seeds = [
        GPT_BYTES,
        RAMDISK_BYTES,
        encode_device(VhdPartition(ESP.partition, FileDevice(ESP, r"\win10.vhd"))),
        encode_device(LocateDevice(1, r"\x", VirtualDisk(FileDevice(LocateDevice(2, r"\y"), r"\a.vhd")))),
    ]
    refused, rounds = 0, 20_000
    for _ in range(rounds):
        raw = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 5)):
            raw[chance.randrange(16, len(raw))] = chance.choice([0, 1, 3, 5, 6, 8, 0x48, 0xFF, chance.randrange(256)])
        cut = bytes(raw[: chance.randrange(len(raw) // 2, len(raw) + 1)] if chance.random() < 0.3 else raw)
        with bounded_work(calls=2_000):
            try:
                device = decode_device(cut, "fuzz")
            except ParseError:
                refused += 1
            else:
                assert encode_device(device) == cut
    assert 0 < refused < rounds


def test_a_huge_element_is_read_in_few_steps() -> None:
    raw = bytes(16) + words(8, 0, 4_000_000, 0, 1, 0, 0) + b"a\0" * 1_999_986
    with bounded_work(calls=2_000), pytest.raises(ParseError, match="NUL"):
        decode_device(raw[:4_000_016], "BCD")


@pytest.mark.data
def test_the_devices_of_31_real_stores_are_written_back_exactly() -> None:
    kinds: dict[str, int] = {}
    for dump in sorted(need("bcd").glob("*/BCD.dissect.json")):
        for found in json.loads(dump.read_text())["objects"].values():
            for number, (_, data) in found["elements"].items():
                if number[1] != "1":
                    continue
                device = decode_device(bytes.fromhex(data), str(dump))
                assert encode_device(device).hex() == data
                assert device.stray == b""
                kinds[type(device).__name__] = kinds.get(type(device).__name__, 0) + 1
    assert kinds == {"BootDevice": 16, "GptPartition": 150, "MbrPartition": 59, "RamdiskDevice": 62}
