"""A registry hive that no start does without is missing, or cannot be loaded.

Symptom:  SYSTEM: an error screen of the boot loader that names \\Windows\\System32\\config\\SYSTEM, with
          0xC000014C (or 0xC000000F, 0xC0000225 where the file is missing), or stop 0x74
          BAD_SYSTEM_CONFIG_INFO. SOFTWARE, SAM, SECURITY, DEFAULT: stop 0xC0000218, "The registry cannot
          load the hive (file) ... It is corrupt, absent, or not writable".
Cause:    the file does not exist, has 0 bytes, does not begin as a hive, ends before its own data does, or
          its root cannot be read, and its logs do not give back what is lacking. Of SYSTEM also: a part inside is
          no registry data, and services that every Windows has are lost with it.
Evidence: the file and the offset where it stops being a hive, after a replay of its logs in memory.
Repair:   on request (--accept regback): the copy that Windows itself made in config\\RegBack, if all copies
          there are clean and sound, SYSTEM and SOFTWARE are among them, and SAM and SECURITY both. Only
          hives that cannot be loaded are replaced, SAM and SECURITY always together. What changed since
          that day is rolled back: passwords and the machine's domain trust too.
Not done: a dirty hive is not a broken one: its logs are replayed. A dirty hive whose logs cannot be applied
          but that reads is no cause. Hives of other machines are never taken. Since Windows 10 1803 the
          copies in RegBack have 0 bytes.
By hand:  in the recovery console: copy C:\\Windows\\System32\\config\\RegBack\\SOFTWARE
          C:\\Windows\\System32\\config\\ ("Fix registry hive corruption in Windows VMs", Microsoft), or
          restore the file from a backup.

Sources:  "Registry troubleshooting steps for advanced users" (Microsoft, KB 822705) for 0xC0000218; "Bug
          Check 0x74"; status 0xC000014C on config\\system is STATUS_REGISTRY_CORRUPT in [MS-ERREF].
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.actions.content import AtHand, OnDisk
from bootmend.actions.create_file import CreateFile
from bootmend.actions.replace_file import ReplaceFile
from bootmend.findings import (
    Action,
    Confidence,
    Evidence,
    Finding,
    HiveFile,
    Prediction,
    Safety,
    Screen,
    Severity,
    Skipped,
    Station,
)
from bootmend.formats.hive import Hive, from_filetime, quiet_log
from bootmend.texts import say
from bootmend.windows.config_hives import NAMES, Backup, ConfigHive, HiveTrouble, config_file, config_hives, regback
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_screen, predict_stop
from bootmend.windows.registry import LOG_SUFFIXES, MAX_HIVE, MAX_LOG

STATION = Station.REGISTRY
NEEDS_REGISTRY = False

REGBACK = "regback"
"""The word for `--accept` that allows Windows' own older copies of the registry."""

REGISTRY_CORRUPT, NO_SUCH_FILE = 0xC000014C, 0xC000000F
TOGETHER = ("SAM", "SECURITY")
"""Accounts, and the secrets that belong to them: of one day, or they do not fit."""


def check(windows: Windows) -> Iterator[Finding]:
    broken = [hive for hive in config_hives(windows) if hive.trouble is not None]
    copies = regback(windows) if broken else Backup({})
    for hive in broken:
        yield _finding(windows, hive, copies)


def _finding(windows: Windows, hive: ConfigHive, copies: Backup) -> Finding:
    torn = hive.trouble is HiveTrouble.BROKEN_BIN and hive.name == "SYSTEM" and windows.system_loss is not None
    cause = torn or hive.trouble is not HiveTrouble.BROKEN_BIN
    actions, evidence = _copies(windows, hive, copies) if cause else ([], [])
    if not cause:
        skipped = [Skipped(say("rules_kernel.heal_action"), say("rules_kernel.heal_reason"))]
    elif not actions:
        reason = copies.reason or say("rules_kernel.backup_lacks", names=hive.name)
        skipped = [Skipped(say("rules_kernel.regback_action"), say("rules_kernel.regback_none", reason=reason))]
    else:
        skipped = []
    trouble = hive.trouble.value if hive.trouble is not None else ""
    title = "hive_title_torn" if torn else "hive_title" if cause else "hive_title_risk"
    return Finding(
        rule="hive_unreadable",
        severity=Severity.CAUSE if cause else Severity.RISK,
        subject=hive.name,
        title=say(f"rules_kernel.{title}", name=hive.name, trouble=trouble),
        why=_why(hive, cause),
        evidence=(Evidence(hive.file.where, hive.what), *evidence),
        actions=tuple(actions),
        skipped=tuple(skipped),
        prediction=_predict(hive) if cause else None,
        station=Station.REGISTRY if hive.name == "SYSTEM" else Station.SESSION,
        rank=NAMES.index(hive.name),
    )


