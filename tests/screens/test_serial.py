"""Serial logs, made here in the form that public documentation gives (see bootmend.screens.serial)."""

from __future__ import annotations

import time
from random import Random

import pytest

from bootmend.screens import Kind, looks_like_serial_log, read_serial_log

GREETING = (
    "\r\nComputer is booting, SAC started and initialized.\r\n\r\n"
    'Use the "ch -?" command for information about using channels.\r\nUse the "?" command for general help.\r\n\r\nSAC>'
)
READY = "\r\nEVENT: The CMD command is now available.\r\nSAC>"
LEAVING = "\r\nEVENT: The CMD command is unavailable.\r\nSAC>"
MENU = (
    "\x1b[2J\x1b[1;1H\x1b[0m\x1b[37;40m\x1b[1;30HWindows Boot Manager"
    "\x1b[3;5HChoose an operating system to start, or press TAB to select a tool:"
    "\x1b[10;5HSeconds until the highlighted choice will be started automatically: 10"
)
ERROR = (
    "\x1b[2J\x1b[1;30HWindows Boot Manager"
    "\x1b[3;1HWindows failed to start. A recent hardware or software change\x1b[4;1Hmight be the cause."
    "\x1b[12;5HFile: \\Windows\\system32\\winload.efi\x1b[14;5HStatus: 0xc0000428"
    "\x1b[16;5HInfo: Windows cannot verify the digital signature for this file."
)


def bug_check(code: int, name: str, *arguments: int, driver: str = "") -> str:
    shown = "\r\n".join(f"0x{argument:016X}" for argument in arguments)
    return (
        '\r\n<?xml?><BP>\r\n<INSTANCE CLASSNAME="BLUESCREEN">\r\n'
        f'<PROPERTY NAME="STOPCODE" TYPE="string"><VALUE>"0x{code:X}"'
        "</VALUE></PROPERTY><machine-info>\r\n<name>lab</name>\r\n<os-build-number>20348</os-build-number>\r\n"
        "</machine-info>\r\n</INSTANCE>\r\n</BP>\r\n!SAC>\r\nYour PC ran into a problem and needs to restart.\r\n"
        f"If you call a support person, give them this info:\r\n{name}\r\n\r\n{driver}\r\n\r\n{shown}\r\n"
    )


def test_the_articles_stop_is_read_with_its_status() -> None:
    log = MENU + GREETING + bug_check(0x5A, "CRITICAL_SERVICE_FAILED", 1, 0xFFFFD80F4BFE7070, 3, 0xFFFFFFFFC0000428)
    told = read_serial_log(log, "log")
    assert (told.kind, told.sure, told.stop, told.stop_name) == (Kind.STOP, True, 0x5A, "CRITICAL_SERVICE_FAILED")
    assert (told.status, told.arguments[0], told.starts) == (0xC0000428, 1, 1)
    assert "BLUESCREEN" in told.evidence


