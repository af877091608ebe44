"""The logs of a machine that was in use: event logs, the log of driver installations, the log of servicing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from string import Template

from bootmend.formats.filetime import filetime_of
from bootmend.lab import texts
from bootmend.lab.blueprint import Blueprint
from bootmend.lab.event_log import LabEvent, new_log

LOGS = "\\Windows\\System32\\winevt\\Logs"
CODE_INTEGRITY = "Microsoft-Windows-CodeIntegrity%4Operational"
COMPUTER = "WIN-LAB"
_CHUNKS = {"System": 4}
"""Room in 64 KiB; a log that Windows has just made has one chunk."""


def log_files(blueprint: Blueprint) -> Iterator[tuple[str, bytes]]:
    """Paths and contents."""
    build = blueprint.build
    words = {"build_number": str(build.number), "revision": str(build.revision), "product_name": build.product}
    held: dict[str, list[LabEvent]] = {}
    for log, when, provider, number, level, data in texts.rows("events"):
        filled = Template(data).substitute(words)
        event = LabEvent(at(when), provider, int(number), dict(_pairs(filled)), int(level), log)
        held.setdefault(log, []).append(event)
    for log, events in held.items():
        yield f"{LOGS}\\{log}.evtx", new_log(events, COMPUTER, _CHUNKS.get(log, 1))
    yield "\\Windows\\INF\\setupapi.dev.log", _lines(texts.source("setupapi").splitlines())
    yield "\\Windows\\Logs\\CBS\\CBS.log", _lines(texts.source("servicing_log").splitlines())


def at(when: str) -> int:
    """FILETIME of "2024-02-18 18:57:44", UTC."""
    return filetime_of(datetime.fromisoformat(when).replace(tzinfo=UTC))


def _pairs(data: str) -> Iterator[tuple[str, str]]:
    for part in data.split("; ") if data else []:
        name, _, value = part.partition("=")
        yield name, value


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def refused(when: str, number: int, image: str) -> LabEvent:
    """An event of code integrity's log about a driver; `image` is its path on the Windows volume."""
    path = f"\\Device\\HarddiskVolume3{image}"
    data = {"FileNameLength": str(len(path)), "FileNameBuffer": path}
    return LabEvent(at(when), "Microsoft-Windows-CodeIntegrity", number, data, 2, CODE_INTEGRITY)


def crashed(when: str, stop: int, status: int) -> list[LabEvent]:
    """What the System log gets at the first start that succeeds after a stop."""
    code = f"0x{stop:08x} (0x0000000000000003, 0xffffd10a5c1f7650, 0xffffd10a5c1f7a10, 0xffffffff{status:08x})"
    power = {"BugcheckCode": str(stop), "BugcheckParameter1": "0x3", "BugcheckParameter4": f"0xffffffff{status:08x}"}
    return [
        LabEvent(at(when), "EventLog", 6008, {"1": "18:59:12", "2": "2/18/2024"}, 2),
        LabEvent(at(when), "EventLog", 6005, {"1": ""}),
        LabEvent(at(when), "Microsoft-Windows-Kernel-Power", 41, power, 1),
        LabEvent(at(when), "Microsoft-Windows-WER-SystemErrorReporting", 1001, {"param1": code}, 2),
    ]
