"""Windows is told not to check signatures.

Symptom:  none of its own. Test mode shows its name in a corner of the desktop; drivers load that others would refuse.
Cause:    the default entry of the boot store has testsigning or nointegritychecks on.
Evidence: the element of the entry, or of one that it inherits from.
Repair:   none: it may be wanted. bootmend bcdedit DISK -- /deletevalue {default} testsigning turns it off.
Not done: findings about drivers stand beside it all the same: under Secure Boot the boot manager drops both
          options, and current builds of Windows do not honour nointegritychecks.
By hand:  bcdedit /store BCD /deletevalue {default} testsigning (or nointegritychecks)
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Evidence, Finding, Severity, Station
from bootmend.texts import say
from bootmend.windows.installation import Windows

STATION = Station.AFTERWARDS
NEEDS_REGISTRY = False

OPTIONS = ("testsigning", "nointegritychecks")


def check(windows: Windows) -> Iterator[Finding]:
    chain = windows.chain
    for option in OPTIONS:
        if chain.flag(option) and chain.entry is not None:
            yield Finding(
                rule="code_integrity_off",
                severity=Severity.NOTE,
                subject=option,
                title=say("rules_storage.integrity_title", option=option),
                why=say("rules_storage.integrity_why"),
                evidence=(Evidence(f"{chain.where} {{{chain.entry.id}}}", say("rules_storage.is_on", name=option)),),
            )
