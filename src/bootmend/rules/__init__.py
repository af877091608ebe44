"""One cause a file: its docstring is the report's "why", its `check(windows)` finds it.

A new cause is a new file here; nothing else is edited. Rules run in the order of `STATION`,
the place in the boot where the cause bites, so that the earliest stop is named first. A rule
that can be asked where the SYSTEM hive cannot be read says `NEEDS_REGISTRY = False`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from bootmend.findings import Finding, Station
from bootmend.windows.installation import Windows


@dataclass(frozen=True, slots=True)
class Rule:
    """A cause that bootmend knows."""

    name: str
    station: Station
    """Where in the boot it bites."""
    title: str
    why: str
    """The docstring in full: symptom, cause, evidence, repair, what is not done."""
    check: Callable[[Windows], Iterator[Finding]]
    needs_registry: bool
    """It asks the SYSTEM hive: where that cannot be read, it is not asked."""


@cache
def all_rules() -> dict[str, Rule]:
    """Every rule by name, earliest station first."""
    found = []
    for module_info in pkgutil.iter_modules(__path__):
        if module_info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        why = inspect.cleandoc(module.__doc__ or "")
        needs_registry = getattr(module, "NEEDS_REGISTRY", True)
        title = why.splitlines()[0]
        found.append(Rule(module_info.name, module.STATION, title, why, module.check, needs_registry))
    return {rule.name: rule for rule in sorted(found, key=lambda rule: (rule.station, rule.name))}
