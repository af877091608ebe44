"""The nouns: which screen it is, and what is written on it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    STOP = "stop"
    """The blue, black or green screen of a bug check."""
    BOOT_MANAGER = "boot_manager"
    """Windows Boot Manager says why it could not load the next file."""
    RECOVERY = "recovery"
    """The blue screen of the boot manager: the PC needs to be repaired, or BitLocker wants its key."""
    BIOS = "bios"
    """Text of the firmware or a boot sector: nothing to boot from was found."""
    MENU = "menu"
    """A choice of operating systems or start options."""
    GETTING_READY = "getting_ready"
    UPDATING = "updating"
    """Updates are installed or taken back."""
    WINRE = "winre"
    """The recovery environment."""
    SETUP = "setup"
    """Windows Setup, on its way or failed."""
    STUCK = "stuck"
    """It only says to wait. Whether it is stuck is told by a second look later, never by one."""
    LOGO = "logo"
    """A logo, with or without its spinner, and no text."""
    BLACK = "black"
    """Nothing, but perhaps a pointer or a cursor."""
    OTHER = "other"
    """Something else: `detail` says sign_in or desktop where that is seen."""
    STARTING = "starting"
    """Serial logs only: the kernel runs, its services not yet."""
    RUNNING = "running"
    """Serial logs only: services run (the console offers its command prompt)."""
    SHUTTING_DOWN = "shutting_down"
    """Serial logs only."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What a picture shows. None stands for what is not on it or could not be read beyond doubt."""

    name: str
    """The picture, as its giver calls it."""
    kind: Kind
    sure: bool
    """Kind and code are certain. False: the kind is a guess (`other`: no idea), or a code is there but not readable."""
    stop: int | None = None
    """The stop code, such as 0x5A."""
    stop_name: str | None = None
    status: int | None = None
    """The NTSTATUS shown, such as 0xC0000428."""
    image: str | None = None
    """The file shown: what failed, or what the boot manager could not load. In lower case."""
    language: str | None = None
    """Such as en or ko; None where nothing tells it."""
    detail: str | None = None
    """Which screen of its kind, such as bitlocker, bootmgr_missing, sign_in."""
    percent: int | None = None
    text: tuple[str, ...] = ()
    """The lines as they were read, misreadings included."""


@dataclass(frozen=True, slots=True)
class SerialVerdict:
    """What a serial log tells of the newest start in it. None stands for what it does not tell."""

    name: str
    kind: Kind
    sure: bool
    """False: nothing in it says how far the machine came."""
    stop: int | None = None
    stop_name: str | None = None
    status: int | None = None
    """The boot manager's NTSTATUS, or the one among the stop code's arguments."""
    image: str | None = None
    """The file named beside the status or the stop code."""
    arguments: tuple[int, ...] = ()
    """The four arguments of the stop code, where they are shown."""
    detail: str | None = None
    starts: int = 0
    """How often the kernel's console started, in the whole log: many in a short log are a boot loop."""
    line: int = 0
    """The line of the log that told, from 1; 0 where none did."""
    evidence: str = ""
    """That line."""
