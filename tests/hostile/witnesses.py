"""Damage to what machines wrote about themselves: event logs, chunk by chunk, and the texts beside them."""

from __future__ import annotations

import random
from zlib import crc32

from hostile.changes import put, scribble
from hostile.terrain import Strike, Terrain

LOGS = "\\Windows\\System32\\winevt\\Logs"
TEXTS = (
    "\\Windows\\INF\\setupapi.dev.log",
    "\\Windows\\Logs\\CBS\\CBS.log",
    "\\Windows\\ntbtlog.txt",
    "\\Windows\\System32\\LogFiles\\Srt\\SrtTrail.txt",
)
HEADER, CHUNK, EVENTS = 4096, 65536, 512


def event_logs(ground: Terrain, dice: random.Random) -> Strike:
    volume = ground.windows.volume
    logs = [f"{LOGS}\\{one.name}" for one in volume.listdir(LOGS) if one.name.lower().endswith(".evtx")]
    texts = [path for path in TEXTS if volume.exists(path)]
    path = dice.choice(texts) if texts and dice.random() < 0.2 else dice.choice(logs)
    change = break_log if path.endswith(".evtx") else scribble
    return ground.rewrite(ground.windows, path, lambda data: change(dice, data))


def break_log(dice: random.Random, data: bytearray) -> None:
    """The header, or a few chunks: cut, wiped, or changed inside; checksums are right again most of the time."""
    chunks = max((len(data) - HEADER) // CHUNK, 0)
    if dice.random() < 0.15 or not chunks:
        put(dice, data, dice.choice((8, 16, 24, 32, 36, 38, 40, 42)), dice.choice((2, 8)))
        data[124:128] = crc32(data[:120]).to_bytes(4, "little")
        return
    for _ in range(dice.randint(1, 3)):
        at = HEADER + CHUNK * dice.randrange(chunks)
        kind = dice.randrange(6)
        if kind == 0:  # cut: the rest of the file was never written
            cut = dice.randrange(at, at + CHUNK)
            data[cut:] = bytes(len(data) - cut)
        elif kind == 1:
            data[at : at + CHUNK] = dice.choice((bytes(CHUNK), dice.randbytes(CHUNK), data[HEADER : HEADER + CHUNK]))
        elif kind == 2:
            put(dice, data, at + dice.choice((8, 16, 24, 32, 40, 44, 48)), dice.choice((4, 8)))
        elif kind == 3:  # the tables of strings and templates
            put(dice, data, at + 128 + 4 * dice.randrange(96), 4)
        else:
            _break_record(dice, data, at)
        if dice.random() < 0.8:
            _sealed(data, at)


def _break_record(dice: random.Random, data: bytearray, at: int) -> None:
    """One event: its size, number and time, or the binary XML behind them."""
    places: list[int] = []
    place = data.find(b"**\0\0", at + EVENTS, at + CHUNK)
    while place >= 0 and len(places) < 500:
        places.append(place)
        place = data.find(b"**\0\0", place + 4, at + CHUNK)
    if not places:
        return
    record = dice.choice(places)
    if dice.random() < 0.4:
        put(dice, data, record + dice.choice((4, 8, 16)), dice.choice((4, 8)))
    else:
        scribble(dice, data, record + 24, min(record + 600, at + CHUNK))


def _sealed(data: bytearray, at: int) -> None:
    """The two checksums of a chunk: of its events, and of its head."""
    free = min(max(int.from_bytes(data[at + 48 : at + 52], "little"), EVENTS), CHUNK)
    data[at + 52 : at + 56] = crc32(data[at + EVENTS : at + free]).to_bytes(4, "little")
    head = bytes(data[at : at + 120]) + bytes(data[at + 128 : at + EVENTS])
    data[at + 124 : at + 128] = crc32(head).to_bytes(4, "little")
