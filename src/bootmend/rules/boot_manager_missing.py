"""The boot manager is gone from the partition that the firmware starts from.

Symptom:  BIOS: "BOOTMGR is missing. Press Ctrl+Alt+Del to restart". UEFI: the firmware finds nothing to boot,
          or "The boot loader did not load an operating system".
Cause:    there is no \\bootmgr on the active partition, or it is empty; or the EFI system partition has neither
          \\EFI\\Microsoft\\Boot\\bootmgfw.efi nor \\EFI\\Boot\\bootx64.efi.
Evidence: the folder in which it is not, the store beside it, and the copy in the Windows folder.
Repair:   copies it from Windows\\Boot\\PCAT or Windows\\Boot\\EFI of the same installation, as bcdboot does; on
          UEFI under both names where both are gone.
Not done: a boot manager that is there is never replaced: the staged one may be older. Where only the name
          bootmgfw.efi is gone and the fallback is there, the firmware can still start it: a risk.
By hand:  bcdboot <letter>:\\Windows /s <letter of the system partition>:.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.actions.content import OnDisk
from bootmend.actions.create_file import CreateFile
from bootmend.actions.replace_file import ReplaceFile
from bootmend.errors import InputError
from bootmend.findings import Action, Confidence, Evidence, Finding, Screen, Severity, Skipped, Station
from bootmend.texts import say
from bootmend.windows.firmware import UEFI, UEFI_FALLBACKS
from bootmend.windows.image import address
from bootmend.windows.installation import Windows
from bootmend.windows.origin import belongs_here
from bootmend.windows.prediction import predict_screen

STATION = Station.BOOT_MANAGER
NEEDS_REGISTRY = False

_SOURCES = {"uefi": "Boot\\EFI\\bootmgfw.efi", "bios": "Boot\\PCAT\\bootmgr"}
_FALLBACK = {0x8664: UEFI_FALLBACKS[0], 0xAA64: UEFI_FALLBACKS[1], 0x14C: UEFI_FALLBACKS[2]}


def check(windows: Windows) -> Iterator[Finding]:
    start = windows.chain.start
    if start.volume is None or not start.manager_path:
        return
    size = _size(windows, start.volume, start.manager_path)
    if size is None or size > 0:
        return
    here, proof = belongs_here(windows)
    if not here:
        return
    uefi = start.firmware == UEFI
    fallback = uefi and any((_size(windows, start.volume, path) or 0) > 0 for path in UEFI_FALLBACKS)
    source = f"{windows.path}\\{_SOURCES[start.firmware or '']}"
    staged = (_size(windows, windows.volume, source) or 0) > 0
    where = address(start.volume, start.manager_path)
    words = "no_system_words" if uefi else "bootmgr_words"
    seen = say("rules_boot.file_here" if staged else "rules_boot.file_not_here")
    yield Finding(
        rule="boot_manager_missing",
        severity=Severity.RISK if fallback else Severity.CAUSE,
        subject=start.manager_path.rsplit("\\", 1)[-1],
        title=say("rules_boot.manager_title", path=where),
        why=say("rules_boot.manager_why_fallback" if fallback else "rules_boot.manager_why"),
        evidence=(
            *start.told_by,
            Evidence(where, say("rules_boot.file_not_here")),
            proof,
            Evidence(address(windows.volume, source), seen),
        ),
        actions=tuple(_copies(windows, start.volume, source, uefi=uefi and not fallback)) if staged else (),
        skipped=() if staged else (Skipped(say("rules_boot.manager_action"), say("rules_boot.manager_skipped")),),
        prediction=None
        if fallback
        else predict_screen(
            Screen.BIOS,
            say(f"rules_boot.{words}"),
            say("rules_boot.manager_predicted", path=start.manager_path),
            Confidence.MEDIUM if uefi else Confidence.HIGH,
        ),
    )


def _copies(windows: Windows, volume: int, source: str, *, uefi: bool) -> Iterator[Action]:
    paths = [windows.chain.start.manager_path]
    if uefi:
        machine = windows.machine_type if windows.registry_fault is None else None
        paths.append(_FALLBACK.get(machine or 0x8664, UEFI_FALLBACKS[0]))
    content = OnDisk(windows.volume, source)
    for path in paths:
        if windows.image.has_file(volume, path):
            yield ReplaceFile(volume=volume, path=path, content=content)
        else:
            yield CreateFile(volume=volume, path=path, content=content)


def _size(windows: Windows, volume: int, path: str) -> int | None:
    """Bytes of a file, 0 where there is none; None where that cannot be told."""
    try:
        files = windows.image.volume(volume)
        entry = files.stat(path) if files.exists(path) else None
    except InputError:
        return None
    return 0 if entry is None else None if entry.directory else entry.size
