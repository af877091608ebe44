"""The machine got CrowdStrike's channel file 291 of 2024-07-19, 04:09 UTC, and was not online for the next one."""

from __future__ import annotations

from datetime import UTC, datetime

from bootmend.errors import Misuse
from bootmend.formats.filetime import filetime_of
from bootmend.formats.hive import ValueType, sz
from bootmend.lab.contents import CONFIG
from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.registry_text import Setting, apply_settings, dword
from bootmend.texts import say

_NAME = "crowdstrike-291"
_FOLDER = "\\Windows\\System32\\drivers\\CrowdStrike"
_FILES = {
    "C-00000291-00000000-00000028.sys": datetime(2024, 7, 18, 10, 2, tzinfo=UTC),
    "C-00000291-00000000-00000032.sys": datetime(2024, 7, 19, 4, 9, tzinfo=UTC),
    "C-00000285-00000000-00000011.sys": datetime(2024, 7, 19, 4, 20, tzinfo=UTC),
}
"""Channel files beside one another: 291 of the day before, the bad one, and another channel's."""
_BAD = "C-00000291-00000000-00000032.sys"
_CHANNEL_BYTES = 8192


def _apply(machine: OpenMachine) -> Outcome:
    signed = [one for one in machine.manifest.binaries if one.loads_at_boot and one.signing in ("embedded", "both")]
    if not signed:
        raise Misuse(say("lab.no_victim", name=_NAME, why="no driver carries a signature that csagent.sys could have"))
    sensor = min(signed, key=lambda binary: binary.owner == "inbox")
    machine.windows.mkdir(_FOLDER)
    machine.windows.create(f"{_FOLDER}\\csagent.sys", machine.windows.read(sensor.path))
    for name, when in _FILES.items():
        path = f"{_FOLDER}\\{name}"
        machine.windows.create(path, b"\xaa\xaa\xaa\xaa" + name.encode().ljust(_CHANNEL_BYTES - 4, b"\x01"))
        machine.windows.set_times(path, filetime_of(when), filetime_of(when), filetime_of(when))
    with machine.edit_hive("SYSTEM") as editor:
        apply_settings(editor, _service(), f"{machine.control_set}\\Services")
    return Outcome(
        subject=_BAD,
        service="CSAgent",
        start=1,
        error_control=1,
        stops=True,
        stop=0x50,
        touched=tuple(
            machine.address(path)
            for path in (f"{CONFIG}\\SYSTEM", f"{_FOLDER}\\csagent.sys", *(f"{_FOLDER}\\{name}" for name in _FILES))
        ),
    )


def _service() -> list[Setting]:
    image = "\\??\\C:\\Windows\\system32\\drivers\\CrowdStrike\\csagent.sys"
    return [
        Setting("CSAgent", "Type", ValueType.DWORD, dword(2)),
        Setting("CSAgent", "Start", ValueType.DWORD, dword(1)),
        Setting("CSAgent", "ErrorControl", ValueType.DWORD, dword(1)),
        Setting("CSAgent", "Group", ValueType.SZ, sz("FSFilter Activity Monitor")),
        Setting("CSAgent", "ImagePath", ValueType.EXPAND_SZ, sz(image)),
    ]


FAULT = Fault(
    name=_NAME,
    description="CrowdStrike's channel file 291 of 2024-07-19 04:09 UTC is the newest there",
    expect="crowdstrike_291",
    apply=_apply,
)
