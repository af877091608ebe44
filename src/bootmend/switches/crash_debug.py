"""crash-debug: the machine stops at its blue screen, says all it knows, and loads what it would refuse.

The article's optional part. Its two lines for the boot manager (nointegritychecks, integrityservices)
are written only when asked for, variant `article-exact`: under Secure Boot they cannot be set, current
builds drop them at boot, and a change there may make BitLocker ask for its recovery key.
"""

from __future__ import annotations

from bootmend.formats.bcd import BcdObject, Value
from bootmend.switches.crash_dump import CRASH_CONTROL, KERNEL, NUMBERS
from bootmend.switches.machine import Machine, boot_manager
from bootmend.switches.setting import Setting, dword, element_value
from bootmend.switches.switch import Switch
from bootmend.texts import say

USUAL, ARTICLE_EXACT = "usual", "article-exact"
_SERVICES_DEFAULT, _SERVICES_ENABLE, _SERVICES_DISABLE = 0, 1, 2
_DISPLAY_ALL_FAILURES = 0


def _settings(machine: Machine, variant: str) -> list[Setting]:
    manager, loader = boot_manager(machine), machine.loader
    found = []
    for control_set in machine.control_sets:
        key = f"{control_set}\\{CRASH_CONTROL}"
        # Without the value Windows would not restart either, so what it has by itself is put there.
        found.append(
            Setting(machine.value(key, "AutoReboot"), dword(0), telling=True, off=(dword(1),), without=dword(1))
        )
        # Without it there would be no dumps at all, which nobody asked for by turning this off.
        found.append(Setting(machine.value(key, "CrashDumpEnabled"), dword(NUMBERS[KERNEL]), keep=True))
    default = machine.element(manager, "default")
    found += [
        Setting(default, element_value(default.element, loader.id), keep=True),
        _setting(machine, loader, "bootlog", True, (False,)),
        _setting(machine, loader, "bootstatuspolicy", _DISPLAY_ALL_FAILURES),
        _setting(machine, loader, "nointegritychecks", True, (False,)),
        _setting(machine, loader, "testsigning", False),
        _setting(machine, loader, "recoveryenabled", False),
        _setting(machine, loader, "integrityservices", _SERVICES_DISABLE, (_SERVICES_DEFAULT, _SERVICES_ENABLE)),
    ]
    if variant == ARTICLE_EXACT:
        found += [
            _setting(machine, manager, "nointegritychecks", True, (False,)),
            _setting(machine, manager, "integrityservices", _SERVICES_DISABLE, (_SERVICES_DEFAULT, _SERVICES_ENABLE)),
        ]
    return found


def _setting(machine: Machine, found: BcdObject, name: str, value: Value, off: tuple[Value, ...] = ()) -> Setting:
    """`off`: what else a machine may have there; with none the setting tells nothing, many machines have it anyway."""
    place = machine.element(found, name)
    others = tuple(element_value(place.element, one) for one in off)
    return Setting(place, element_value(place.element, value), telling=bool(off), off=others)


def _remarks(_machine: Machine, variant: str) -> list[str]:
    return [say("switches.article_exact" if variant == ARTICLE_EXACT else "switches.not_article_exact")]


CRASH_DEBUG = Switch("crash-debug", (USUAL, ARTICLE_EXACT), _settings, lambda _machine: USUAL, _remarks)
