"""What a bundle for a support engineer holds: what was found, and what a second look would want to see.

    report.*, result.json     the diagnosis           boot/      BCD stores, raw and listed
    drivers.json              the signature audit     registry/  the keys that bear on the boot, as .reg files
    disk.json                 partitions and volumes  logs/      event logs, and the ends of text logs
                                                      dump/      of the newest crash dump what was asked for

Never in it: SAM, SECURITY and other hives as files, LSA's keys, anything of users' folders. Names inside the bundle
are our own: nothing that stands on the disk becomes a path.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

from bootmend import __version__
from bootmend.commands.bcdedit.listing import Listing, chosen
from bootmend.commands.bcdedit.partitions import Partitions
from bootmend.commands.reg.names import LOCAL_MACHINE, KeyName
from bootmend.commands.reg.regexport import reg_file
from bootmend.disk.device import BlockDevice
from bootmend.errors import InputError, Missing, ParseError, Refused
from bootmend.formats.bcd import Store
from bootmend.formats.hive import Hive
from bootmend.repair import Diagnosis
from bootmend.reports import document, drivers
from bootmend.reports.bundle import MOST, Bundle
from bootmend.reports.page import html
from bootmend.reports.result_file import Node
from bootmend.texts import say
from bootmend.volumes.volume import File, Volume
from bootmend.windows.image import address, describe
from bootmend.windows.installation import Windows
from bootmend.windows.registry import load_hive

Wanted = Literal["none", "mini", "full"]
"""How much of a crash dump."""

STORES = {
    "BCD": "\\Boot\\BCD",
    "EFI-BCD": "\\EFI\\Microsoft\\Boot\\BCD",
    "EFI-Recovery-BCD": "\\EFI\\Microsoft\\Recovery\\BCD",
}
TEXTS = {
    "CBS.log": "Logs\\CBS\\CBS.log",
    "dism.log": "Logs\\DISM\\dism.log",
    "setupapi.dev.log": "INF\\setupapi.dev.log",
    "setupact.log": "Panther\\setupact.log",
    "setuperr.log": "Panther\\setuperr.log",
    "ntbtlog.txt": "ntbtlog.txt",
    "SrtTrail.txt": "System32\\LogFiles\\Srt\\SrtTrail.txt",
    "pending.xml": "WinSxS\\pending.xml",
}
EVENTS = (
    "System",
    "Setup",
    "Microsoft-Windows-CodeIntegrity%4Operational",
    "Microsoft-Windows-Kernel-Boot%4Operational",
    "Microsoft-Windows-Kernel-PnP%4Configuration",
)
KEYS = (
    "Control\\CrashControl",
    "Control\\Session Manager\\Memory Management",
    "Control\\CI",
    "Control\\DeviceGuard",
    "Control\\ServiceGroupOrder",
    "Control\\GroupOrderList",
    "Control\\Class\\{4d36e967-e325-11ce-bfc1-08002be10318}",
    "Control\\Class\\{4d36e96a-e325-11ce-bfc1-08002be10318}",
    "Control\\Class\\{4d36e97b-e325-11ce-bfc1-08002be10318}",
    "Control\\Class\\{71a27cdd-812a-11d0-bec7-08002be2092f}",
)
"""Of the control set that starts next, with all below them."""
PLAIN_KEYS = ("Select", "MountedDevices")
MOST_TEXT = 1 << 20
"""Bytes of a text log, its end."""
_STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class Collected:
    """A diagnosis and what is said of it, for the parts of a bundle."""

    device: BlockDevice
    result: Diagnosis
    started: datetime
    report: str
    """The diagnosis as a person reads it."""

    @property
    def windows(self) -> Windows:
        return self.result.windows


def collect(bundle: Bundle, what: Collected) -> None:
    """Everything but the dump. What cannot be read is listed with its reason."""
    bundle.add("report.txt", say("collect.report"), what.report)
    found = document.diagnosis(what.device, what.result, what.started)
    bundle.add("result.json", say("collect.result"), _json(found))
    bundle.add("report.html", say("collect.page"), html(Node("result.json", "", found)))
    bundle.add("disk.json", say("collect.disk"), _json(_disk(what)))
    _guarded(bundle, say("collect.drivers"), partial(_drivers, bundle, what.windows))
    _stores(bundle, what)
    _guarded(bundle, say("collect.registry"), partial(_registry, bundle, what.windows))
    _logs(bundle, what.windows)
    for name in ("hives", "users"):
        bundle.leave_out(say(f"collect.never_{name}"), say(f"collect.never_{name}_why"))


def readme(bundle: Bundle, disk: str, when: datetime, dump: Wanted) -> str:
    """What is in it, and what to think of before it is handed on."""
    names = {one.name for one in bundle.contents.files}
    memory = say(f"collect.memory_{dump}") if f"dump/{dump}.dmp" in names else ""
    parts = "\n".join(f"{one.name:<60} {one.what}" for one in bundle.contents.files)
    return say("collect.readme", version=__version__, disk=disk, when=document.stamp(when), parts=parts, memory=memory)


def _guarded(bundle: Bundle, what: str, add: Callable[[], None]) -> None:
    try:
        add()
    except (InputError, Refused) as reason:
        bundle.leave_out(what, str(reason))


def _json(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=2)


def _disk(what: Collected) -> dict[str, Any]:
    image, table = what.result.image, what.result.image.table
    return {
        **document.disk(what.device, what.result),
        "sector_size": table.sector_size,
        "warnings": table.warnings,
        "faults": [{"flaw": one.flaw.value, "offset": one.offset, "found": one.found} for one in table.faults],
        "partitions": [
            {
                "number": one.number,
                "start": one.start,
                "size": one.size,
                "type": one.type_id,
                "guid": str(one.guid) if one.guid is not None else None,
                "name": one.name,
                "active": one.active,
                "attributes": f"0x{one.attributes:x}",
                "content": describe(image.content(one.number)),
            }
            for one in table.partitions
        ],
    }


def _drivers(bundle: Bundle, windows: Windows) -> None:
    if windows.registry_fault is not None:
        raise windows.registry_fault
    bundle.add("drivers.json", say("collect.drivers"), _json(drivers.document(drivers.audit_all(windows))))


def _stores(bundle: Bundle, what: Collected) -> None:
    """Every boot store of the disk, as it lies there and as bcdedit lists it."""
    windows = what.windows
    partitions = Partitions(what.result.image.table, windows.volume)
    for number, volume in what.result.image.volumes():
        for name, path in STORES.items():
            _guarded(bundle, address(number, path), partial(_store, bundle, what, number, volume, name, partitions))


def _store(bundle: Bundle, what: Collected, number: int, volume: Volume, name: str, partitions: Partitions) -> None:
    path, stem = STORES[name], f"boot/volume{number}-{name}"
    where = address(number, path)
    try:
        raw = volume.open(path)
    except Missing:
        return
    bundle.add(stem, say("collect.store"), _pieces(raw, where), source=where)
    store = Store.parse(load_hive(what.result.image, number, path).recovery.data, where)
    lines = Listing(store, partitions, full=True).lines(chosen(store, "all"))
    text = "\n".join([where, *store.warnings, *lines, ""])
    bundle.add(f"{stem}.txt", say("collect.store_listed"), text, source=where)


def _registry(bundle: Bundle, windows: Windows) -> None:
    if windows.registry_fault is not None:
        raise windows.registry_fault
    hive, where = windows.system.hive, windows.system.where
    keys = [*PLAIN_KEYS, *(f"{windows.control_set}\\{path}" for path in KEYS)]
    for number, path in enumerate(keys):
        _guarded(bundle, path, partial(_key, bundle, hive, where, number, path))
    services = [
        {
            "name": one.name,
            "start": one.start,
            "type": one.type,
            "error_control": one.error_control,
            "group": one.group,
            "tag": one.tag,
            "image_path": one.image_path,
        }
        for one in windows.services.values()
    ]
    bundle.add("registry/services.json", say("collect.services"), _json({"services": services}), source=where)


def _key(bundle: Bundle, hive: Hive, where: str, number: int, path: str) -> None:
    key = hive.key(path)
    if key is None:
        return
    data, notes = reg_file(key, KeyName(LOCAL_MACHINE, "SYSTEM", path))
    bundle.add(f"registry/{number:02}.reg", " ".join([path, *notes]), data, source=where)


def _logs(bundle: Bundle, windows: Windows) -> None:
    volume = windows.image.volume(windows.volume)
    for name, path in TEXTS.items():
        _guarded(bundle, path, partial(_text, bundle, windows, volume, name, path))
    for name in EVENTS:
        path = f"System32\\winevt\\Logs\\{name}.evtx"
        _guarded(bundle, path, partial(_events, bundle, windows, volume, path))


def _text(bundle: Bundle, windows: Windows, volume: Volume, name: str, path: str) -> None:
    with suppress(Missing):
        file = volume.open(f"{windows.path}\\{path}")
        start = max(0, file.size - MOST_TEXT) & ~1
        what = say("collect.tail", most=MOST_TEXT) if start else say("collect.log")
        bundle.add(f"logs/{name}", what, _pieces(file, windows.where(path), start), source=windows.where(path))


def _events(bundle: Bundle, windows: Windows, volume: Volume, path: str) -> None:
    with suppress(Missing):
        file = volume.open(f"{windows.path}\\{path}")
        if file.size > MOST:
            raise InputError(say("collect.too_large", size=file.size, most=MOST))
        name = path.rsplit("\\", 1)[-1]
        bundle.add(
            f"logs/{name}", say("collect.events"), _pieces(file, windows.where(path)), source=windows.where(path)
        )


def _pieces(file: File, where: str, start: int = 0) -> Iterator[bytes]:
    for at in range(start, file.size, _STEP):
        length = min(_STEP, file.size - at)
        piece = file.read(at, length)
        if len(piece) != length:
            raise ParseError(where, at, f"{length} bytes of content", str(len(piece)))
        yield piece
