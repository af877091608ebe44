"""Windows Server 2012 does not know the bus of Hyper-V by the name that Azure's hosts give it now.

Symptom:  stop 0x7B INACCESSIBLE_BOOT_DEVICE, or no more than the logo, after Azure's hosts were updated; the same disk
          starts in Hyper-V elsewhere.
Cause:    newer hosts call the bus ACPI\\MSFT1000 instead of ACPI\\VMBus, and the generation counter ACPI\\MSFT1002
          instead of ACPI\\Hyper_V_Gen_Counter_V1. Windows Server 2012 and 2012 R2 (builds 9200 and 9600) cannot make
          up a device for the new name so early in the boot.
Evidence: Enum\\ACPI has the old name and not the new one, the build is one of the two, the machine runs in Hyper-V,
          and Azure's agent is installed; without the agent it is a risk only.
Repair:   copies the key of the old name to the new one, as Microsoft's article on this failure does ("Windows Server
          2012 R2 startup failure after Azure platform update").
Not done: later builds are not affected, by the same article, and not judged. The keys of the old names stay.
By hand:  as SYSTEM (psexec -s): `reg load HKLM\\BROKEN D:\\Windows\\System32\\config\\SYSTEM`, then
          in the folder ControlSet001\\Enum\\ACPI of it: `reg copy ...\\VMBus ...\\MSFT1000 /s`,
          `reg unload HKLM\\BROKEN`. The set is the one that Select\\Default names.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.actions.registry import CopyKey
from bootmend.findings import Confidence, Evidence, Finding, Severity, Station
from bootmend.texts import say
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_stop

STATION = Station.BOOT_DEVICE

AFFECTED = (9200, 9600)
NAMES = (("VMBus", "MSFT1000"), ("Hyper_V_Gen_Counter_V1", "MSFT1002"))
"""The old name and the new one; the boot hangs on the first."""
LAST = 10_000
"""Its rank: what is wrong with the old key (a filter, say) is mended before it is copied."""
AGENTS = ("windowsazureguestagent", "rdagent")


def check(windows: Windows) -> Iterator[Finding]:
    guest = windows.boot_disk.hyper_v
    if windows.version.build not in AFFECTED or guest is None:
        return
    path = "Enum\\ACPI"
    lost = [
        (old, new)
        for old, new in NAMES
        if windows.control(f"{path}\\{old}") is not None and windows.control(f"{path}\\{new}") is None
    ]
    if not lost:
        return
    agent = next((windows.services[name] for name in AGENTS if name in windows.services), None)
    cause = agent is not None and NAMES[0] in lost
    why = say("rules_storage.acpi_why")
    where = f"{windows.control_set}\\{path}"
    yield Finding(
        rule="hyperv_acpi_ids",
        severity=Severity.CAUSE if cause else Severity.RISK,
        subject=lost[0][1],
        title=say("rules_storage.acpi_title", old=lost[0][0], new=lost[0][1]),
        why=why,
        evidence=(
            *(Evidence(f"SYSTEM\\{where}\\{new}", say("rules_storage.no_such_key")) for _, new in lost),
            Evidence(
                windows.where("System32\\config\\SOFTWARE"), say("rules_storage.build", build=windows.version.text)
            ),
            guest,
            *([agent.evidence()] if agent is not None else []),
        ),
        actions=tuple(
            CopyKey(hive=windows.system_hive, key=f"{where}\\{new}", pattern=f"{where}\\{old}") for old, new in lost
        ),
        prediction=predict_stop(0x7B, why, Confidence.MEDIUM) if cause else None,
        rank=LAST,
    )
