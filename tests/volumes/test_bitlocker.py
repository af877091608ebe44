"""BitLocker volumes are recognised in their three forms, with what protects their key."""

from __future__ import annotations

import struct
import uuid

import pytest

from bootmend.disk.device import BlockDevice
from bootmend.volumes.bitlocker import BitLocker, read_bitlocker
from bootmend.volumes.detect import Locked, Unknown, open_volume

IDENTIFIER = uuid.UUID("4967d63b-2e29-4ad8-8399-f6a339e3d001").bytes_le
COPIES = (0x10000, 0x20000, 0x30000)


class Memory(BlockDevice):
    name = "memory"

    def __init__(self, data: bytearray) -> None:
        self.data = data
        self.size = len(data)

    def _read(self, offset: int, length: int) -> bytes:
        return bytes(self.data[offset : offset + length])

    def _write(self, offset: int, data: bytes) -> None:
        raise AssertionError("reading writes")


def metadata(protections: tuple[int, ...]) -> bytes:
    """A metadata block as the libbde documentation draws it."""
    entries = struct.pack("<HHHH", 28, 0x0007, 0x0002, 1) + "PC C: 1/1\0".encode("utf-16-le")
    for protection in protections:
        entries += struct.pack("<HHHH16sQHH", 44, 0x0002, 0x0008, 1, uuid.uuid4().bytes, 0, 0, protection) + bytes(8)
    header = struct.pack("<IIII16sIIQ", 48 + len(entries), 1, 48, 48 + len(entries), bytes(16), 1, 0x8004, 0)
    return struct.pack("<8sHH52x", b"-FVE-FS-", 64, 2) + header + entries


def volume(kind: str, protections: tuple[int, ...]) -> bytearray:
    data = bytearray(1 << 18)
    if kind == "Vista":
        struct.pack_into("<3s8sHB", data, 0, b"\xeb\x52\x90", b"-FVE-FS-", 512, 8)
        struct.pack_into("<Q", data, 0x38, COPIES[0] // 4096)
    elif kind == "7 or later":
        struct.pack_into("<3s8sHB", data, 0, b"\xeb\x58\x90", b"-FVE-FS-", 512, 8)
        struct.pack_into("<16s3Q", data, 0xA0, IDENTIFIER, *COPIES)
    else:
        struct.pack_into("<3s8sHB", data, 0, b"\xeb\x58\x90", b"MSWIN4.1", 512, 8)
        struct.pack_into("<16s3Q", data, 0x1A8, IDENTIFIER, *COPIES)
    for at in COPIES:
        block = metadata(protections)
        data[at : at + len(block)] = block
    return data


@pytest.mark.parametrize("kind", ["Vista", "7 or later", "To Go"])
def test_a_locked_volume_is_named_with_its_protectors(kind: str) -> None:
    device = Memory(volume(kind, (0x0100, 0x0800)))
    assert read_bitlocker(device, "C:") == BitLocker(kind, ("TPM", "recovery password"))
    assert open_volume(device, "C:") == Locked("bitlocker", kind, ("TPM", "recovery password"), False)


def test_a_clear_key_means_suspended() -> None:
    found = read_bitlocker(Memory(volume("7 or later", (0x0100, 0x0000))), "C:")
    assert found is not None and found.suspended


def test_a_damaged_copy_gives_way_to_the_next_and_none_leaves_the_volume_locked() -> None:
    data = volume("7 or later", (0x2000,))
    data[COPIES[0]] ^= 1
    struct.pack_into("<I", data, COPIES[1] + 64, 1 << 30)
    assert read_bitlocker(Memory(data), "C:") == BitLocker("7 or later", ("password",))
    struct.pack_into("<Q", data, 0xC0, 1 << 60)
    assert read_bitlocker(Memory(data), "C:") == BitLocker("7 or later", ())


def test_a_plain_fat_volume_is_not_bitlocker_to_go() -> None:
    data = volume("To Go", ())
    data[0x1A8] ^= 1
    assert read_bitlocker(Memory(data), "E:") is None


@pytest.mark.parametrize(
    ("offset", "magic", "what"),
    [(3, b"ReFS\0\0\0\0", "ReFS"), (0x438, b"\x53\xef", "ext2, ext3 or ext4"), (0, b"LUKS\xba\xbe", "LUKS")],
)
def test_other_file_systems_are_named(offset: int, magic: bytes, what: str) -> None:
    data = bytearray(1 << 18)
    data[offset : offset + len(magic)] = magic
    assert open_volume(Memory(data), "D:") == Unknown(what)


def test_nothing_is_said_to_be_nothing() -> None:
    empty, noise = open_volume(Memory(bytearray(4096)), "D:"), open_volume(Memory(bytearray(b"\x07" * 4096)), "D:")
    assert isinstance(empty, Unknown) and isinstance(noise, Unknown) and empty != noise
    assert isinstance(open_volume(Memory(bytearray()), "D:"), Unknown)
