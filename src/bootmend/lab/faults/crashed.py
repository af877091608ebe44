"""The machine lost its power while it ran: the hive is dirty, the volume too, and neither's log was written out.

SYSTEM on the disk is the one from before; what Windows had changed since stands in SYSTEM.LOG1 and LOG2
only. A repair that loses those changes, or that makes Windows ignore them, has done harm.
"""

from __future__ import annotations

from bootmend.errors import Misuse
from bootmend.formats.hive import Hive, HiveEditor, ValueType, sz
from bootmend.lab.contents import CONFIG
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.hive_log import crash
from bootmend.lab.ntfs_marks import mark_crashed
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.registry_text import Setting, apply_settings, dword
from bootmend.lab.system_hive import INSTALLED
from bootmend.texts import say

_NAME = "crashed"
_HOUR = 36_000_000_000
_SYSTEM = f"{CONFIG}\\SYSTEM"


def _apply(machine: OpenMachine) -> Outcome:
    old = machine.windows.read(_SYSTEM)
    pending = _pending(machine.control_set)
    if Hive.parse(old, _SYSTEM).dirty:
        raise Misuse(say("lab.no_victim", name=_NAME, why="its SYSTEM hive is dirty already"))
    editor = HiveEditor(old, _SYSTEM)
    apply_settings(editor, pending)
    primary, log1, log2 = crash(old, editor.finish(INSTALLED + _HOUR))
    written = {_SYSTEM: primary, f"{_SYSTEM}.LOG1": log1, f"{_SYSTEM}.LOG2": log2}
    for path, data in written.items():
        machine.windows.replace(path, data)
    partition = machine.windows.device
    machine.close()
    modified = mark_crashed(partition, _SYSTEM)
    return Outcome(
        touched=tuple(machine.address(path) for path in written),
        details={
            "pending": [
                {"key": setting.key, "name": setting.name, "data": setting.data.hex()}
                for setting in pending
                if setting.type is not None
            ],
            "journalled": {"path": _SYSTEM, "modified": modified},
        },
    )


def _pending(control_set: str) -> list[Setting]:
    """What Windows had changed and not yet written: scattered over the hive, and a key that is new."""
    shut_down = (INSTALLED + _HOUR).to_bytes(8, "little")
    service = f"{control_set}\\Services\\labpending"
    return [
        Setting(f"{control_set}\\Control\\Windows", "ShutdownTime", ValueType.BINARY, shut_down),
        Setting(f"{control_set}\\Control", "LastBootShutdown", ValueType.DWORD, dword(0)),
        Setting(f"{control_set}\\Control\\Session Manager", "LabBoots", ValueType.DWORD, dword(7)),
        Setting(service, "Type", ValueType.DWORD, dword(16)),
        Setting(service, "Start", ValueType.DWORD, dword(4)),
        Setting(service, "ErrorControl", ValueType.DWORD, dword(1)),
        Setting(service, "ImagePath", ValueType.EXPAND_SZ, sz("%SystemRoot%\\System32\\svchost.exe -k pending")),
        *(
            Setting(f"{service}\\Parameters", f"Value{number:03}", ValueType.SZ, sz(f"pending {number}" * 20))
            for number in range(60)
        ),
    ]


FAULT = Fault(
    name=_NAME,
    description="the power failed while Windows ran: SYSTEM and the volume are dirty, their logs hold changes",
    expect=None,
    apply=_apply,
    last=True,
)
