"""What a machine said on its serial port: the boot manager over EMS, the kernel's console (SAC), a stop code.

A boot-diagnostics log holds several starts, one behind the other, in the order of time. What came last tells
how far the newest start got; a stop code or a boot manager's error before it belongs to an earlier one.

Sources of the texts: Microsoft, "Azure Serial Console for Windows"; cloud-hypervisor, docs/windows.md (the
console's greeting); Amazon EC2, "Special Admin Console" (what reaches a log, escape sequences included);
ReactOS, drivers/sac (the machine-info element); Wikipedia, "Emergency Management Services" (in-band XML: a
bug check is an INSTANCE of CLASSNAME "BLUESCREEN").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bootmend.dumps.bugchecks import plain_code
from bootmend.dumps.verdict import EXCEPTION_CODES, STATUS_ARGUMENT
from bootmend.screens.codes import named, shown_name
from bootmend.screens.phrases import what_screen
from bootmend.screens.screen import Kind, SerialVerdict

MAX_CHARACTERS = 4 << 20
"""Only the newest part of a longer log is read."""
LONGEST_LINE = 1000
BEHIND = 24
"""Lines behind the announcement of a stop in which its name, driver and arguments stand."""

_MOVE = re.compile(r"\x1b\[[0-9;]*[Hf]")
"""The boot manager paints its screen: every move of the cursor begins a new piece of text."""
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[@-~]|[@-_])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SIGNS = re.compile(
    r"!?SAC>|Computer is booting, SAC started|EVENT: The CMD command|<INSTANCE CLASSNAME=\"BLUESCREEN\"|<machine-info>|"
    r"Windows Boot Manager$|Status: 0x[cC][0-9a-fA-F]{7}|\*\*\* STOP: 0x"
)
"""What begins a line of such a log."""

_STATUS = re.compile(r"(?:Status|Error code|상태|오류 코드)\s*:\s*(0x[cC][0-9a-fA-F]{7})")
_FILE = re.compile(r"(?:File|파일)\s*:\s*(\\\S.*?)\s*$")
_STOP = re.compile(r"\*\*\* STOP: (0x[0-9A-Fa-f]{8})(?: \(([^)]*)\))?")
_STOPCODE = re.compile(r'NAME="STOPCODE"[^>]*>\s*<VALUE>"?(0x[0-9A-Fa-f]{1,8})')
_ARGUMENT = re.compile(r"0x[0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{8})?")
_DRIVER = re.compile(r"[\w.$~-]{1,60}\.(?:sys|exe|dll)", re.IGNORECASE)

_STATES = (
    (re.compile(r"SAC started and initialized"), Kind.STARTING, True),
    (re.compile(r"The CMD command is now available"), Kind.RUNNING, False),
    (
        re.compile(r"The CMD command is unavailable|SAC will become unavailable|SAC is unavailable"),
        Kind.SHUTTING_DOWN,
        False,
    ),
)
"""A line of the console, what it makes the machine, and whether it begins a start."""


@dataclass(slots=True)
class _Event:
    kind: Kind
    line: int
    text: str
    stop: int | None = None
    status: int | None = None
    image: str | None = None
    arguments: tuple[int, ...] = ()
    detail: str | None = None
    starts: bool = False


def looks_like_serial_log(text: str) -> bool:
    """Whether a text holds something that only a Windows machine's serial port says."""
    return any(_SIGNS.match(line) for line in _plain(text))


def read_serial_log(text: str, name: str = "serial log") -> SerialVerdict:
    """How far the newest start in the log got, and what stopped it."""
    lines = _plain(text)
    events = list(_events(lines))
    starts = sum(event.starts for event in events)
    if not events:
        return SerialVerdict(name, Kind.OTHER, sure=False)
    last = events[-1]
    verdict = SerialVerdict(
        name,
        last.kind,
        sure=True,
        stop=last.stop,
        stop_name=None if last.stop is None else shown_name(last.stop),
        status=last.status,
        image=last.image,
        arguments=last.arguments,
        detail=last.detail,
        starts=starts,
        line=last.line,
        evidence=last.text,
    )
    unread = last.kind is Kind.STOP and last.stop is None
    return replace(verdict, sure=False) if unread else verdict


def _plain(text: str) -> list[str]:
    """The lines without the terminal's escape sequences."""
    whole = _ESCAPE.sub("", _MOVE.sub("\n", text[-MAX_CHARACTERS:].replace("\r\n", "\n").replace("\r", "\n")))
    return [line.strip()[:LONGEST_LINE] for line in whole.split("\n")]


def _events(lines: Sequence[str]) -> Iterator[_Event]:
    stopped = None
    for at, line in enumerate(lines):
        for pattern, kind, starts in _STATES:
            if pattern.search(line):
                stopped = None
                yield _Event(kind, at + 1, line, starts=starts)
        if "BLUESCREEN" in line or _STOP.search(line):
            event = _stop(lines, at)
            # The XML, the name and the old *** STOP line of one bug check are one event.
            if stopped is None or (event.stop is not None and event.stop != stopped):
                stopped = event.stop
                yield event
        elif status := _STATUS.search(line):
            stopped = None
            yield _Event(Kind.BOOT_MANAGER, at + 1, line, status=int(status[1], 16), image=_file_near(lines, at))
        elif (
            "Windows Boot Manager" in line
            or "An operating system" in line
            or "BOOTMGR" in line
            or "No operating" in line
        ):
            shown = what_screen([one for one in lines[at : at + BEHIND] if one])
            if shown and shown.kind in (Kind.MENU, Kind.BIOS):
                stopped = None
                yield _Event(shown.kind, at + 1, line, detail=shown.detail)


def _stop(lines: Sequence[str], at: int) -> _Event:
    """The bug check announced on a line: its code from the XML or the STOP line, else its name below."""
    near = [line for line in lines[at : at + BEHIND] if line]
    whole = "\n".join(near)
    old, coded = _STOP.search(whole), _STOPCODE.search(whole)
    number = int((old or coded)[1], 16) if old or coded else None  # type: ignore[index]
    if number is None:
        number = next((code for line in near if (code := named(line)) is not None), None)
    alone = [int(line, 16) for line in near if _ARGUMENT.fullmatch(line)]
    arguments = [int(word, 16) for word in _ARGUMENT.findall(old[2] or "")] if old else alone
    given = tuple(arguments[:4]) if len(arguments) >= 4 else ()
    driver = next((found[0] for line in near if (found := _DRIVER.fullmatch(line))), None)
    stop = None if number is None else plain_code(number)
    event = _Event(Kind.STOP, at + 1, lines[at], stop, image=driver.lower() if driver else None, arguments=given)
    where = None if stop is None else STATUS_ARGUMENT.get(stop, 0 if stop in EXCEPTION_CODES else None)
    if given and where is not None and (given[where] & 0xFFFFFFFF) >> 28 == 0xC:
        event.status = given[where] & 0xFFFFFFFF
    return event


def _file_near(lines: Sequence[str], at: int) -> str | None:
    """The boot manager's `File:` stands some lines above its `Status:`."""
    for line in reversed(lines[max(0, at - 8) : at + 1]):
        found = _FILE.search(line)
        if found:
            return found[1].lower()
    return None
