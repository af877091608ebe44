"""Damage to what stands in files: hives and single values, the BCD store, catalogs, drivers."""

from __future__ import annotations

import random

from hostile.changes import put, scribble
from hostile.terrain import CONFIG, HIVES, Strike, Terrain, store_path

from bootmend.formats.hive.baseblock import checksum

VALUES = (
    *(b"Current", b"Start", b"Type", b"ErrorControl", b"Tag", b"Group", b"ImagePath", b"List", b"UBR", b"CurrentBuild"),
    *(b"CurrentBuildNumber", b"ProductName", b"ComputerName", b"PROCESSOR_ARCHITECTURE"),
)
"""Names of values that rules and reports read."""


def break_hive(dice: random.Random, data: bytearray) -> None:
    """Cells, lists and bins; the base block's checksum is right again most of the time."""
    if data[:4] != b"regf" or len(data) < 8192:
        scribble(dice, data)
        return
    for _ in range(dice.randint(1, 6)):
        kind = dice.randrange(8)
        if kind == 0:
            put(dice, data, dice.choice((4, 8, 12, 20, 24, 28, 36, 40)), 4)
        elif kind == 1:
            page = 4096 * dice.randrange(1, len(data) // 4096)
            put(dice, data, page + dice.choice((0, 4, 8)), 4)
        else:
            mark = dice.choice((b"nk", b"nk", b"vk", b"vk", b"lf", b"lh", b"li", b"ri", b"sk", b"db"))
            start = dice.randrange(4096, len(data))
            at = data.find(mark, start)
            at = at if at >= 0 else data.find(mark, 4096)
            if at < 0 or at + 80 > len(data):
                continue
            if kind == 2:
                put(dice, data, at - 4, 4)
            elif kind == 3:
                put(dice, data, at + 4 * dice.randrange(1, 19), 4)
            elif kind == 4:
                other = data.find(dice.choice((b"nk", b"lh", b"vk")), dice.randrange(4096, len(data)))
                put(dice, data, at + 4 * dice.randrange(1, 12), 4, max(other - 4096 - 4, 0))
            elif kind == 5:
                put(dice, data, at + 2, 2)
            else:
                scribble(dice, data, at, at + 96)
    if dice.random() < 0.85:
        data[508:512] = checksum(bytes(data[:512])).to_bytes(4, "little")


def hives(ground: Terrain, dice: random.Random) -> Strike:
    names = [
        f"{CONFIG}\\{name}"
        for name in ("SYSTEM", "SYSTEM", *HIVES)
        if ground.windows.volume.exists(f"{CONFIG}\\{name}")
    ]
    return ground.rewrite(ground.windows, dice.choice(names), lambda data: break_hive(dice, data))


def values(ground: Terrain, dice: random.Random) -> Strike:
    """Values that rules read, with types and lengths they should not have; the hive around them stays sound."""
    name = dice.choice(("SYSTEM", "SYSTEM", "SOFTWARE"))
    wanted = dice.choice(VALUES)

    def change(data: bytearray) -> None:
        places = []
        at = data.find(wanted)
        while at >= 0:
            if data[at - 20 : at - 18] == b"vk" and int.from_bytes(data[at - 18 : at - 16], "little") == len(wanted):
                places.append(at - 20)
            at = data.find(wanted, at + 1)
        if not places:
            return
        at = dice.choice(places)
        kind = dice.randrange(4)
        if kind == 0:
            size = dice.choice((0, 1, 2, 3, 4, 5, 8, 9)) | dice.choice((0, 0x80000000))
            data[at + 4 : at + 8] = size.to_bytes(4, "little")
        elif kind == 1:
            put(dice, data, at + 8, 4)
        elif kind == 2:
            data[at + 12 : at + 16] = dice.choice((0, 1, 2, 3, 4, 5, 7, 11, 99)).to_bytes(4, "little")
        else:
            where = 4096 + int.from_bytes(data[at + 8 : at + 12], "little") + 4
            length = int.from_bytes(data[at + 4 : at + 8], "little")
            if length < 1 << 20 and where + length <= len(data):
                filling = dice.choice(
                    (b"\x00\xd8", b"9\0", b"[\0/\0", b"\\\0", b".\0.\0\\\0", b"\x1b\0[\0", b"\n\0", b"%\0", b"\xff\xff")
                )
                data[where : where + length] = (filling * length)[:length]

    return ground.rewrite(ground.windows, f"{CONFIG}\\{name}", change)


def store(ground: Terrain, dice: random.Random) -> Strike:
    """The BCD store, on whichever file system it lies."""
    return ground.rewrite(ground.system, store_path(ground.system), lambda data: break_hive(dice, data))


def catalogs(ground: Terrain, dice: random.Random) -> Strike:
    """Catalogs, several at once: their heads, members and signatures."""
    strike: Strike = []

    def change(data: bytearray) -> None:
        region = dice.randrange(3)
        low, high = ((0, 400), (0, len(data)), (max(0, len(data) - 6000), len(data)))[region]
        scribble(dice, data, low, high)

    for path in dice.sample(ground.catalogs, min(len(ground.catalogs), dice.choice((1, 5, 40)))):
        strike += ground.rewrite(ground.windows, path, change)
    return strike


def drivers(ground: Terrain, dice: random.Random) -> Strike:
    """PE headers, section tables, certificate tables."""
    strike: Strike = []

    def change(data: bytearray) -> None:
        pe = int.from_bytes(data[0x3C:0x40], "little")
        if pe + 0x200 > len(data):
            scribble(dice, data)
            return
        kind = dice.randrange(5)
        if kind == 0:
            put(dice, data, 0x3C, 4)
        elif kind == 1:
            put(dice, data, pe + dice.choice((4, 6, 20, 22)), 2)
        elif kind == 2:
            put(dice, data, pe + 24 + dice.choice((0, 16, 32, 56, 60, 64, 68, 108)), 4)
        elif kind == 3:
            put(dice, data, pe + 24 + 112 + 8 * dice.randrange(6) + dice.choice((0, 4)), 4)
        else:
            table = int.from_bytes(data[pe + 24 + 112 + 32 : pe + 24 + 112 + 36], "little")
            low = table if 0 < table < len(data) - 64 else pe
            scribble(dice, data, low, low + dice.choice((16, 200, 4000)))

    for path in dice.sample(ground.drivers, min(len(ground.drivers), dice.choice((1, 3, 10)))):
        strike += ground.rewrite(ground.windows, path, change)
    return strike
