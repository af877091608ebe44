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
from dataclasses import dataclass

from bootmend.dumps.bugchecks import plain_code
from bootmend.dumps.verdict import EXCEPTION_CODES, STATUS_ARGUMENT
from bootmend.screens.codes import named, shown_name
from bootmend.screens.phrases import what_screen
from bootmend.screens.screen import Kind, SerialVerdict

MAX_CHARACTERS = 4 << 20
"""Only the newest part of a longer log is read."""
LONGEST_LINE = 1000
MANY = 100
"""So many times a screen that may be a menu is looked at."""
BEHIND = 24
"""Lines behind the announcement of a stop in which its name, driver and arguments stand."""

_MOVE = re.compile(r"\x1b\[[0-9;]*[Hf]")
"""The boot manager paints its screen: every move of the cursor begins a new piece of text."""
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[@-~]|[@-_])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SIGNS = re.compile(
    r"!?SAC>|Computer is booting, SAC started|EVENT: The CMD command|<INSTANCE CLASSNAME=\"BLUESCREEN\"|<machine-info>|"
    r"Windows Boot Manager$|Windows 부팅 관리자$|Status: 0x[cC][0-9a-fA-F]{7}|\*\*\*\s*STOP:\s*0x|"
    r"\*\*\* Fatal System Error: 0x|BdsDxe: "
)
"""What begins a line of such a log."""
_MACHINES = re.compile(
    r"SAC>|SAC started|EVENT: The CMD command|<INSTANCE |<machine-info>|Windows Boot Manager$|BdsDxe: |"
    r"\*\*\*\s*STOP:\s*0x[0-9A-Fa-f]{8} \((?:0x[0-9A-Fa-f]{8,16},? ?){4}\)"
)
"""What a text that is only about machines does not hold."""

_STATUS = re.compile(r"(?:Status|Error code|상태|오류 코드)\s*:\s*(0x[cC][0-9a-fA-F]{7})")
_FILE = re.compile(r"(?:File|파일)\s*:\s*(\\\S.*?)\s*$")
_BESIDE = re.compile(r"(?:File|Info|파일|정보)\s*:")
_HEAD = re.compile(r"Windows Boot Manager|Windows failed to start|Windows 부팅 관리자|Recovery$")
"""What stands near the boot manager's status, and above it."""
_NEAR = 12
"""Lines."""
_FATAL = r"^STOP:\s*([cC]0[0-9A-Fa-f]{6})\s*\{"
"""An NTSTATUS in the place of a stop code, without 0x."""
_STOP = re.compile(
    r"\*\*\*\s*(?:STOP|Fatal System Error):\s*(0x(?:[0-9A-Fa-f]{8}(?![0-9A-Fa-f])|[0-9A-Fa-f]{1,7}(?=\s*\()))"
    r"(?:\s*\(([^)]*)\))?|" + _FATAL,
    re.MULTILINE,
)
"""A number that is cut off is none: the kernel prints eight digits, or parameters behind fewer."""
_STOPPED = re.compile(r'CLASSNAME="BLUESCREEN"|^\*\*\*\s*STOP:\s*0x|^\*\*\* Fatal System Error: 0x|' + _FATAL)
_PROMPT = re.compile(r"(?<!!)SAC>|^[A-Za-z]:\\[^>]{0,200}>")
"""Somebody types: the machine runs, and what stands before is quoted or older. A stopped one's prompt is `!SAC>`."""
_STOPCODE = re.compile(r'NAME="STOPCODE"[^>]*>\s*<VALUE>"?(0x[0-9A-Fa-f]{1,8})["<]')
_ARGUMENT = re.compile(r"0x[0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{8})?")
_DRIVER = re.compile(r"[\w.$~-]{1,60}\.(?:sys|exe|dll)", re.IGNORECASE)

_STARTED = "SAC started and initialized"
_STATES = {
    _STARTED: Kind.STARTING,
    "The CMD command is now available": Kind.RUNNING,
    "The CMD command is unavailable": Kind.SHUTTING_DOWN,
    "SAC will become unavailable": Kind.SHUTTING_DOWN,
    "SAC is unavailable": Kind.SHUTTING_DOWN,
    "BdsDxe: loading Boot": Kind.STARTING,
    "BdsDxe: starting Boot": Kind.STARTING,
    "BdsDxe: No bootable option": Kind.BIOS,
}
"""What the kernel's console says, and what that makes the machine."""
_FIRMWARES = {Kind.STARTING: "firmware", Kind.BIOS: "no_operating_system"}
"""What the firmware says of its way to a boot loader."""
_SHOWN = ("Windows Boot Manager", "An operating system", "BOOTMGR", "No operating system", "Windows 부팅 관리자")
"""What begins a screen of the boot manager or the firmware."""


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


def looks_like_serial_log(text: str) -> bool:
    """Whether a text holds something that only a Windows machine's serial port says."""
    return any(_SIGNS.match(line) for line in _plain(text))


