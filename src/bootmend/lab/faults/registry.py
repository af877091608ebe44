"""All faults there are, by name, and how one is done to a machine."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from importlib import import_module
from typing import Any

from bootmend.disk.device import BlockDevice
from bootmend.errors import Misuse
from bootmend.lab import faults as package
from bootmend.lab.faults.fault import Fault
from bootmend.lab.manifest import Manifest
from bootmend.lab.open_machine import OpenMachine
from bootmend.texts import say

HEALTHY = "healthy"


@cache
def _by_name() -> dict[str, Fault]:
    modules = (import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__))
    found = [module.FAULT for module in modules if hasattr(module, "FAULT")]
    return {fault.name: fault for fault in sorted(found, key=lambda fault: (fault.name != HEALTHY, fault.name))}


def faults() -> list[Fault]:
    """Every fault the lab knows, `healthy` first."""
    return list(_by_name().values())


def parse_faults(names: Iterable[str]) -> list[Fault]:
    """The faults of names, each of which may be several joined with "+"; in the order in which they are done.

    Raises Misuse for a name that is not known.
    """
    known = _by_name()
    wanted: list[Fault] = []
    for name in (part.strip() for joined in names for part in joined.split("+")):
        if name not in known:
            raise Misuse(say("lab.unknown_fault", name=name, known=", ".join(known)))
        if known[name] not in wanted:
            wanted.append(known[name])
    return sorted(wanted, key=lambda fault: fault.last)


def apply_fault(device: BlockDevice, fault: str, manifest: Manifest) -> dict[str, Any]:
    """Does `fault` to the machine on `device`: its disk file, a copy, or an overlay.

    Returns its Outcome as a dict, with `fault`, `expect` and `repairable`; for several faults joined
    with "+", that of the first, and the names of all.
    """
    done: list[dict[str, Any]] = []
    for one in parse_faults([fault]):
        if manifest.generation not in one.generations:
            raise Misuse(say("lab.not_this_generation", name=one.name, generation=manifest.generation))
        with OpenMachine(device, manifest) as machine:
            outcome = asdict(one.apply(machine))
        facts = {"expect": one.expect, "repairable": one.repairable, "severity": one.severity, "accept": one.accept}
        done.append({"fault": one.name, **facts, **outcome})
    joined = {**done[0], "fault": "+".join(row["fault"] for row in done)}
    joined["accept"] = sorted({word for row in done for word in row["accept"]})
    joined["touched"] = [path for row in done for path in row["touched"]]
    joined["details"] = {name: value for row in done for name, value in (row["details"] or {}).items()}
    return joined
