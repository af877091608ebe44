"""A FAT file that says it is huge: refused by its size, before its chain is followed."""

from __future__ import annotations

from pathlib import Path

import pytest
from fat_images import make_fat

from bootmend.disk.device import Metered
from bootmend.errors import InputError, ParseError
from bootmend.volumes.fat import FatVolume


def test_a_file_larger_than_asked_for_costs_no_walk_through_its_chain(tmp_path: Path) -> None:
    with make_fat(tmp_path, 32, 64, "-s", "1") as device:
        volume = FatVolume(device, "ESP")
        volume.create("\\BCD", bytes(8 << 20))
        record = volume._reader.find("\\BCD")
        slot = device.read(volume._reader.geometry.data_offset, 4096).index(b"BCD        ")
        device.write(volume._reader.geometry.data_offset + slot + 28, (0xFFFFFFFF).to_bytes(4, "little"))
        assert record.size == 8 << 20

        metered = Metered(device)
        again = FatVolume(metered, "ESP")
        before = metered.bytes_read
        with pytest.raises(InputError, match="4294967295 bytes are more"):
            again.read("\\BCD", 1 << 20)
        assert metered.bytes_read - before < 16 << 10
        with pytest.raises(ParseError, match="a chain of"):
            again.open("\\BCD").read(0, 1)