def test_the_driver_named_is_told() -> None:
    told = read_serial_log(bug_check(0xD1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL", 1, 2, 0, 4, driver="myfault.sys"))
    assert (told.stop, told.image, told.status) == (0xD1, "myfault.sys", None)


def test_an_old_stop_line_is_read() -> None:
    log = "\r\n*** STOP: 0x0000007B (0xFFFFF880009A97E8,0xFFFFFFFFC0000034,0x0000000000000000,0x0000000000000000)\r\n"
    told = read_serial_log(log)
    assert (told.kind, told.stop, told.status) == (Kind.STOP, 0x7B, 0xC0000034)


def test_the_boot_managers_error_is_read_through_its_escape_sequences() -> None:
    told = read_serial_log(ERROR)
    assert (told.kind, told.status, told.image) == (Kind.BOOT_MANAGER, 0xC0000428, "\\windows\\system32\\winload.efi")


@pytest.mark.parametrize(
    ("log", "kind"),
    [
        (MENU, Kind.MENU),
        (MENU + GREETING, Kind.STARTING),
        (MENU + GREETING + READY, Kind.RUNNING),
        (MENU + GREETING + READY + LEAVING, Kind.SHUTTING_DOWN),
        (bug_check(0x5A, "CRITICAL_SERVICE_FAILED", 1, 2, 3, 4) + GREETING + READY, Kind.RUNNING),
        (GREETING + READY + ERROR, Kind.BOOT_MANAGER),
        (GREETING + READY + LEAVING + MENU, Kind.MENU),
    ],
)
def test_what_came_last_counts(log: str, kind: Kind) -> None:
    told = read_serial_log(log)
    assert (told.kind, told.sure) == (kind, True)
    assert (told.stop is not None) == (kind is Kind.STOP)
    assert looks_like_serial_log(log)


def test_starts_are_counted() -> None:
    assert read_serial_log((GREETING + bug_check(0x7B, "INACCESSIBLE_BOOT_DEVICE", 1, 2, 3, 4)) * 5).starts == 5


@pytest.mark.parametrize("log", ["", "\x00\x1b[2J", "Linux version 6.1\n[    0.000000] Command line: root=/dev/sda1\n"])
def test_a_log_that_says_nothing_is_unsure(log: str) -> None:
    told = read_serial_log(log)
    assert (told.kind, told.sure, told.line) == (Kind.OTHER, False, 0)
    assert not looks_like_serial_log(log)


def test_a_stop_whose_code_was_cut_off_is_unsure() -> None:
    told = read_serial_log(GREETING + '\r\n<INSTANCE CLASSNAME="BLUESCREEN">\r\n<PROPERTY NAM')
    assert (told.kind, told.sure, told.stop) == (Kind.STOP, False, None)


@pytest.mark.slow
def test_hostile_logs_end_in_bounded_time() -> None:
    random = Random(7)
    pieces = [
        GREETING,
        READY,
        MENU,
        ERROR,
        bug_check(0x5A, "X", 1),
        "\x1b[",
        "\x1b[1;1H",
        "File: \\",
        "Status: 0xc",
        "\\ " * 200,
    ]
    for log in (
        "".join(random.choice(pieces) for _ in range(8000)),
        "Windows Boot Manager\n" * 40_000,
        "*** STOP: 0x0000005A (" * 100_000,
        "\x1b[1;1H" * 600_000,
        "File: \\" + " " * 3_000_000,
        "BLUESCREEN\n" * 100_000,
    ):
        began = time.monotonic()
        read_serial_log(log)
        assert time.monotonic() - began < 20


FATAL = "\r\n*** Fatal System Error: 0x0000007b\r\n         (0xFFFFF880009A97E8,0xFFFFFFFFC0000034,0x0,0x0)\r\n"
CUT = '\r\n<INSTANCE CLASSNAME="BLUESCREEN">\r\n<PROPERTY NAME="STOPCO\r\nSAC>echo\r\nMEMORY_MANAGEMENT\r\n'


@pytest.mark.parametrize("before", ["", GREETING, GREETING + READY])
def test_the_kernels_own_line_is_read(before: str) -> None:
    told = read_serial_log(before + FATAL)
    assert (told.kind, told.sure) == (Kind.STOP, bool(before))
    seen = (told.stop, told.status, told.arguments[:1])
    assert seen == ((0x7B, 0xC0000034, (0xFFFFF880009A97E8,)) if before else (None, None, ()))


@pytest.mark.parametrize(
    ("log", "kind"),
    [
        # Typed at a prompt, or quoted: the machine runs.
        (GREETING + READY + "type notes.txt\r\n*** STOP: 0x0000007B (0x1,0x2,0x3,0x4)\r\nC:\\>", Kind.RUNNING),
        (GREETING + READY + "C:\\>type x\r\nStatus: 0xc000000f\r\nC:\\>", Kind.RUNNING),
        ("# notes\nThe status:\nStatus: 0xc0000428 was seen\n", Kind.OTHER),
        # A new start by the firmware, and one that leads nowhere.
        (GREETING + READY + '\r\nBdsDxe: starting Boot0001 "Windows Boot Manager"\r\n', Kind.STARTING),
        (GREETING + READY + "\r\nBdsDxe: No bootable option or device was found.\r\n", Kind.BIOS),
    ],
)
def test_what_is_only_told_of_is_not_what_happened(log: str, kind: Kind) -> None:
    assert read_serial_log(log).kind is kind


def test_what_follows_a_stop_that_was_cut_off_is_not_its_name() -> None:
    log = (
        GREETING
        + '\r\n<INSTANCE CLASSNAME="BLUESCREEN">\r\n<PROPERTY NAME="STOPCO\r\nSAC>echo\r\nMEMORY_MANAGEMENT\r\n'
    )
    told = read_serial_log(log)
    assert (told.kind, told.sure, told.stop) == (Kind.STOP, False, None)


def test_the_file_of_an_earlier_error_is_not_told() -> None:
    log = "Windows Boot Manager\r\nFile: \\Boot\\BCD\r\nStatus: 0xc000000f\r\nInfo: x\r\nStatus: 0xc0000225\r\n"
    told = read_serial_log(log)
    assert (told.status, told.image) == (0xC0000225, None)


def test_the_firmwares_start_is_told_apart() -> None:
    told = read_serial_log('BdsDxe: loading Boot0001 "Windows Boot Manager"\r\n')
    assert (told.kind, told.detail, told.sure) == (Kind.STARTING, "firmware", True)


@pytest.mark.parametrize(
    "line",
    ["*** STOP: 0x000000", "*** STOP: 0x0000007", "*** STOP: 0x0000007\r\nB (0x1,0x2,0x3,0x4)", "*** STOP: 0xDEADBEEF"],
)
def test_a_number_that_is_cut_off_or_of_no_name_is_no_code(line: str) -> None:
    told = read_serial_log(f"{GREETING}\r\n{line}")
    assert (told.kind, told.sure, told.stop_name) == (Kind.STOP, False, None)


def test_a_stop_code_in_xml_that_is_cut_off_is_none() -> None:
    head = '\r\n<INSTANCE CLASSNAME="BLUESCREEN">\r\n<PROPERTY NAME="STOPCODE" TYPE="string"><VALUE>"0x'
    told = read_serial_log(f"{GREETING}{head}7")
    assert (told.kind, told.sure, told.stop) == (Kind.STOP, False, None)


def test_a_fatal_system_error_without_its_0x_is_read() -> None:
    log = f"{GREETING}\r\nSTOP: c000021a {{Fatal System Error}}\r\nThe initial session process or system process"
    told = read_serial_log(log)
    assert (told.kind, told.sure, told.stop) == (Kind.STOP, True, 0xC000021A)
