"""A filter of a device: whether Windows can load it, and what to do where it cannot.

A device whose filter cannot be loaded does not start (Microsoft's documentation of CM_PROB_FAILED_DRIVER_ENTRY
and of UpperFilters and LowerFilters); on the way to the boot disk that is stop 0x7B.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial

from bootmend.actions.create_file import CreateFile
from bootmend.actions.replace_file import ReplaceFile
from bootmend.errors import InputError, Refused, Unequipped
from bootmend.findings import Action, Confidence, Evidence, Finding, Prediction, Severity, Skipped, Station
from bootmend.rules._sources import find_source
from bootmend.rules._values import set_number, set_strings
from bootmend.rules.boot_driver_start import ALWAYS
from bootmend.signing.verdict import Status
from bootmend.texts import say
from bootmend.windows.drivers import AuditedDriver, Trouble
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_stop
from bootmend.windows.service import Service, Start
from bootmend.windows.third_party import third_party

OF_WINDOWS = frozenset(
    (
        *("partmgr", "fvevol", "iorate", "rdyboost", "ehstorclass", "storflt", "volsnap", "spldr", "volmgrx"),
        *("wcifs", "storqosflt", "kbdclass", "mouclass", "ksthunk", "serenum"),
    )
)
"""Filters that Windows itself puts into lists: those of the storage classes, and of single devices."""

START_AT_BOOT = frozenset(("fvevol", "iorate", "rdyboost", "ehstorclass", "storflt", "spldr", "volmgrx"))
"""Those of them that Windows loads with Start 0."""


class State(Enum):
    NO_SERVICE = "there is no service of this name"
    DISABLED = "its service is disabled (Start 4)"
    NO_FILE = "its file does not exist"
    NO_IMAGE = "its file is empty or no driver"
    FOREIGN = "it loads, but did not come with Windows"


@dataclass(frozen=True, slots=True)
class BadFilter:
    """A filter that cannot be loaded, or that is somebody else's; `service` and `driver` as far as they are there."""

    name: str
    state: State
    evidence: tuple[Evidence, ...]
    service: Service | None = None
    driver: AuditedDriver | None = None

    @property
    def broken(self) -> bool:
        return self.state is not State.FOREIGN


@dataclass(frozen=True, slots=True)
class FilterList:
    """UpperFilters or LowerFilters of a key, as it stands."""

    key: str
    name: str
    filters: tuple[str, ...]

    @property
    def evidence(self) -> Evidence:
        return Evidence(f"SYSTEM\\{self.key}", f"{self.name}={' '.join(self.filters)}")


def judge_filter(windows: Windows, name: str) -> BadFilter | None:
    """What is wrong with the filter; None where it is as it should be, or another rule answers for it."""
    service = windows.services.get(name.lower())
    if service is None:
        key = f"SYSTEM\\{windows.control_set}\\Services\\{name}"
        # boot_driver_start brings back the service of a filter that every boot needs.
        gone = BadFilter(name, State.NO_SERVICE, (Evidence(key, say("rules_storage.no_such_key")),))
        return gone if name.lower() not in ALWAYS else None
    bad = partial(BadFilter, name, service=service)
    if service.start == Start.DISABLED:
        return bad(State.DISABLED, (service.evidence(),)) if name.lower() not in ALWAYS else None
    known = {one.service.name.lower(): one for one in windows.audited}
    driver = known.get(name.lower()) or windows.audit(service)
    if driver.stops_the_boot:
        return None  # the rules of drivers' files tell it
    if driver.trouble is Trouble.FILE_MISSING:
        return bad(State.NO_FILE, driver.evidence(), driver=driver)
    if driver.verdict is not None and driver.verdict.status is Status.NOT_A_DRIVER:
        return bad(State.NO_IMAGE, driver.evidence(), driver=driver)
    others = third_party(windows, driver) if name.lower() not in OF_WINDOWS and driver.entry is not None else None
    return bad(State.FOREIGN, (service.evidence(), others), driver=driver) if others is not None else None


def filter_finding(
    windows: Windows, rule: str, bad: BadFilter, lists: Sequence[FilterList], needed: bool, broken: Sequence[str]
) -> Finding:
    """`lists`: those that name the filter; `needed`: the boot hangs on a device of theirs.

    `broken`: all filters that cannot be loaded, in lower case.
    """
    severity = (Severity.CAUSE if needed else Severity.RISK) if bad.broken else Severity.NOTE
    actions, skipped = _remedy(windows, bad, lists, broken)
    title = "rules_storage.filter_title" if bad.broken else "rules_storage.filter_title_foreign"
    why = "rules_storage.filter_why" if bad.broken else "rules_storage.filter_why_foreign"
    return Finding(
        rule=rule,
        severity=severity,
        subject=bad.name if bad.broken or bad.driver is None else bad.driver.image,
        title=say(title, name=bad.name, state=bad.state.value),
        why=say(why, name=bad.name),
        evidence=(*(one.evidence for one in lists), *bad.evidence),
        actions=tuple(actions),
        skipped=tuple(skipped),
        station=None if bad.broken else Station.AFTERWARDS,
        prediction=_prediction(bad) if severity is Severity.CAUSE else None,
    )


def _prediction(bad: BadFilter) -> Prediction:
    return predict_stop(0x7B, say("rules_storage.filter_predict", name=bad.name), Confidence.HIGH)


def _remedy(
    windows: Windows, bad: BadFilter, lists: Sequence[FilterList], broken: Sequence[str]
) -> tuple[list[Action], list[Skipped]]:
    """The service on again, the file back, or the name out of the lists, in this order."""
    if not bad.broken:
        return [], [Skipped(say("rules_storage.filter_remove", name=bad.name), say("rules_storage.filter_remove_how"))]
    own = bad.name.lower() in OF_WINDOWS
    if bad.state is State.DISABLED and bad.service is not None and bad.name.lower() in START_AT_BOOT:
        return [set_number(windows, bad.service.key, "Start", Start.BOOT)], []
    skipped: list[Skipped] = []
    if bad.driver is not None:
        put_back, skipped = _put_back(windows, bad.driver)
        if put_back or own:
            return put_back, skipped
    if own and bad.state is State.DISABLED:
        return [], [Skipped(say("rules_storage.filter_enable", name=bad.name), say("rules_storage.filter_own"))]
    gone = set(broken)
    return [
        set_strings(windows, one.key, one.name, [name for name in one.filters if name.lower() not in gone])
        for one in lists
    ], skipped


def _put_back(windows: Windows, driver: AuditedDriver) -> tuple[list[Action], list[Skipped]]:
    chosen, skipped = find_source(windows, driver)
    volume = driver.location.volume
    if chosen is None or chosen.other_version or chosen.lost_catalog is not None or volume is None:
        return [], skipped
    content = chosen.candidate.content
    if driver.entry is not None and driver.entry.directory:
        return [], [Skipped(say("rules.restore_file", where=driver.where), say("rules.folder_in_the_way"))]
    if _exists(windows, driver):
        return [ReplaceFile(volume=volume, path=driver.location.path, content=content)], []
    return [CreateFile(volume=volume, path=driver.location.path, content=content)], []


def _exists(windows: Windows, driver: AuditedDriver) -> bool:
    try:
        return driver.location.volume is not None and windows.image.volume(driver.location.volume).exists(
            driver.location.path
        )
    except Unequipped:
        raise
    except (InputError, Refused):
        return False
