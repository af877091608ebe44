"""The default boot entry asks for an in-memory configuration hive that is not there.

Symptom:  stop 0x67 CONFIG_INITIALIZATION_FAILED early in the boot.
Cause:    the element imcdevice (21000138) tells the loader to load one more registry hive, that of an embedded
          device or an appliance. On a machine that has no such hive it is left over, or was set by mistake.
Evidence: the element, the object that holds it, and that the hive it names (imchivename) cannot be found.
Repair:   deletes the element where it stands: on the entry, or on what the entry inherits from.
Not done: a machine whose hive is there keeps it. Where the device is one that is found at boot, and names no
          partition here, the hive is looked for on the Windows volume.
By hand:  bcdedit /store <BCD> /deletevalue {default} custom:21000138.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.errors import InputError
from bootmend.findings import Confidence, Evidence, Finding, Severity, Station
from bootmend.rules._store import boot_entry, delete_element, holder_of
from bootmend.texts import say
from bootmend.windows.bootentry import device_setting
from bootmend.windows.image import address
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_stop

STATION = Station.KERNEL
NEEDS_REGISTRY = False


def check(windows: Windows) -> Iterator[Finding]:
    entry = boot_entry(windows)
    element = entry.store.setting(entry.object, "imcdevice") if entry is not None else None
    if entry is None or element is None:
        return
    setting = device_setting(windows.image, windows.chain, entry.store, entry.object, "imcdevice")
    number = setting.partition if setting.partition is not None else windows.volume
    path = entry.text("imchivename") or ""
    try:
        if path.startswith("\\") and windows.image.volume(number).exists(path):
            return
    except InputError:
        return
    holder = holder_of(entry.store, entry.object, "imcdevice")
    yield Finding(
        rule="bcd_imc_device",
        severity=Severity.CAUSE,
        subject=entry.object.name,
        title=say("rules_boot.imc_title"),
        why=say("rules_boot.imc_why"),
        evidence=(
            Evidence(f"{entry.store.file} {holder.name}", str(element)),
            Evidence(address(number, path), say("rules_boot.imc_hive" if path else "rules_boot.imc_unnamed")),
        ),
        actions=(delete_element(windows, holder, element),),
        prediction=predict_stop(0x67, say("rules_boot.imc_predicted"), Confidence.MEDIUM),
    )
