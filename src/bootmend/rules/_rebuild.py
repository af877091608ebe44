"""A boot store for a Windows that has lost its own, by what stands on its disk.

Objects and elements are those that bcdboot writes, as measured on real stores; settings objects and locale are
taken from this Windows' own `System32\\config\\BCD-Template`, the file that bcdboot makes a store from
("BCDBoot Command-Line Options", Microsoft), where it is there and reads. Windows RE is not entered: which
image it is, only Windows' own `reagentc /enable` knows.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from uuid import UUID

from bootmend.actions.boot_store import CreateObject
from bootmend.actions.content import AtHand
from bootmend.actions.create_file import CreateFile
from bootmend.actions.replace_file import ReplaceFile
from bootmend.errors import InputError, Missing
from bootmend.findings import Action, Evidence, Skipped
from bootmend.formats.bcd import BcdObject, ObjectType, Store, Value
from bootmend.formats.bcd.fresh import (
    Installation,
    NewObject,
    manager_objects,
    new_store,
    settings_objects,
    time_id,
    windows_objects,
)
from bootmend.formats.hive import quiet_log
from bootmend.rules._store import set_element, store_file
from bootmend.texts import say
from bootmend.windows.bootentry import partition_device
from bootmend.windows.firmware import UEFI
from bootmend.windows.image import address
from bootmend.windows.installation import Windows

TEMPLATE = "System32\\config\\BCD-Template"
_MAX_TEMPLATE = 16 << 20
_FIRST_WINDOWS_11 = 22000
_TO_1582 = 5_748_192_000_000_000
"""From FILETIME's first day to the Gregorian calendar's, in 100 ns."""
_MOMENT = 133_500_000_000_000_000
"""FILETIME of 2024-01-17: ids are made by a time, and the same disk is to get the same store at each look."""
_FAMILY = re.compile(r"Windows (?:Server )?[0-9]{1,4}(?:\.[0-9])?(?: R2)?")
_LOGS = ("LOG", "LOG1", "LOG2")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    objects: list[NewObject]
    entry: UUID
    evidence: Evidence
    clock_sequence: int
    node: int

    def store(self, path: str) -> bytes:
        return new_store(self.objects, path=path, moment=_MOMENT, clock_sequence=self.clock_sequence, node=self.node)


def rebuild(windows: Windows) -> Rebuilt | Skipped:
    """The objects of a whole store for this Windows; Skipped where a partition cannot be named."""
    start = windows.chain.start
    own = partition_device(windows.image, windows.volume)
    system = partition_device(windows.image, start.volume) if start.volume is not None else None
    if own is None or system is None:
        return Skipped(say("rules_boot.rebuild"), say("rules_boot.no_identity"))
    template, evidence = _template(windows)
    seed = hashlib.sha256(f"{own} {system} {windows.path}".encode()).digest()
    clock_sequence, node = int.from_bytes(seed[:2], "little") & 0x3FFF, int.from_bytes(seed[2:8], "little") | 1 << 40
    entry, resume = (time_id(_MOMENT + _TO_1582 + step, clock_sequence, node) for step in range(2))
    locale = _locale(template)
    uefi = start.firmware == UEFI
    what = Installation(
        uefi=uefi,
        place=own,
        folder=windows.path,
        title=_title(windows),
        locale=locale,
        server="server" in windows.version.product.lower(),
    )
    objects = [
        *_settings(template),
        *manager_objects(uefi=uefi, place=system, locale=locale, default=entry, resume=resume),
        *windows_objects(what, entry=entry, resume=resume),
    ]
    return Rebuilt(objects, entry, evidence, clock_sequence, node)


def new_manager(windows: Windows, entry: BcdObject) -> list[Action] | Skipped:
    """The edits that give a store without a boot manager object a new one, which starts `entry`."""
    built = rebuild(windows)
    if isinstance(built, Skipped):
        return built
    new = next(one for one in built.objects if one.type == ObjectType.BOOT_MANAGER)
    elements: dict[str, Value] = {**new.elements, "default": entry.id, "displayorder": [entry.id]}
    resume = entry.element("resumeobject")
    elements.pop("resumeobject")
    if resume is not None and isinstance(resume.value, UUID):
        elements["resumeobject"] = resume.value
    name = str(elements["description"])
    made = CreateObject(store=store_file(windows), object_id=new.id, type=new.type, name=name)
    return [made, *(set_element(windows, new.id, new.type, name, value) for name, value in elements.items())]


def put_store(windows: Windows, built: Rebuilt, *, over: bool) -> list[Action]:
    """The edits that put a store in its place, `over` a broken one; logs beside it are made to say nothing."""
    start = windows.chain.start
    assert start.volume is not None
    volume, path = start.volume, start.store_path
    content = AtHand(windows.where(TEMPLATE), built.store(path))
    actions: list[Action] = []
    if over:
        actions.append(ReplaceFile(volume=volume, path=path, content=content))
    else:
        actions.append(CreateFile(volume=volume, path=path, content=content))
    for suffix in _LOGS:
        log = f"{path}.{suffix}"
        try:
            held = windows.image.volume(volume).read(log, _MAX_TEMPLATE)
        except InputError:
            continue
        if any(held[:512]):
            quiet = AtHand(say("rules_boot.quiet_log"), quiet_log(held))
            actions.append(ReplaceFile(volume=volume, path=log, content=quiet))
    return actions


def _template(windows: Windows) -> tuple[Store | None, Evidence]:
    path = f"{windows.path}\\{TEMPLATE}"
    where = address(windows.volume, path)
    try:
        data = windows.image.volume(windows.volume).read(path, _MAX_TEMPLATE)
        return Store.parse(data, where), Evidence(where, say("rules_boot.template_read"))
    except Missing:
        return None, Evidence(where, say("rules_boot.template_missing"))
    except InputError as error:
        return None, Evidence(where, say("rules_boot.template_broken", reason=error))


def _settings(template: Store | None) -> list[NewObject]:
    """What holds on every machine, with what this Windows' template says otherwise."""
    return [_as_in(template, standard) for standard in settings_objects()]


def _as_in(template: Store | None, standard: NewObject) -> NewObject:
    found = template.objects.get(standard.id) if template is not None else None
    if found is None or found.type != standard.type:
        return standard
    # Elements of the template's own (4x......) tell bcdboot what to make of an object; none belongs in a store.
    elements: dict[str, Value] = {
        one.name: one.value for one in found.elements.values() if one.id >> 28 != 4 and not one.note
    }
    return replace(standard, elements={**standard.elements, **elements})


def _locale(template: Store | None) -> str:
    manager = template.boot_manager if template is not None else None
    element = manager.element("locale") if manager is not None else None
    return element.value if element is not None and isinstance(element.value, str) and element.value else "en-US"


def _title(windows: Windows) -> str:
    """The product's name without its edition."""
    product, build = windows.version.product, windows.version.build
    if build >= _FIRST_WINDOWS_11 and product.startswith("Windows 10"):
        return "Windows 11"  # its registry still says 10
    known = _FAMILY.match(product)
    return known[0] if known is not None else "Windows"
