"""The default boot entry names a loader that is not there, one of the other kind of firmware, or no loader.

Symptom:  the boot manager's page "The application or operating system couldn't be loaded because a required
          file is missing or contains errors", often with status 0xC000000F and winload's path.
Cause:    path of the default entry is missing, names no file on the entry's partition, names winload.exe
          on a machine that starts through UEFI (winload.efi belongs there), or the other way round (typical
          after a disk moved between generation 1 and 2, or between BIOS and UEFI), or names another program of
          the boot: winresume, memtest, the boot manager itself.
Evidence: the entry's path, what tells this disk's firmware, and the loader that does stand in the Windows folder.
Repair:   sets path to winload.efi or winload.exe, as this firmware needs it, in the Windows folder's System32.
Not done: a loader that lies elsewhere and is there (System32\\Boot) is right. A winload that is gone from
          where the path rightly names it is another fault.
By hand:  bcdedit /store <BCD> /set {default} path \\Windows\\system32\\winload.efi (BIOS: winload.exe).
"""

from __future__ import annotations

import ntpath
from collections.abc import Iterator

from bootmend.errors import InputError
from bootmend.findings import Action, Confidence, Evidence, Finding, Severity, Skipped, Station
from bootmend.rules._store import STATUS_NO_SUCH_FILE, boot_entry, manager_screen, set_element
from bootmend.texts import say
from bootmend.windows.firmware import BIOS, UEFI
from bootmend.windows.image import address
from bootmend.windows.installation import Windows

STATION = Station.BOOT_STORE
NEEDS_REGISTRY = False

TOOLS = ("winresume", "memtest", "bootmgr", "bootmgfw")
"""Programs that the boot manager may start, and that start no Windows as an OS loader."""
_SUFFIXES = {UEFI: ".efi", BIOS: ".exe"}


def check(windows: Windows) -> Iterator[Finding]:
    entry = boot_entry(windows)
    suffix = _SUFFIXES.get(windows.chain.firmware or "")
    if entry is None or suffix is None:
        return
    path = entry.text("path") or ""
    number = entry.device.partition if entry.device.partition is not None else windows.volume
    usual = f"{windows.path}\\system32\\winload{suffix}"
    foreign = path.lower().endswith(tuple(set(_SUFFIXES.values()) - {suffix}))
    tool = ntpath.splitext(ntpath.basename(path))[0].lower() in TOOLS
    if path.lower() == usual.lower() or (_stands(windows, number, path) and not foreign and not tool):
        return
    there = _stands(windows, windows.volume, usual)
    seen = say("rules_boot.file_here" if there else "rules_boot.file_not_here")
    if foreign:
        title = say("rules_boot.path_title_foreign", path=path, firmware=windows.chain.firmware)
    elif tool:
        title = say("rules_boot.path_title_tool", path=path)
    else:
        title = say("rules_boot.path_title", path=path or say("rules_boot.unset", name="path"))
    actions: tuple[Action, ...] = (set_element(windows, entry.object.id, entry.object.type, "path", usual),)
    yield Finding(
        rule="bcd_path",
        severity=Severity.CAUSE,
        subject=entry.object.name,
        title=title,
        why=say("rules_boot.path_why"),
        evidence=(
            entry.evidence("path", "device"),
            *windows.chain.start.told_by,
            Evidence(address(windows.volume, usual), seen),
        ),
        actions=actions if there else (),
        skipped=() if there else (Skipped(say("rules_boot.path_action"), say("rules_boot.path_skipped", path=usual)),),
        prediction=manager_screen(
            say("rules_boot.path_predicted_tool" if tool else "rules_boot.path_predicted", path=path),
            Confidence.MEDIUM,
            # What the boot manager says of a program of the other firmware is documented nowhere.
            None if foreign or tool else STATUS_NO_SUCH_FILE,
            path or None,
        ),
    )


def _stands(windows: Windows, number: int, path: str) -> bool:
    try:
        return path.startswith("\\") and not windows.image.volume(number).stat(path).directory
    except InputError:
        return False
