"""The control set that Windows is to start with does not exist, or lacks what every start needs.

Symptom:  an error screen of the boot loader that names \\Windows\\System32\\config\\SYSTEM, often with
          0xC0000225; the hive itself is sound.
Cause:    the key Select of the SYSTEM hive says by number which control set is next (Default; Current where
          there is no Default). It names none, or one that is not there, or one without its keys Control and
          Services: numbers were counted up by hand, or a set was deleted. Where only Current names such a
          set, the loader should still start with Default; nothing was ever seen to leave a hive so, and
          every tool that follows Current is led astray: it is told, with low confidence.
Evidence: the values of Select, and which control sets the hive holds.
Repair:   lets Select name a complete set. The one that started Windows last (Current), if it is complete; else,
          on request (--accept last-known-good), the one that LastKnownGood names; else, on request
          (--accept only-control-set), the only complete set that the hive holds.
Not done: no set is made or copied, and no number is guessed: of several complete sets that Select does not
          name, none is chosen.
By hand:  reg load HKLM\\BROKEN D:\\Windows\\System32\\config\\SYSTEM, then set Select\\Default and Current to the
          number of a set that is there; bootmend reg DISK -- query HKLM\\SYSTEM\\Select.

Sources:  "Select" in Microsoft's registry reference; "Windows boot error 0xC0000225 - Status not found" (Microsoft).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmend.actions.registry import SetValue
from bootmend.errors import InputError
from bootmend.findings import Confidence, Evidence, Finding, Safety, Screen, Severity, Skipped, Station
from bootmend.formats.hive import Hive, ValueType
from bootmend.texts import say
from bootmend.windows.control_sets import LAST, NEXT, named_by
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_screen

STATION = Station.REGISTRY
NEEDS_REGISTRY = False

NOT_FOUND = 0xC0000225
LAST_KNOWN_GOOD, ONLY_SET = "last-known-good", "only-control-set"
"""Words for `--accept`: the set of an earlier day, and the only one there is though nothing names it."""
NEEDED = ("Control", "Services")
SHOWN = ("Current", "Default", "Failed", "LastKnownGood")
MOST_SETS = 20
_SET = re.compile(r"ControlSet(\d{3})", re.IGNORECASE)


def check(windows: Windows) -> Iterator[Finding]:
    try:
        hive = windows.system.hive
    except InputError:
        return  # hive_unreadable says it
    if windows.system_loss is not None:
        return  # a set may have stood in the part that is lost
    word = NEXT if named_by(hive, NEXT) else LAST
    named = named_by(hive, word)
    next_is_whole = lacking(hive, named) is None
    if next_is_whole:
        word, named = LAST, named_by(hive, LAST)
        if not named or lacking(hive, named) is None:
            return
    chosen, risk = (named_by(hive, NEXT), "") if next_is_whole else _way_out(hive)
    yield Finding(
        rule="control_set_missing",
        severity=Severity.CAUSE,
        subject=named or "Select",
        title=say("rules_kernel.set_title" if named else "rules_kernel.set_title_none", name=named, word=word),
        why=say("rules_kernel.set_why_last" if next_is_whole else "rules_kernel.set_why"),
        evidence=_evidence(windows, hive, named),
        actions=tuple(_edits(windows, hive, chosen, risk)) if chosen else (),
        skipped=() if chosen else (Skipped(say("rules_kernel.set_action"), say("rules_kernel.set_reason")),),
        prediction=predict_screen(
            Screen.BOOT_MANAGER,
            say("rules_kernel.hive_words"),
            say("rules_kernel.set_predicted"),
            Confidence.LOW if next_is_whole else Confidence.MEDIUM,
            status=NOT_FOUND,
            image="\\Windows\\System32\\config\\SYSTEM",
        ),
    )


def lacking(hive: Hive, name: str) -> str | None:
    """What a control set lacks, in words; None for a complete one."""
    key = hive.key(name) if name else None
    if key is None:
        return say("rules_kernel.set_absent")
    absent = [needed for needed in NEEDED if (below := key.key(needed)) is None or not below.subkeys()]
    return say("rules_kernel.set_lacks", names=", ".join(absent)) if absent else None


def complete_sets(hive: Hive) -> list[str]:
    names = [key.name for key in hive.root.subkeys() if _SET.fullmatch(key.name)][:MOST_SETS]
    return [name for name in names if lacking(hive, name) is None]


def _way_out(hive: Hive) -> tuple[str, str]:
    """The set to start with instead and the word for `--accept` that it takes; two empty strings where none is sure."""
    for value, risk in ((LAST, ""), ("LastKnownGood", LAST_KNOWN_GOOD)):
        name = named_by(hive, value)
        if lacking(hive, name) is None:
            return name, risk
    there = complete_sets(hive)
    return (there[0], ONLY_SET) if len(there) == 1 else ("", "")


def _evidence(windows: Windows, hive: Hive, named: str) -> tuple[Evidence, ...]:
    select = hive.key("Select")
    values = {value.name: value for value in select.values()} if select is not None else {}
    said = [f"{name}={values[name].number}" for name in SHOWN if name in values and len(values[name].data) == 4]
    there = complete_sets(hive)
    return (
        Evidence(f"{windows.system.where}\\Select", " ".join(said) or say("rules_kernel.set_no_select")),
        Evidence(f"{windows.system.where}\\{named}", lacking(hive, named) or ""),
        Evidence(windows.system.where, say("rules_kernel.set_there", names=", ".join(there) or "-")),
    )


def _edits(windows: Windows, hive: Hive, chosen: str, risk: str) -> Iterator[SetValue]:
    """Default and Current, as far as they do not name a complete set."""
    number = int(chosen[-3:])
    for value in (NEXT, LAST):
        if lacking(hive, named_by(hive, value)) is not None:
            yield SetValue(
                hive=windows.system_hive,
                key="Select",
                name=value,
                type=ValueType.DWORD,
                data=number.to_bytes(4, "little"),
                shown=f"REG_DWORD {number}",
                safety=Safety.RISKY if risk else Safety.SAFE,
                risk=risk,
            )
