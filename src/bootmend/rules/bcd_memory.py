"""The default boot entry keeps memory from Windows.

Symptom:  stop or error screen for want of memory (0xC0000017, or stop 0x7D INSTALL_MORE_MEMORY) at every start; or
          a machine that starts, and is slow and short of memory.
Cause:    truncatememory lets Windows use only the memory below an address, removememory takes some away: tools
          of developers and testers, left on, or msconfig's "maximum memory".
Evidence: the element and the object that holds it.
Repair:   deletes the element where it stands. Where what is left is less than any Windows needs, at once; else with
          --accept memory-limit.
Not done: how much memory the machine has does not stand on its disk: what removememory leaves is not known,
          and neither that nor a limit of 512 MB or more is called a cause. numproc and its likes do not keep
          Windows from starting.
By hand:  bcdedit /store <BCD> /deletevalue {default} truncatememory (or removememory).

Sources:  "BCDEdit /set" (Microsoft) for both; 512 MB is the least that Microsoft names for any Windows Server since
          2012, and its clients ask for more ("Hardware requirements for Windows Server").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bootmend.findings import Action, Confidence, Evidence, Finding, Safety, Severity, Station
from bootmend.rules._store import boot_entry, delete_element, holder_of, manager_screen
from bootmend.texts import say
from bootmend.windows.installation import Windows

STATION = Station.BOOT_LOADER
NEEDS_REGISTRY = False

MEMORY_LIMIT = "memory-limit"
"""The word for `--accept` that allows to lift a limit that Windows could start with."""
LEAST = 512 << 20
NO_MEMORY = 0xC0000017


def check(windows: Windows) -> Iterator[Finding]:
    entry = boot_entry(windows)
    if entry is None:
        return
    for name in ("truncatememory", "removememory"):
        element = entry.store.setting(entry.object, name)
        if element is None or not isinstance(element.value, int) or element.value <= 0:
            continue
        holder = holder_of(entry.store, entry.object, name)
        stops = name == "truncatememory" and element.value < LEAST
        edit: Action = delete_element(windows, holder, element)
        yield Finding(
            rule="bcd_memory",
            severity=Severity.CAUSE if stops else Severity.RISK,
            subject=f"{entry.object.name} {name}",
            title=say("rules_boot.memory_title", setting=str(element)),
            why=say("rules_boot.memory_why" if stops else "rules_boot.memory_why_risk"),
            evidence=(Evidence(f"{entry.store.file} {holder.name}", str(element)),),
            actions=(edit if stops else replace(edit, safety=Safety.RISKY, risk=MEMORY_LIMIT),),
            prediction=manager_screen(say("rules_boot.memory_predicted"), Confidence.LOW, NO_MEMORY) if stops else None,
        )
