"""The newest crash dump as a witness: what it tells, and whether it tells of the present trouble.

    CrashFiles + Timeline -> Crash (code, status, image; its age) -> evidence beside findings, a sentence in the report

A dump is of the present trouble (fresh) where nothing says that Windows has run well since: the start that copies a
dump out of the page file is one such start and says nothing; two, or one that went on for more than an hour, do.
Where no log tells of any start, the time of the SYSTEM hive speaks: else not, for offline edits set it too.
What is older than 30 days before the last try is a lead, as every old witness is. A copy that a tool took of a
running machine is no crash. Only what is fresh counts.

Without symbols and without the stack: the images that a stack runs through are megabytes, and `dump` is there for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from bootmend.dumps import open_dump
from bootmend.dumps.bugchecks import bug_check, status_name
from bootmend.dumps.verdict import Verdict, judge
from bootmend.errors import InputError
from bootmend.findings import Confidence, Evidence, Prediction
from bootmend.formats.filetime import moment, shown
from bootmend.texts import say
from bootmend.windows.crash_files import CrashFile, CrashFiles, crash_files
from bootmend.windows.timeline import Timeline
from bootmend.windows.witnesses.observation import Kind, Observation

if TYPE_CHECKING:
    from bootmend.windows.installation import Windows

HOUR = 3600 * 10_000_000
"""In units of a FILETIME."""
_RAN = (Kind.STARTED, Kind.STOPPED, Kind.UPDATED)
"""What only a Windows does that has come up."""


class Age(Enum):
    """Whether a dump counts. The value ends its key in the catalogue of texts."""

    FRESH = "fresh"
    OVERTAKEN = "overtaken"
    """Windows has run since, as far as logs or hive tell."""
    OLD = "old"
    """More than 30 days before the last try to start."""
    UNDATED = "undated"
    TOOL = "tool"
    """A tool made it of a running machine."""


@dataclass(frozen=True, slots=True)
class Crash:
    """What the newest dump of a disk tells."""

    file: CrashFile
    age: Age
    code: int
    verdict: Verdict

    @property
    def counts(self) -> bool:
        return self.age is Age.FRESH

    @property
    def where(self) -> str:
        return self.file.where

    @property
    def when(self) -> int:
        """FILETIME."""
        return self.file.header.system_time

    @property
    def image(self) -> str:
        """The file that it blames, without its path; empty where it names none, or the kernel itself."""
        return self.verdict.image if self.verdict.module != "nt" else ""

    @property
    def name(self) -> str:
        return bug_check(self.code).name

    @property
    def what(self) -> str:
        """In one sentence, without a full stop."""
        told = say("crash.stop", when=shown(self.when), code=f"0x{self.code:X}", name=self.name)
        if self.image:
            told += say("crash.image", image=self.image)
        if self.verdict.status:
            name = status_name(self.verdict.status)
            told += say("crash.status", status=f"0x{self.verdict.status:08X}", name=f" {name}" if name else "")
        return told

    def names(self, image: str) -> bool:
        return self.counts and self.image.lower() == image.lower() != ""

    def evidence(self, image: str) -> tuple[Evidence, ...]:
        """What it says against a file of that name; nothing where it does not count."""
        return (Evidence(self.where, self.what),) if self.names(image) else ()


def last_crash(windows: Windows) -> Crash | None:
    """The newest dump that a crash made; one by a tool where there is no other. Reads less than a megabyte of it."""
    listed = crash_files(windows)
    crashes = [one for one in listed.found if not one.header.made_by_a_tool]
    for file in crashes or listed.found:
        try:
            dump = open_dump(file.file, file.where)
            return Crash(file, age_of(file, listed, windows.timeline), dump.code, judge(dump))
        except InputError:
            continue  # broken behind its header: the next one is the newest that can be heard
    return None


def age_of(file: CrashFile, listed: CrashFiles, timeline: Timeline) -> Age:
    when = file.header.system_time
    if file.header.made_by_a_tool:
        return Age.TOOL
    if moment(when) is None:
        return Age.UNDATED
    after = [(one.kind, one.when) for one in timeline.observations if one.when is not None and one.when > when]
    starts = [moment_of for kind, moment_of in after if kind is Kind.STARTED]
    reached = starts[0] if starts else when
    ran = [moment_of for kind, moment_of in after if kind in _RAN]
    if timeline.newest(Kind.STARTED) is None:
        ran.append(listed.written)
    if len(starts) > 1 or max(ran, default=0) > reached + HOUR:
        return Age.OVERTAKEN
    known = timeline.last_try is not None
    return Age.OLD if known and not timeline.recent(Observation(when, Kind.CRASHED, "", "")) else Age.FRESH


def borne_out(prediction: Prediction | None, crash: Crash | None) -> Prediction | None:
    """The prediction, surer where the machine's last dump tells of that very stop: it happened."""
    if prediction is None or crash is None or not crash.counts or prediction.stop != crash.code:
        return prediction
    same = prediction.status in (None, crash.verdict.status) and crash.names(prediction.image or "")
    return replace(prediction, confidence=Confidence.HIGH) if same else prediction
