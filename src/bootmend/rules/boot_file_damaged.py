"""The boot manager, boot loader, kernel or a library is not the file that belongs there.

Symptom:  an error screen that names the file, with 0xC0000428 ("the digital signature for this file couldn't be
          verified"), 0xC0000221 (its checksum is wrong) or 0xC000007B (no image, or for another kind of processor).
          A boot manager that is no image: the firmware finds nothing to start.
Cause:    the file was changed, overwritten, cut short or replaced by one of another kind: its Authenticode hash is in
          no catalog of this machine, active or staged, and its embedded signature does not fit.
Evidence: both hashes, what the embedded signature says, and which image needs the file.
Repair:   a sound copy, from the same sources and by the same proof as for a driver. The boot manager comes from
          Windows\\Boot\\EFI of the same Windows, as bcdboot would copy it.
Not done: a boot manager that works is never replaced, however old: the staged one may be older still. bootmgr of BIOS
          machines is no image of its own and is not judged. A boot manager of another maker (a menu for several
          systems in its place) is told, and not replaced.
By hand:  `sfc /scannow /offbootdir=D:\\ /offwindir=D:\\Windows`; for the boot manager
          `bcdboot D:\\Windows /s S: /f UEFI`, where S: is the system partition.

Sources:  "Windows boot error - invalid image hash" (Microsoft, 0xC0000428 on winload); NTSTATUS values in [MS-ERREF].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bootmend.findings import Finding, Severity, Skipped, Station
from bootmend.rules._boot_files import boot_file_finding, with_sound_copy
from bootmend.signing.verdict import Status
from bootmend.texts import say
from bootmend.windows.bootfiles import BootFile, Role
from bootmend.windows.drivers import Trouble
from bootmend.windows.installation import Windows

STATION = Station.KERNEL
NEEDS_REGISTRY = False


def check(windows: Windows) -> Iterator[Finding]:
    for file in windows.boot_files.all:
        if file.trouble not in (Trouble.FILE_UNKNOWN, Trouble.UNREADABLE):
            continue
        status = file.verdict.status.value if file.verdict is not None else "unreadable"
        finding = boot_file_finding(file, "boot_file_damaged", status=status)
        if somebody_elses(file):
            skipped = Skipped(say("rules.restore_file", where=file.where), say("rules_kernel.other_manager"))
            yield replace(finding, severity=Severity.RISK, prediction=None, skipped=(skipped,))
        else:
            yield with_sound_copy(windows, file, finding)


def somebody_elses(file: BootFile) -> bool:
    """A whole program in the boot manager's place that nobody signed: firmware without Secure Boot starts it."""
    return file.role is Role.MANAGER and file.verdict is not None and file.verdict.status is Status.NOT_SIGNED
