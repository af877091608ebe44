"""The machine stopped on a critical driver; the next start wrote the dump out, into MEMORY.DMP and a small one.

By itself the driver is sound again: the dump tells of what was. Together with `catalog-lost` it tells why.
"""

from __future__ import annotations

from bootmend.lab.faults.dump_left import CRASHED, STARTED_AGAIN, leave_dump
from bootmend.lab.faults.fault import STATUS_INVALID_IMAGE_HASH, STOP_CRITICAL_SERVICE_FAILED, Fault, Outcome
from bootmend.lab.logs import LOGS, crashed
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.true_dump import kernel_dump, minidump


def _apply(machine: OpenMachine) -> Outcome:
    files = {"\\Windows\\MEMORY.DMP": kernel_dump, "\\Windows\\Minidump\\021824-9156-01.dmp": minidump}
    outcome = leave_dump(machine, CRASHED, files, f"{LOGS}\\System.evtx")
    machine.log(crashed(STARTED_AGAIN, STOP_CRITICAL_SERVICE_FAILED, STATUS_INVALID_IMAGE_HASH))
    return outcome


FAULT = Fault(
    name="crash-dump",
    description="the last stop left a dump in MEMORY.DMP, and a small one: it names filecrypt.sys with 0xC0000428",
    expect=None,
    apply=_apply,
)
