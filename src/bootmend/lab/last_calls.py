"""The stack and the registers of a machine that stopped on the way of `kernel_code`, as a processor left them.

They are facts, not constants of ours: an emulator ran that code on page tables like those of the dump, from
KxStartSystemThread to the first instruction of KeBugCheckEx. Its words stand in texts/last_calls.txt, whose head
says how they are made anew; a test runs the emulator again and compares.
"""

from __future__ import annotations

import struct
from functools import cache

from bootmend.lab import texts
from bootmend.lab.crashed_memory import KERNEL, CrashedMemory
from bootmend.lab.kernel_code import BUG_CHECK, kernel_code

KERNEL_BASE = KERNEL + 0x2000000
STACK_TOP, STACK_SIZE = 0xFFFFC7011DC75000, 0x6000
"""A kernel stack as Windows gives it to a thread; it grows down from its top."""
BLOCK = 0xFFFFB00A00000000
"""Where the thread finds its block: a page of its own."""
_NAMES, _TEXTS = 0x40, 0x100
_ROOM = 0x200
"""Bytes that a name may take."""
REGISTERS = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{number}" for number in range(8, 16)))


def block(driver: str, file: str, status: int) -> bytes:
    """What the thread is given: two pointers to UNICODE_STRINGs, the status, and behind them the strings."""
    page = bytearray(struct.pack("<QQI", BLOCK + _NAMES, BLOCK + _NAMES + 0x20, status)).ljust(0x1000, b"\0")
    for number, text in enumerate((driver, file)):
        raw = text.encode("utf-16-le")[: _ROOM - 2]
        at = _TEXTS + number * _ROOM
        struct.pack_into("<HHIQ", page, _NAMES + number * 0x20, len(raw), len(raw) + 2, 0, BLOCK + at)
        page[at : at + len(raw)] = raw
    return bytes(page)


def arguments(status: int) -> tuple[int, int, int, int]:
    """What KeBugCheckEx was told, behind the stop code: the names by their addresses."""
    return 1, BLOCK + _NAMES, BLOCK + _NAMES + 0x20, status | 0xFFFFFFFF_00000000


@cache
def left_behind() -> tuple[tuple[int, ...], dict[int, int]]:
    """The registers in the order of REGISTERS, and the words of the stack that are not 0, by address."""
    registers: dict[str, int] = {}
    words: dict[int, int] = {}
    for what, value in texts.rows("last_calls"):
        if what in REGISTERS:
            registers[what] = int(value, 16)
        else:
            words[int(what, 16)] = int(value, 16)
    return tuple(registers[name] for name in REGISTERS), words


def stopped_at() -> int:
    """The address of the instruction that would have been next."""
    return KERNEL_BASE + kernel_code().entries[BUG_CHECK]


def put_stack(memory: CrashedMemory) -> None:
    """The whole stack of the thread, with the words that its calls left on it."""
    stack = bytearray(STACK_SIZE)
    low = STACK_TOP - STACK_SIZE
    for address, word in left_behind()[1].items():
        struct.pack_into("<Q", stack, address - low, word)
    memory.write(low, bytes(stack))
