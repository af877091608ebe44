"""The boot manager is gone from the partition that the firmware starts from, or cannot be run from there.

Symptom:  BIOS: "BOOTMGR is missing", "BOOTMGR is compressed", "BOOTMGR image is corrupt. The system cannot boot".
          UEFI: the firmware finds nothing to boot, or "The boot loader did not load an operating system".
Cause:    there is no \\bootmgr on the active partition, or it is empty, wiped at its beginning, cut off, or
          compressed by NTFS (compact, "compress this drive"), which the boot sector's code cannot read; or the
          EFI system partition has neither \\EFI\\Microsoft\\Boot\\bootmgfw.efi nor \\EFI\\Boot\\bootx64.efi.
Evidence: the file or the folder in which it is not, the store beside it, and the copy in the Windows folder.
Repair:   copies it from Windows\\Boot\\PCAT or Windows\\Boot\\EFI of the same installation, as bcdboot does; on
          UEFI under both names where both are gone.
Not done: a boot manager that is there and whole is never replaced: the staged one may be older. A compressed one
          is told: it has to be decompressed where it lies. bootmgr has no signature of its own, so that
          other damage of it is not seen; bootmgfw.efi is judged by boot_file_damaged. Where only the name
          bootmgfw.efi is gone and the fallback is there, the firmware can still start it: a risk.
By hand:  bcdboot <letter>:\\Windows /s <letter of the system partition>:.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

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

COMPRESSED = 0x800
"""FILE_ATTRIBUTE_COMPRESSED."""
_HEAD, _LARGEST = 512, 16 << 20
_SOURCES = {"uefi": "Boot\\EFI\\bootmgfw.efi", "bios": "Boot\\PCAT\\bootmgr"}
_FALLBACK = {0x8664: UEFI_FALLBACKS[0], 0xAA64: UEFI_FALLBACKS[1], 0x14C: UEFI_FALLBACKS[2]}


class Trouble(Enum):
    MISSING = "missing"
    """Or empty."""
    WIPED = "wiped"
    CUT = "cut"
    """The beginning of the staged copy, and not its end."""
    COMPRESSED = "compressed"


def check(windows: Windows) -> Iterator[Finding]:
    start = windows.chain.start
    if start.volume is None or not start.manager_path:
        return
    uefi = start.firmware == UEFI
    source = f"{windows.path}\\{_SOURCES[start.firmware or '']}"
    trouble = _trouble(windows, start.volume, start.manager_path, source)
    if trouble is None:
        return
    here, proof = belongs_here(windows)
    if not here:
        return
    fallback = uefi and any((_size(windows, start.volume, path) or 0) > 0 for path in UEFI_FALLBACKS)
    staged = (_size(windows, windows.volume, source) or 0) > 0
    where = address(start.volume, start.manager_path)
    lost = trouble is Trouble.MISSING
    words = "no_system_words" if uefi else f"bootmgr_words_{trouble.value}"
    mendable = staged and trouble is not Trouble.COMPRESSED
    if mendable:
        skipped: tuple[Skipped, ...] = ()
    else:
        why_not = "manager_skipped" if trouble is not Trouble.COMPRESSED else "manager_skipped_compressed"
        skipped = (Skipped(say("rules_boot.manager_action"), say(f"rules_boot.{why_not}")),)
    seen = say("rules_boot.file_here" if staged else "rules_boot.file_not_here")
    yield Finding(
        rule="boot_manager_missing",
        severity=Severity.RISK if fallback else Severity.CAUSE,
        subject=start.manager_path.rsplit("\\", 1)[-1],
        title=say("rules_boot.manager_title" if lost else f"rules_boot.manager_title_{trouble.value}", path=where),
        why=say("rules_boot.manager_why_fallback" if fallback else "rules_boot.manager_why"),
        evidence=(
            *start.told_by,
            Evidence(where, say("rules_boot.file_not_here" if lost else f"rules_boot.manager_{trouble.value}")),
            proof,
            Evidence(address(windows.volume, source), seen),
        ),
        actions=tuple(_copies(windows, start.volume, source, uefi=uefi and not fallback)) if mendable else (),
        skipped=skipped,
        prediction=None
        if fallback
        else predict_screen(
            Screen.BIOS,
            say(f"rules_boot.{words}"),
            say("rules_boot.manager_predicted", path=start.manager_path),
            Confidence.HIGH if not uefi and trouble in (Trouble.MISSING, Trouble.COMPRESSED) else Confidence.MEDIUM,
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


def _trouble(windows: Windows, volume: int, path: str, source: str) -> Trouble | None:
    """What is wrong with the boot manager's file; None also where that cannot be told."""
    size = _size(windows, volume, path)
    if size is None:
        return None
    if size == 0:
        return Trouble.MISSING
    if windows.chain.start.firmware == UEFI:
        return None
    try:
        files = windows.image.volume(volume)
        if files.stat(path).attributes & COMPRESSED:
            return Trouble.COMPRESSED
        if not any(files.open(path).read(0, _HEAD)):
            return Trouble.WIPED
        staged = windows.image.volume(windows.volume).read(source, _LARGEST)
        cut = len(staged) > size and staged.startswith(files.read(path, _LARGEST))
    except InputError:
        return None
    return Trouble.CUT if cut else None


def _size(windows: Windows, volume: int, path: str) -> int | None:
    """Bytes of a file, 0 where there is none; None where that cannot be told."""
    try:
        files = windows.image.volume(volume)
        entry = files.stat(path) if files.exists(path) else None
    except InputError:
        return None
    return 0 if entry is None else None if entry.directory else entry.size
