"""Damage to partition tables, boot sectors and FAT."""

from __future__ import annotations

import random
from zlib import crc32

from hostile.changes import put, scribble
from hostile.terrain import Strike, Terrain

from bootmend.volumes.fat import FatVolume


def table(ground: Terrain, dice: random.Random) -> Strike:
    """MBR or GPT, primary and backup, the CRCs made right again most of the time."""
    device = ground.device
    first = bytearray(device.read(0, 34 * 512))
    if first[512:520] != b"EFI PART" or dice.random() < 0.3:
        scribble(dice, first, 440, 512)
        return [(0, bytes(first[:512]))]
    where = dice.randrange(3)
    if where == 0:
        put(dice, first, 512 + dice.choice((12, 24, 32, 40, 48, 72, 80, 84)), 4)
    elif where == 1:
        at = 1024 + 128 * dice.randrange(4) + dice.choice((0, 16, 32, 40, 48, 56))
        put(dice, first, at, 8)
    else:
        scribble(dice, first, 512, 1024 + 4 * 128)
    if dice.random() < 0.8:
        first[512 + 88 : 512 + 92] = crc32(first[1024 : 1024 + 128 * 128]).to_bytes(4, "little")
        first[512 + 16 : 512 + 20] = bytes(4)
        first[512 + 16 : 512 + 20] = crc32(first[512 : 512 + 92]).to_bytes(4, "little")
    strike: Strike = [(0, bytes(first))]
    if dice.random() < 0.3:
        last = bytearray(device.read(device.size - 33 * 512, 33 * 512))
        scribble(dice, last, 32 * 512)
        strike.append((device.size - 33 * 512, bytes(last)))
    return strike


def boot(ground: Terrain, dice: random.Random) -> Strike:
    """A boot sector, its geometry above all."""
    part = dice.choice(ground.parts)

    def change(data: bytearray) -> None:
        if dice.random() < 0.7:
            put(dice, data, *dice.choice(((0x0B, 2), (0x0D, 1), (0x28, 8), (0x30, 8), (0x38, 8), (0x40, 1), (0x44, 1))))
        else:
            scribble(dice, data)

    return ground.raw(part, 0, 512, change)


def fat(ground: Terrain, dice: random.Random) -> Strike:
    """Boot sector, FSInfo, table and folders of the EFI system partition (or the boot volume's NTFS instead)."""
    part = ground.system
    if not isinstance(part.volume, FatVolume):
        return ground.raw(part, 0, 512, lambda data: scribble(dice, data))
    reader = part.volume._reader
    geometry = reader.geometry
    kind = dice.randrange(4)
    if kind == 0:
        return ground.raw(part, dice.choice((0, 512, 6 * 512)), 512, lambda data: scribble(dice, data))
    if kind == 1:

        def change_table(data: bytearray) -> None:
            for _ in range(dice.randint(1, 5)):
                put(dice, data, 4 * dice.randrange(40), 4, dice.randrange(40), 0x0FFFFFF7, 0x0FFFFFFF)

        both = ground.raw(part, geometry.table_offset, 512, change_table)
        if dice.random() < 0.7:
            both.append((both[0][0] + geometry.table_size, both[0][1]))
        return both
    folder = dice.choice(("\\", "\\EFI", "\\EFI\\Microsoft", "\\EFI\\Microsoft\\Boot"))
    trail = reader.trail(folder)
    clusters = reader.table.chain(trail[-1].first_cluster, 64)

    def change_folder(data: bytearray) -> None:
        at = 32 * dice.randrange(min(len(data) // 32, 24))
        what = dice.randrange(4)
        if what == 0:
            above = dice.choice(trail).first_cluster
            data[at + 20 : at + 22] = (above >> 16).to_bytes(2, "little")
            data[at + 26 : at + 28] = (above & 0xFFFF).to_bytes(2, "little")
            data[at + 11] |= 0x10
        elif what == 1:
            put(dice, data, at + dice.choice((20, 26)), 2)
        elif what == 2:
            put(dice, data, at + 28, 4)
        else:
            scribble(dice, data, at, at + 64)

    return ground.raw(part, geometry.cluster_offset(clusters[0]), geometry.cluster_size, change_folder)
