"""One cause a file: its docstring is the report's "why", its `check(windows)` finds it.

A new cause is a new file here; nothing else is edited. Rules run in the order of `STATION`,
the place in the boot where the cause bites, so that the earliest stop is named first.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from bootmend.findings import Finding
from bootmend.windows.installation import Windows


@dataclass(frozen=True, slots=True)
class Rule:
    """A cause that bootmend knows."""

    name: str
    station: int
    """Where in the boot it bites; lower is earlier."""
    title: str
    why: str
    """The docstring in full: symptom, cause, evidence, repair, what is not done."""
    check: Callable[[Windows], Iterator[Finding]]


@cache
def all_rules() -> dict[str, Rule]:
    """Every rule by name, earliest station first."""
    found = []
    for module_info in pkgutil.iter_modules(__path__):
        if module_info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        why = inspect.cleandoc(module.__doc__ or "")
        found.append(Rule(module_info.name, module.STATION, why.splitlines()[0], why, module.check))
    return {rule.name: rule for rule in sorted(found, key=lambda rule: (rule.station, rule.name))}
