"""Files compressed by CompactOS: read as their plain content, written back as plain files."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from ntfs_samples import check_with_ntfsfix, make_ntfs

from bootmend.errors import InputError, ParseError, Refused
from bootmend.lab.wof_file import compact, pack
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.volumes.ntfs.wof import STREAM, TAG, WofFile
from bootmend.volumes.volume import NotInPlace

DICE = random.Random(3)
TEXT = b"".join(b"driver %d loads after driver %d\r\n" % (n, n * 7 % 1000) for n in range(9000))
CONTENTS = {
    "one byte": b"x",
    "one short chunk": TEXT[:700],
    "a chunk exactly": TEXT[:4096],
    "a chunk and a byte": TEXT[:4097],
    "noise that does not shrink": DICE.randbytes(50_000),
    "text and noise": TEXT[:100_000] + DICE.randbytes(20_000) + TEXT[:70_001],
    "zeros": bytes(300_000),
}


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[NtfsVolume]:
    with NtfsVolume(make_ntfs(tmp_path), "C:", writable=True) as volume:
        yield volume


@pytest.mark.parametrize("algorithm", [0, 1, 2, 3])
def test_every_algorithm_gives_the_plain_content(volume: NtfsVolume, algorithm: int) -> None:
    for name, data in CONTENTS.items():
        path = f"\\{name}"
        volume.create(path, data)
        compact(volume, path, algorithm)
        entry = volume.stat(path)
        assert (entry.size, entry.reparse_tag) == (len(data), TAG)
        listed = next(one for one in volume.listdir("\\") if one.name == name)
        assert (listed.size, listed.reparse_tag) == (len(data), TAG)
        assert volume.read(path) == data
        file = volume.open(path)
        for _ in range(20):
            offset, length = DICE.randrange(len(data) + 10), DICE.randrange(9000)
            assert file.read(offset, length) == data[offset : offset + length]
        with pytest.raises(NotInPlace):
            volume.extents(path)


def test_replacing_makes_a_plain_file_of_the_same_record(volume: NtfsVolume) -> None:
    volume.create("\\driver.sys", TEXT)
    volume.link("\\driver.sys", "\\twin.sys")
    compact(volume, "\\driver.sys")
    before = volume.stat("\\driver.sys")
    volume.replace("\\driver.sys", TEXT[::-1])
    volume.close()
    check_with_ntfsfix(volume.device)
    again = NtfsVolume(volume.device, "C:")
    after = again.stat("\\driver.sys")
    assert (after.file_id, after.links, after.reparse_tag) == (before.file_id, 2, 0)
    assert after.attributes & 0x600 == 0  # neither sparse nor a reparse point
    assert again.read("\\twin.sys") == TEXT[::-1]
    assert again.extents("\\driver.sys")
    assert again._mft.file(after.file_id).first(0x80, STREAM) is None


def test_a_file_kept_in_a_wim_archive_is_refused(volume: NtfsVolume) -> None:
    volume.create("\\file.dll", b"")
    volume.set_reparse("\\file.dll", struct.pack("<IHH", TAG, 40, 0) + struct.pack("<II", 1, 1) + bytes(32))
    with pytest.raises(Refused, match="WIM"):
        volume.open("\\file.dll")


def test_broken_reparse_points_and_streams_are_named(volume: NtfsVolume) -> None:
    volume.create("\\file.dll", TEXT)
    volume.make_hole("\\file.dll", len(TEXT))
    for body in (b"", struct.pack("<IIII", 1, 2, 1, 4), struct.pack("<IIII", 2, 2, 1, 0)):
        volume.set_reparse("\\file.dll", struct.pack("<IHH", TAG, len(body), 0) + body)
        with pytest.raises(ParseError):
            volume.read("\\file.dll")
    volume.set_reparse("\\file.dll", struct.pack("<IHHIIII", TAG, 16, 0, 1, 2, 1, 0))
    with pytest.raises(ParseError, match=STREAM):
        volume.open("\\file.dll")
    volume.add_stream("\\file.dll", STREAM, b"short")
    with pytest.raises(ParseError):
        volume.open("\\file.dll")


def test_damaged_streams_raise_and_never_crash_or_return_too_much(volume: NtfsVolume) -> None:
    """250 seeded mutations of the table and the chunks, through libwim's own decoders."""
    dice = random.Random(11)
    volume.create("\\file.dll", b"x")
    stream = volume._mft.stream(volume._mft.file(volume.stat("\\file.dll").file_id))
    assert stream is not None
    for turn in range(250):
        algorithm = turn % 4
        packed = bytearray(pack(TEXT[:60_000], algorithm))
        for _ in range(dice.randrange(1, 4)):
            packed[dice.randrange(dice.choice((60, len(packed))))] = dice.randrange(256)
        stream.value, stream.size = bytes(packed), len(packed)
        try:
            plain = WofFile(stream, 60_000, algorithm).read(0, 60_000)
        except InputError:
            continue
        assert len(plain) == 60_000
