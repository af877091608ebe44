"""serial-console: Windows' emergency management on the first serial port, from the boot manager on.

The article's two texts: the older one sets displaybootmenu, timeout and bootems in the boot manager
beside `/ems` and `/emssettings`; the current one only these two, which is the variant `minimal`.
"""

from __future__ import annotations

from uuid import UUID

from bootmend.formats.bcd import WELL_KNOWN, BcdObject, ObjectType, Value
from bootmend.switches.machine import Machine, boot_manager
from bootmend.switches.setting import Setting, element_value
from bootmend.switches.switch import Switch

FULL, MINIMAL = "full", "minimal"
PORT, BAUD_RATE = 1, 115200
"""COM1 is where Azure and Hyper-V connect their console."""
MENU_SECONDS = 10

_EMS, _GLOBAL = WELL_KNOWN["emssettings"], WELL_KNOWN["globalsettings"]


def _settings(machine: Machine, variant: str) -> list[Setting]:
    manager, loader = boot_manager(machine), machine.loader
    found = []
    if variant == FULL:
        found += [
            _flag(machine, manager, "displaybootmenu"),
            _setting(machine, manager, "timeout", MENU_SECONDS),
            _flag(machine, manager, "bootems"),
        ]
    found.append(_flag(machine, loader, "ems"))
    if _EMS not in machine.store.objects:
        # A new {emssettings} says that there is a console at all; in one that Windows made this is left
        # alone (No on 27 of 31 real stores): the boot manager's own bootems comes first.
        found.append(_ems_setting(machine, "bootems", True))
    found += [_ems_setting(machine, "emsport", PORT), _ems_setting(machine, "emsbaudrate", BAUD_RATE)]
    return found + _inheriting(machine, (manager, loader))


def _flag(machine: Machine, found: BcdObject, name: str) -> Setting:
    """A yes that no machine has by itself."""
    place = machine.element(found, name)
    no = element_value(place.element, False)
    return Setting(place, element_value(place.element, True), telling=True, off=(no,))


def _setting(machine: Machine, found: BcdObject, name: str, value: Value) -> Setting:
    place = machine.element(found, name)
    return Setting(place, element_value(place.element, value))


def _ems_setting(machine: Machine, name: str, value: Value) -> Setting:
    place = machine.element(_EMS, name, ObjectType.SETTINGS)
    return Setting(place, element_value(place.element, value), object_type=ObjectType.SETTINGS)


def _inheriting(machine: Machine, users: tuple[BcdObject, ...]) -> list[Setting]:
    """Port and speed reach boot manager and loader by inheritance only; Windows has {globalsettings} inherit them."""
    hosts: dict[str, BcdObject] = {}
    for user in users:
        above = _ancestors(machine, user)
        if _EMS not in {one.id for one in above} and _EMS not in _inherited_by(user):
            host = next((one for one in above if one.id == _GLOBAL), user)
            hosts.setdefault(host.name, host)
    return [_setting(machine, host, "inherit", [*_inherited_by(host), _EMS]) for host in hosts.values()]


def _ancestors(machine: Machine, found: BcdObject) -> list[BcdObject]:
    """Every object that it inherits from, and itself."""
    reached = {found.id: found}
    pending = [found]
    while pending:
        for parent in _inherited_by(pending.pop()):
            if parent in machine.store.objects and parent not in reached:
                reached[parent] = machine.store.objects[parent]
                pending.append(reached[parent])
    return list(reached.values())


def _inherited_by(found: BcdObject) -> list[UUID]:
    element = found.element("inherit")
    value = element.value if element is not None else []
    return [one for one in value if isinstance(one, UUID)] if isinstance(value, list) else []


SERIAL_CONSOLE = Switch("serial-console", (FULL, MINIMAL), _settings, lambda _machine: FULL)
