"""The default boot entry names a kernel, HAL or debugger transport of its own that is not there.

Symptom:  an error screen of the boot loader that names the file: "a required file is missing or contains
          errors", often with 0xC000000F.
Cause:    the elements kernel, hal and dbgtransport of the default entry take the place of ntoskrnl.exe,
          hal.dll and kdcom.dll. They are for developers and some virtualisation tools; one was left behind when
          its file was removed, or by an update that no longer brings the file.
Evidence: the element, the object that holds it, and the place in System32 where its file is not.
Repair:   deletes the element where it stands, so that Windows' own file is loaded again.
Not done: a kernel that is there is judged as what it is (boot_file_damaged, boot_file_untrusted). While Windows'
          own file is gone too, nothing is deleted. dbgtransport matters only where a debugger is on: a risk.
By hand:  bcdedit /store <BCD> /deletevalue {default} kernel (or hal, dbgtransport).
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.errors import InputError
from bootmend.findings import Confidence, Evidence, Finding, Screen, Severity, Skipped, Station
from bootmend.rules._store import STATUS_NO_SUCH_FILE, BootEntry, boot_entry, delete_element, holder_of
from bootmend.texts import say
from bootmend.windows.image import address
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_screen

STATION = Station.BOOT_LOADER
NEEDS_REGISTRY = False

USUAL = {"kernel": "ntoskrnl.exe", "hal": "hal.dll", "dbgtransport": "kdcom.dll"}


def check(windows: Windows) -> Iterator[Finding]:
    entry = boot_entry(windows)
    if entry is None:
        return
    for name in USUAL:
        file = entry.text(name)
        if file and _is_gone(windows, file):
            yield _finding(windows, entry, name, file)


def _finding(windows: Windows, entry: BootEntry, name: str, file: str) -> Finding:
    element = entry.store.setting(entry.object, name)
    assert element is not None
    holder = holder_of(entry.store, entry.object, name)
    stops = name != "dbgtransport"
    mendable = not _is_gone(windows, USUAL[name])
    action = say("rules_boot.kernel_action", name=name)
    return Finding(
        rule="bcd_kernel",
        severity=Severity.CAUSE if stops else Severity.RISK,
        subject=f"{entry.object.name} {name}",
        title=say("rules_boot.kernel_title", name=name, file=file),
        why=say("rules_boot.kernel_why" if stops else "rules_boot.kernel_why_debugger", name=name, usual=USUAL[name]),
        evidence=(
            Evidence(f"{entry.store.file} {holder.name}", str(element)),
            Evidence(_where(windows, file), say("rules_boot.file_not_here")),
        ),
        actions=(delete_element(windows, holder, element),) if mendable else (),
        skipped=() if mendable else (Skipped(action, say("rules_boot.kernel_skipped", usual=USUAL[name])),),
        prediction=predict_screen(
            Screen.BOOT_MANAGER,
            say("rules_kernel.words_missing"),
            say("rules_boot.kernel_predicted", file=file),
            Confidence.MEDIUM,
            status=STATUS_NO_SUCH_FILE,
            image=_path(windows, file),
        )
        if stops
        else None,
    )


def _path(windows: Windows, file: str) -> str:
    return f"{windows.path}\\System32\\{file}"


def _where(windows: Windows, file: str) -> str:
    return address(windows.volume, _path(windows, file))


def _is_gone(windows: Windows, file: str) -> bool:
    """Nothing is said of what cannot be looked at."""
    try:
        return not windows.image.has_file(windows.volume, _path(windows, file))
    except InputError:
        return False
