"""What an update leaves for the next start, and what startup repair leaves where starts have failed."""

from __future__ import annotations

from contextlib import suppress

from bootmend.errors import InputError, Refused
from bootmend.formats.hive import ValueType, multi_sz, sz
from bootmend.lab.contents import CONFIG
from bootmend.lab.logs import at
from bootmend.lab.open_machine import OpenMachine
from bootmend.lab.registry_text import Setting, apply_settings, dword
from bootmend.windows.servicing import SERVICING, SESSION_MANAGER, SETUP_EXECUTE

PENDING = "\\Windows\\WinSxS\\pending.xml"
REPAIR_LOG = "\\Windows\\System32\\LogFiles\\Srt\\SrtTrail.txt"
QUEUED = "2024-02-18 18:55:00"
_IDENTIFIER = "916ae75edb30da0146730000dc1be027"
_QUEUE = (
    '<?xml version="1.0" encoding="utf-8"?>\r\n'
    f'<PendingTransaction Version="3.1" WcpVersion="10.0" Identifier="{_IDENTIFIER}">\r\n'
    '  <Checkpoint/>\r\n  <SetFileInformation path="\\SystemRoot\\WinSxS\\Temp" flags="0x0"/>\r\n'
    "</PendingTransaction>\r\n"
)
_SESSION = "31088004_2236113481"
_PACKAGE = "Package_for_RollupFix~31bf3856ad364e35~amd64~~20348.2340.1.7"


def leave_pending(machine: OpenMachine) -> list[str]:
    """The queue, the command that runs it, and every mark; paths of what was changed."""
    if not machine.windows.exists(PENDING):
        machine.windows.create(PENDING, _QUEUE.encode())
        machine.windows.set_times(PENDING, *[at(QUEUED)] * 3)
    command = "%SystemRoot%\\System32\\poqexec.exe /display_progress \\SystemRoot\\WinSxS\\pending.xml"
    runner = Setting(SESSION_MANAGER, SETUP_EXECUTE, ValueType.MULTI_SZ, multi_sz([command]))
    with machine.edit_hive("SYSTEM") as editor:
        apply_settings(editor, [runner], machine.control_set)
    marks = [
        Setting(f"PackagesPending\\{_PACKAGE}"),
        Setting("RebootPending"),
        Setting(f"SessionsPending\\{_SESSION}", "Complete", ValueType.DWORD, dword(0)),
    ]
    changed = [PENDING, f"{CONFIG}\\SYSTEM"]
    with suppress(InputError, Refused), machine.edit_hive("SOFTWARE") as editor:  # another fault may have broken it
        apply_settings(editor, marks, SERVICING)
        changed.append(f"{CONFIG}\\SOFTWARE")
    with machine.edit_hive("COMPONENTS") as editor:
        editor.set_value("", "PendingXmlIdentifier", ValueType.BINARY, sz(_IDENTIFIER)[:-2])
        editor.set_value("", "ExecutionState", ValueType.DWORD, dword(2))
        editor.set_value("", "StoreDirty", ValueType.DWORD, dword(0))
    return [*changed, f"{CONFIG}\\COMPONENTS"]


def startup_repair_was_here(machine: OpenMachine, when: str) -> list[str]:
    """Its log, in a language that is not English."""
    for folder in ("\\Windows\\System32\\LogFiles", "\\Windows\\System32\\LogFiles\\Srt"):
        if not machine.windows.exists(folder):
            machine.windows.mkdir(folder)
    text = (
        "\ufeffProtokoll der Starthilfe-Diagnose und -Reparatur\r\n---------------------------\r\n"
        "Anzahl der Reparaturversuche: 3\r\n\r\nTest ausgef\u00fchrt:\r\nErgebnis: Fehler. Fehlercode =  0xc0000001\r\n"
    )
    machine.windows.create(REPAIR_LOG, text.encode("utf-16-le"))
    machine.windows.set_times(REPAIR_LOG, *[at(when)] * 3)
    return [REPAIR_LOG]
