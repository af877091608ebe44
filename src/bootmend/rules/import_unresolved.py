"""A driver or a part of the kernel imports a function that the library on this disk does not have.

Symptom:  the boot loader stops at the driver with an error screen, or the driver is not loaded: 0xC0000263 (driver
          entry point not found), 0xC0000262 (by ordinal), 0xC0000135 or 0xC0000139 where a library is missing or too
          old. Where it is the disk's own driver that is not loaded: stop 0x7B.
Cause:    files of two versions stand together: an update that was cut off, a file that was copied from another machine,
          or a driver made for a newer Windows. Each file is signed and sound; together they cannot be loaded.
Evidence: the importing file, the library, and the functions that the library's export table does not list (forwarders
          are followed), or the library that is nowhere where Windows looks.
Repair:   the copy of the library, or else of the importing file, in WinSxS with which every import of every image
          resolves again, and for which this machine's catalogs or its own signature vouch. The newest version that
          WinSxS has is put in place by itself, another only with --accept other-version.
Not done: API sets (api-ms-, ext-ms-) are not judged: their schema resolves them. Neither are tables that cannot be read
          whole. A driver that Windows starts without is a risk or a note, never a cause. Nothing is disabled.
By hand:  `sfc /scannow /offbootdir=D:\\ /offwindir=D:\\Windows`, or take the last update back:
          `dism /image:D:\\ /get-packages`, then `dism /image:D:\\ /remove-package /packagename:<name>`.

Sources:  "PE Format" (Microsoft), the .idata and .edata sections; NTSTATUS values in [MS-ERREF].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bootmend.actions.content import AtHand, Content, OnDisk
from bootmend.actions.replace_file import ReplaceFile
from bootmend.errors import InputError, Refused, Unequipped
from bootmend.findings import (
    Action,
    Confidence,
    Evidence,
    Finding,
    Prediction,
    Safety,
    Screen,
    Severity,
    Skipped,
    Station,
)
from bootmend.formats.pe import Linkage, Pe, read_linkage
from bootmend.rules.boot_file_missing import known
from bootmend.texts import say
from bootmend.windows.boot_outlook import station_of
from bootmend.windows.bootfiles import BootFile, Role, Unresolved
from bootmend.windows.components import Copy, version_key
from bootmend.windows.drivers import AuditedDriver, Trouble
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import driver_station, predict_screen, predict_stop

STATION = Station.BOOT_DRIVERS

DLL_NOT_FOUND, ENTRY_POINT_NOT_FOUND, ORDINAL_NOT_FOUND = 0xC0000135, 0xC0000263, 0xC0000262
OTHER_VERSION = "other-version"
MOST_NAMED, MOST_COPIES = 6, 50


def check(windows: Windows) -> Iterator[Finding]:
    for file in windows.boot_files.all:
        if file.role is Role.LIBRARY and file.trouble is Trouble.FILE_MISSING and not known(windows, file):
            yield _library_gone(windows, file)
    for one in windows.boot_files.unresolved:
        yield _finding(windows, one)


def _library_gone(windows: Windows, file: BootFile) -> Finding:
    needers = [importer for importer, _ in windows.boot_files.importers(file)]
    return Finding(
        rule="import_unresolved",
        severity=_severity(needers),
        subject=file.needed_by,
        title=say("rules_kernel.import_title_library", importer=file.needed_by, library=file.image),
        why=say("rules_kernel.import_why_library", library=file.image),
        evidence=(
            Evidence(file.where, say("rules.no_such_file")),
            *(Evidence(one.where, say("rules_kernel.imports", library=file.image)) for one in needers[:MOST_NAMED]),
        ),
        skipped=(Skipped(say("rules.use_donor"), say("rules_kernel.import_no_library", library=file.image)),),
        prediction=_predict(needers, file.image, DLL_NOT_FOUND),
        station=station_of(file),
        rank=file.rank,
    )


def _finding(windows: Windows, one: Unresolved) -> Finding:
    functions = ", ".join(one.functions[:MOST_NAMED]) + (" ..." if len(one.functions) > MOST_NAMED else "")
    chosen = _way_out(windows, one)
    status = ORDINAL_NOT_FOUND if one.functions[0].startswith("#") else ENTRY_POINT_NOT_FOUND
    names = {"importer": one.importer.image, "library": one.library.image, "functions": functions}
    own = one.importer if isinstance(one.importer, BootFile) else None
    no_copy = Skipped(say("rules.use_donor"), say("rules_kernel.import_no_copy", **names))
    return Finding(
        rule="import_unresolved",
        severity=_severity([one.importer]),
        subject=one.importer.image,
        title=say("rules_kernel.import_title", count=len(one.functions), **names),
        why=say("rules_kernel.import_why", **names),
        evidence=(
            Evidence(one.importer.where, say("rules_kernel.imports_functions", **names)),
            Evidence(one.library.where, say("rules_kernel.exports_not", **names)),
            *(chosen.evidence if chosen is not None else ()),
        ),
        actions=(chosen.action,) if chosen is not None else (),
        skipped=() if chosen is not None else (no_copy,),
        prediction=_predict([one.importer], one.library.image, status),
        station=station_of(own) if own is not None else driver_station(one.importer),
        rank=own.rank if own is not None else _rank(windows, one.importer),
    )


def _rank(windows: Windows, driver: AuditedDriver) -> int:
    return windows.load_ranks.get(driver.service.name.lower(), 0)


def _severity(importers: Iterable[AuditedDriver]) -> Severity:
    every = list(importers)
    if any(one.needed_to_start for one in every):
        return Severity.CAUSE
    return Severity.RISK if any(one.early for one in every) else Severity.NOTE


def _predict(importers: Iterable[AuditedDriver], library: str, status: int) -> Prediction | None:
    one = next((importer for importer in importers if importer.needed_to_start), None)
    if one is None:
        return None
    if one.early:
        words = say("rules_kernel.words_missing")
        why = say("rules_kernel.import_predicted_boot", importer=one.image, library=library)
        return predict_screen(Screen.BOOT_MANAGER, words, why, Confidence.LOW, status=status, image=one.location.path)
    why = say("rules_kernel.import_predicted_system", importer=one.image, library=library)
    return predict_stop(0x5A, why, Confidence.MEDIUM, status=status, image=one.image)


@dataclass(frozen=True, slots=True)
class _WayOut:
    action: Action
    evidence: tuple[Evidence, ...]


def _way_out(windows: Windows, one: Unresolved) -> _WayOut | None:
    """A copy of the library that has every function asked of it, or of the importer that asks for none too many."""
    asked = {name for _, names in windows.boot_files.importers(one.library) for name in names}
    for copy, linkage in _copies(windows, one.library):
        if asked <= set(linkage.exports) and windows.boot_files.resolves(linkage):
            return _put(windows, one.library, copy)
    for copy, linkage in _copies(windows, one.importer):
        if windows.boot_files.resolves(linkage):
            return _put(windows, one.importer, copy)
    return None


def _copies(windows: Windows, file: AuditedDriver) -> Iterator[tuple[Copy, Linkage]]:
    """Sound copies of other content, with what each imports and exports, newest first."""
    own = file.entry.file_id if file.entry is not None else None
    for copy in windows.components.copies(file.image)[:MOST_COPIES]:
        if copy.file_id == own:
            continue
        try:
            data = copy.read()
            verdict = windows.signatures.active.audit(data, copy.where)
            if not verdict.kernel_would_refuse and verdict.microsoft:
                yield copy, read_linkage(Pe.parse(data, copy.where))
        except Unequipped:
            raise
        except (InputError, Refused):
            continue


def _put(windows: Windows, file: AuditedDriver, copy: Copy) -> _WayOut | None:
    if file.location.volume is None:
        return None
    newest = max((version_key(other.version) for other in windows.components.copies(file.image)), default=())
    safe = bool(newest) and version_key(copy.version) == newest
    content: Content = AtHand(copy.where, copy.read()) if copy.kind == "backup" else OnDisk(windows.volume, copy.path)
    action = ReplaceFile(
        volume=file.location.volume,
        path=file.location.path,
        content=content,
        safety=Safety.SAFE if safe else Safety.RISKY,
        risk="" if safe else OTHER_VERSION,
    )
    said = Evidence(copy.where, say("rules_kernel.copy_resolves", image=file.image, version=copy.version or "?"))
    return _WayOut(action, (said,))
