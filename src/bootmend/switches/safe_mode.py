"""safe-mode: the next starts load only what Windows needs, until the switch is off again.

The article says `minimal` and then asks for a desktop session: without the network there is none on
a cloud machine, so `network` is the usual way here. A domain controller without its directory does
not let anyone log on but by its restore mode.
"""

from __future__ import annotations

from bootmend.formats.bcd import number_of
from bootmend.switches.machine import Machine
from bootmend.switches.setting import Setting, element_value
from bootmend.switches.switch import Switch
from bootmend.texts import say

NETWORK, MINIMAL, DSREPAIR = "network", "minimal", "dsrepair"
_DOMAIN_CONTROLLER = "LanmanNT"
_DISABLED = 4


def is_domain_controller(machine: Machine) -> bool:
    """By its product type, or by a directory service that is not disabled."""
    current = machine.control_sets[0]
    options = machine.key(f"{current}\\Control\\ProductOptions")
    product = options.value("ProductType") if options is not None else None
    if product is not None and product.text.lower() == _DOMAIN_CONTROLLER.lower():
        return True
    service = machine.key(f"{current}\\Services\\NTDS")
    start = service.value("Start") if service is not None else None
    return start is not None and start.data[:1] != bytes([_DISABLED])


def _settings(machine: Machine, variant: str) -> list[Setting]:
    loader = machine.loader
    place = machine.element(loader, "safeboot")
    number = number_of(place.element, loader.type, variant)
    assert number is not None
    return [Setting(place, element_value(place.element, number), telling=True)]


def _usual(machine: Machine) -> str:
    return DSREPAIR if is_domain_controller(machine) else NETWORK


def _remarks(machine: Machine, variant: str) -> list[str]:
    controller = is_domain_controller(machine)
    if variant == MINIMAL:
        return [say("switches.safe_minimal")]
    if variant == DSREPAIR:
        return [say("switches.safe_dsrepair" if controller else "switches.safe_no_controller")]
    return [say("switches.safe_controller")] if controller else []


SAFE_MODE = Switch("safe-mode", (NETWORK, MINIMAL, DSREPAIR), _settings, _usual, _remarks)