def _why(hive: ConfigHive, cause: bool) -> str:
    if not cause:
        return say("rules_kernel.hive_why_risk", name=hive.name)
    return say(
        "rules_kernel.hive_why_system" if hive.name == "SYSTEM" else "rules_kernel.hive_why_other", name=hive.name
    )


def _predict(hive: ConfigHive) -> Prediction:
    if hive.name != "SYSTEM":
        # Corrupt is what Microsoft documents from real machines; absent, only by the words of the stop itself.
        sure = Confidence.HIGH if hive.exists else Confidence.MEDIUM
        why = say("rules_kernel.hive_predicted_stop", name=hive.name)
        return predict_stop(0xC0000218, why, sure, image=hive.file.path)
    words = say("rules_kernel.hive_words")
    if hive.exists:
        why, status = say("rules_kernel.hive_predicted_corrupt"), REGISTRY_CORRUPT
    else:
        why, status = say("rules_kernel.hive_predicted_missing"), NO_SUCH_FILE
    return predict_screen(
        Screen.BOOT_MANAGER, words, why, Confidence.MEDIUM, status=status, image="\\Windows\\System32\\config\\SYSTEM"
    )


def _copies(windows: Windows, hive: ConfigHive, copies: Backup) -> tuple[list[Action], list[Evidence]]:
    """The edits that put back the copy, and what they rest on; none where the copies are not to be taken."""
    names = TOGETHER if hive.name in TOGETHER else (hive.name,)
    if copies.reason or any(name not in copies.files for name in names):
        return [], []
    actions: list[Action] = []
    evidence: list[Evidence] = []
    for name in names:
        copy = copies.files[name]
        actions.append(_put(windows, name, copy))
        actions.extend(_quiet(windows, config_file(windows, name)))
        data = windows.image.volume(copy.volume).read(copy.path, MAX_HIVE)
        stamp = from_filetime(Hive.parse(data, copy.where).timestamp)
        when = f"{stamp:%Y-%m-%d %H:%M} UTC" if stamp is not None else say("rules_kernel.unknown_day")
        evidence.append(Evidence(copy.where, say("rules_kernel.regback_offered", when=when)))
    return actions, [*evidence, Evidence(copies.files[names[0]].where, say("rules_kernel.regback_warning"))]


def _put(windows: Windows, name: str, copy: HiveFile) -> Action:
    place = config_file(windows, name)
    content = OnDisk(copy.volume, copy.path)
    if windows.image.has_file(place.volume, place.path):
        return ReplaceFile(volume=place.volume, path=place.path, content=content, safety=Safety.RISKY, risk=REGBACK)
    return CreateFile(
        volume=place.volume, path=place.path, content=content, like=copy.path, safety=Safety.RISKY, risk=REGBACK
    )


def _quiet(windows: Windows, place: HiveFile) -> Iterator[Action]:
    """Logs of the lost hive must not be applied over the copy."""
    files = windows.image.volume(place.volume)
    for suffix in LOG_SUFFIXES:
        path = f"{place.path}.{suffix}"
        if not files.exists(path) or not any(files.open(path).read(0, 512)):
            continue
        content = AtHand(f"volume {place.volume}:{path}", quiet_log(files.read(path, MAX_LOG)))
        yield ReplaceFile(volume=place.volume, path=path, content=content, safety=Safety.RISKY, risk=REGBACK)
