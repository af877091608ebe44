"""The default boot entry names a Windows folder that does not exist.

Symptom:  the boot manager starts winload, which stops at once: a required file is missing or contains errors,
          and the page names a file of a folder that is not there.
Cause:    systemroot of the default entry is missing, or is not the Windows folder's path on its partition.
Evidence: the entry's systemroot, and the Windows folder that does stand on the disk.
Repair:   sets systemroot to that folder, where the disk holds just one Windows.
Not done: where several Windows stand on the disk, none is chosen.
By hand:  bcdedit /store <BCD> /set {default} systemroot \\Windows.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.errors import InputError
from bootmend.findings import Action, Confidence, Evidence, Finding, Severity, Skipped, Station
from bootmend.rules._store import boot_entry, manager_screen, only_windows, set_element
from bootmend.texts import say
from bootmend.windows.installation import Windows

STATION = Station.BOOT_LOADER
NEEDS_REGISTRY = False


def check(windows: Windows) -> Iterator[Finding]:
    entry = boot_entry(windows)
    if entry is None:
        return
    root = entry.text("systemroot") or ""
    number = entry.osdevice.partition if entry.osdevice.partition is not None else windows.volume
    if root.rstrip("\\").lower() == windows.path.lower() or _is_folder(windows, number, root):
        return
    if not _is_folder(windows, windows.volume, windows.path):
        return
    sure = only_windows(windows)
    edit: Action = set_element(windows, entry.object.id, entry.object.type, "systemroot", windows.path)
    shown = root or say("rules_boot.unset", name="systemroot")
    yield Finding(
        rule="bcd_systemroot",
        severity=Severity.CAUSE,
        subject=entry.object.name,
        title=say("rules_boot.root_title", root=shown),
        why=say("rules_boot.root_why"),
        evidence=(
            entry.evidence("systemroot", "osdevice"),
            Evidence(windows.where(""), say("rules_boot.root_here", count=len(windows.chain.installations))),
        ),
        actions=(edit,) if sure else (),
        skipped=() if sure else (Skipped(say("rules_boot.root_action"), say("rules_boot.several_windows")),),
        prediction=manager_screen(say("rules_boot.root_predicted", root=shown), Confidence.MEDIUM, None),
    )


def _is_folder(windows: Windows, number: int, root: str) -> bool:
    """A Windows folder; a partition that cannot be read is not judged."""
    try:
        return root.startswith("\\") and windows.image.volume(number).exists(f"{root.rstrip(chr(92))}\\System32")
    except InputError:
        return True
