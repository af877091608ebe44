"""The boot loader, the kernel, or a library that one of them or a driver imports does not exist.

Symptom:  an error screen of the boot manager or the boot loader that names the file, with 0xC000000F (also
          0xC0000225, 0xC0000098, 0xC000000E, by build): "a required file is missing or contains errors".
          Where only a driver of the kernel's own start needs it: stop 0x5A.
Cause:    the default boot entry names a winload that is not there, or ntoskrnl.exe is not there, or what
          an import table names is in none of the places where Windows looks for it.
Evidence: the place where the file is not, and which image imports it. No list of names is asked: releases
          differ in what they have, and what nothing imports is not missed.
Repair:   puts a sound copy there, from the same sources and by the same proof as for a driver: WinSxS,
          WinSxS\\Backup, then a donor of the same build.
Not done: kdcom.dll is no cause where kd.dll or kdstub.dll stands: the boot loader chooses between them. A
          library that only drivers import and that no component of Windows has is told by
          import_unresolved. The boot manager's own file is told by boot_manager_missing.
By hand:  `sfc /scannow /offbootdir=D:\\ /offwindir=D:\\Windows`, or copy the file from WinSxS.

Sources:  "Windows boot error 0xC000000F - Status No Such File", "... 0xC0000225 - Status not found" (Microsoft).
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.findings import Finding, Station
from bootmend.rules._boot_files import boot_file_finding, with_sound_copy
from bootmend.windows.bootfiles import BootFile, Role
from bootmend.windows.drivers import Trouble
from bootmend.windows.installation import Windows

STATION = Station.KERNEL
NEEDS_REGISTRY = False


def check(windows: Windows) -> Iterator[Finding]:
    for file in windows.boot_files.all:
        if file.trouble is Trouble.FILE_MISSING and (file.role is not Role.LIBRARY or known(windows, file)):
            finding = boot_file_finding(file, "boot_file_missing", where=file.where)
            yield with_sound_copy(windows, file, finding)


def known(windows: Windows, file: BootFile) -> bool:
    """Windows itself keeps a copy of a library: it belongs to this machine."""
    return bool(windows.components.copies(file.image))
