"""Servicing has found the logs of registry transactions full, the day before the machine was last started."""

from __future__ import annotations

from bootmend.lab.contents import CONFIG
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine

LOG = "\\Windows\\Logs\\CBS\\CBS.log"
_GUID = "{16a1f6c8-0f5f-11ee-8f2c-806e6f6e6963}"
_NAMES = (".TM.blf", ".TMContainer00000000000000000001.regtrans-ms", ".TxR.blf", ".TxR.0.regtrans-ms")

_LINE = (
    b"2024-02-17 21:04:11, Error                 CBS    Failed to begin a transaction "
    b"[HRESULT = 0x800719e4 - ERROR_LOG_FULL]\r\n"
)


def leave_logs(machine: OpenMachine) -> list[str]:
    """Logs as every machine has them, of zeros here."""
    paths = [f"{CONFIG}\\TxR\\{_GUID}{name}" for name in _NAMES]
    for path in paths:
        if not machine.windows.exists(path):
            machine.windows.create(path, bytes(65536))
    return paths


def _apply(machine: OpenMachine) -> Outcome:
    paths = leave_logs(machine)
    machine.windows.replace(LOG, machine.windows.read(LOG) + _LINE)
    return Outcome(subject="TxR", touched=tuple(machine.address(path) for path in (*paths, LOG)))


FAULT = Fault(
    name="txr-logs",
    description="servicing fails because the registry's transaction logs are full",
    expect="txr_logs",
    apply=_apply,
    accept=("txr-logs",),
    severity="risk",
)
