"""What servicing left for the next start: a queue of operations, and the marks that say so.

    WinSxS\\pending.xml                         the operations that the next start is to finish
    Session Manager\\SetupExecute               the session manager runs poqexec.exe on them
    SOFTWARE ... Component Based Servicing      PackagesPending, RebootPending, RebootInProgress
    COMPONENTS (root key)                       how far a transaction of the store has come

A machine that waits for its restart after an update has all of them and is well. SessionsPending is no sign:
a settled machine keeps one key there for each session, with Complete=1. COMPONENTS is large (100 MB) and is only
read where something else is there.

Source: Microsoft's "Advanced troubleshooting for Windows boot problems" (pending.xml, PendingXmlIdentifier) and
the markers that Azure's repair script for pending servicing lists.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bootmend.errors import InputError, Missing
from bootmend.findings import Evidence, HiveFile
from bootmend.formats.filetime import shown
from bootmend.formats.hive import Key, Value
from bootmend.texts import say
from bootmend.volumes.volume import Entry
from bootmend.windows.installation import Windows
from bootmend.windows.registry import load_hive

PENDING = "WinSxS\\pending.xml"
SESSION_MANAGER, SETUP_EXECUTE = "Control\\Session Manager", "SetupExecute"
QUEUE_RUNNER = "poqexec"
SERVICING = "Microsoft\\Windows\\CurrentVersion\\Component Based Servicing"
MARKS = ("PackagesPending", "RebootPending", "RebootInProgress")
STORE_MARKS = (
    "ExecutionState",
    "PendingXmlIdentifier",
    "NextQueueEntryIndex",
    "NextQueueEntryIndexBCDB",
    "AdvancedInstallersNeedResolving",
    "StoreDirty",
)


@dataclass(slots=True)
class PendingWork:
    """Everything that says that servicing is not done."""

    queue: Entry | None = None
    """pending.xml."""
    runner: Value | None = None
    """SetupExecute, where it runs the queue."""
    marks: list[str] = field(default_factory=list)
    """Keys of MARKS that are there."""
    store_marks: list[Value] = field(default_factory=list)
    store_unread: str = ""
    """Why COMPONENTS was not asked."""

    def __bool__(self) -> bool:
        return self.queue is not None or self.runner is not None or bool(self.marks)

    @property
    def runs_at_start(self) -> bool:
        """The next start works through the queue before anything else."""
        return self.queue is not None and self.runner is not None

    def kept(self) -> list[str]:
        """What else SetupExecute runs."""
        commands = self.runner.strings if self.runner is not None else []
        return [command for command in commands if QUEUE_RUNNER not in command.lower()]


def software_hive(windows: Windows) -> HiveFile:
    return HiveFile(windows.volume, f"{windows.path}\\System32\\config\\SOFTWARE")


def components_hive(windows: Windows) -> HiveFile:
    return HiveFile(windows.volume, f"{windows.path}\\System32\\config\\COMPONENTS")


def pending_work(windows: Windows) -> PendingWork:
    """Raises InputError where the folder of the queue cannot be looked at."""
    work = PendingWork()
    try:
        entry = windows.image.volume(windows.volume).stat(f"{windows.path}\\{PENDING}")
        work.queue = None if entry.directory else entry
    except Missing:
        pass
    manager = windows.control(SESSION_MANAGER) if windows.registry_fault is None else None
    value = manager.value(SETUP_EXECUTE) if manager is not None else None
    if value is not None and any(QUEUE_RUNNER in command.lower() for command in value.strings):
        work.runner = value
    if not isinstance(windows.software, InputError):
        servicing = windows.software.hive.key(SERVICING)
        work.marks = [name for name in MARKS if servicing is not None and _below(servicing, name)]
    if work:
        _ask_store(windows, work)
    return work


def _below(key: Key, name: str) -> bool:
    return any(one.name.lower() == name.lower() for one in key.subkeys())


def _ask_store(windows: Windows, work: PendingWork) -> None:
    try:
        hive = load_hive(windows.image, windows.volume, components_hive(windows).path)
    except InputError as reason:
        work.store_unread = str(reason)
        return
    if hive.unreplayable:
        work.store_unread = say("plan.unreplayable", hive=hive.where, reason=hive.recovery.reason)
        return
    for name in STORE_MARKS:
        value = hive.hive.root.value(name)
        # Absent, empty and 0 are what a settled store has.
        if value is not None and any(value.data):
            work.store_marks.append(value)


def evidence(windows: Windows, work: PendingWork) -> list[Evidence]:
    """Each sign with its address."""
    found: list[Evidence] = []
    if work.queue is not None:
        words = say("rules_witness.queue", size=work.queue.size, when=shown(work.queue.modified))
        found.append(Evidence(windows.where(PENDING), words))
    if work.runner is not None:
        where = f"SYSTEM\\{windows.control_set}\\{SESSION_MANAGER}: {SETUP_EXECUTE}"
        found.append(Evidence(where, " | ".join(work.runner.strings)))
    for name in work.marks:
        found.append(Evidence(f"SOFTWARE\\{SERVICING}\\{name}", say("rules_witness.mark_there")))
    if work.store_marks:
        names = ", ".join(value.name for value in work.store_marks)
        found.append(Evidence(components_hive(windows).where, say("rules_witness.store_marks", names=names)))
    if work.store_unread:
        found.append(Evidence(components_hive(windows).where, work.store_unread))
    return found