def read_serial_log(text: str, name: str = "serial log") -> SerialVerdict:
    """How far the newest start in the log got, and what stopped it."""
    lines = _plain(text)
    last = next(_events(lines), None)
    if last is None:
        return SerialVerdict(name, Kind.OTHER, sure=False)
    stop_name = None if last.stop is None else shown_name(last.stop)
    return SerialVerdict(
        name,
        last.kind,
        sure=last.kind is not Kind.STOP or bool(stop_name),
        stop=last.stop,
        stop_name=stop_name,
        status=last.status,
        image=last.image,
        arguments=last.arguments,
        detail=last.detail,
        starts=sum(_STARTED in line for line in lines),
        line=last.line,
        evidence=last.text,
    )


def _plain(text: str) -> list[str]:
    """The lines without the terminal's escape sequences."""
    whole = _ESCAPE.sub("", _MOVE.sub("\n", text[-MAX_CHARACTERS:].replace("\r\n", "\n").replace("\r", "\n")))
    return [line.strip()[:LONGEST_LINE] for line in whole.split("\n")]


def _events(lines: Sequence[str]) -> Iterator[_Event]:
    """What the lines tell, the newest first."""
    doubtful = 0
    for at in range(len(lines) - 1, -1, -1):
        line = lines[at]
        state = next((kind for sign, kind in _STATES.items() if sign in line), None)
        if state:
            yield _Event(state, at + 1, line, detail=_FIRMWARES.get(state) if "BdsDxe" in line else None)
        elif _STOPPED.search(line):
            event = _stop(lines, at)
            if "BLUESCREEN" in line or not any(_PROMPT.search(later) for later in lines[at + 1 :]):
                known = "BLUESCREEN" in line or any(map(_MACHINES.search, lines))
                yield event if known else _Event(Kind.STOP, at + 1, line)
        elif (status := _STATUS.match(line)) and _at_boot(lines, at):
            yield _Event(Kind.BOOT_MANAGER, at + 1, line, status=int(status[1], 16), image=_file_near(lines, at))
        elif doubtful < MANY and any(sign in line for sign in _SHOWN):
            doubtful += 1
            shown = what_screen([one for one in lines[at : at + BEHIND] if one])
            if shown and shown.kind in (Kind.MENU, Kind.BIOS):
                yield _Event(shown.kind, at + 1, line, detail=shown.detail)


def _stop(lines: Sequence[str], at: int) -> _Event:
    """The bug check announced on a line: its code from the XML or the STOP line, else its name below."""
    near = list(_of_the_stop(lines[at : at + BEHIND]))
    whole = "\n".join(near)
    old, coded = _STOP.search(whole), _STOPCODE.search(whole)
    told = (old[1] or old[3]) if old else coded[1] if coded else None
    number = int(told, 16) if told else None
    if number is None:
        number = next((code for line in near if (code := named(line)) is not None), None)
    alone = [int(line, 16) for line in near if _ARGUMENT.fullmatch(line)]
    arguments = [int(word, 16) for word in re.findall(r"0x[0-9A-Fa-f]{1,16}", old[2] or "")] if old else alone
    given = tuple(arguments[:4]) if len(arguments) >= 4 else ()
    driver = next((found[0] for line in near if (found := _DRIVER.fullmatch(line))), None)
    stop = None if number is None else plain_code(number)
    event = _Event(Kind.STOP, at + 1, lines[at], stop, image=driver.lower() if driver else None, arguments=given)
    where = None if stop is None else STATUS_ARGUMENT.get(stop, 0 if stop in EXCEPTION_CODES else None)
    if given and where is not None and (given[where] & 0xFFFFFFFF) >> 28 == 0xC:
        event.status = given[where] & 0xFFFFFFFF
    return event


def _of_the_stop(lines: Sequence[str]) -> Iterator[str]:
    """The announcement and what belongs to it: up to a prompt or the next start."""
    for number, line in enumerate(lines):
        if number and (_PROMPT.search(line) or any(sign in line for sign in (_STARTED, "BdsDxe: ", *_SHOWN))):
            return
        if line:
            yield line


def _at_boot(lines: Sequence[str], at: int) -> bool:
    """Whether a status is the boot manager's: other parts of it stand near, and nobody typed it."""
    first = max(0, at - _NEAR)
    head = next((one for one in range(at, first - 1, -1) if _HEAD.search(lines[one])), None)
    beside = head is not None or any(map(_BESIDE.match, lines[first : at + _NEAR]))
    return beside and not any(map(_PROMPT.search, lines[first if head is None else head : at + 1]))


def _file_near(lines: Sequence[str], at: int) -> str | None:
    """The boot manager's `File:` stands some lines above its `Status:`."""
    for back, line in enumerate(reversed(lines[max(0, at - 8) : at + 1])):
        if back and _STATUS.match(line):
            return None
        found = _FILE.match(line)
        if found:
            return found[1].lower()
    return None
