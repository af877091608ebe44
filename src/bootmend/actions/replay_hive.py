"""Writes what a dirty hive's logs hold into the hive itself, as Windows would at its next start.

The logs' first sectors are zeroed in the same commit, so that Windows does not apply them again
over what is edited afterwards; undo puts hive and logs back together.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.errors import Refused
from bootmend.findings import Action, EditTarget, Phase
from bootmend.formats.hive import RecoveryState, quiet_log, recover
from bootmend.texts import say


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayHive(Action):
    volume: int
    path: str
    logs: tuple[str, ...]
    """Suffixes of the log files that exist beside the hive: LOG, LOG1, LOG2."""

    @property
    def kind(self) -> str:
        return "replay_hive"

    @property
    def target(self) -> str:
        return f"volume {self.volume}:{self.path}"

    @property
    def source(self) -> str:
        return ", ".join(f"{self.path}.{suffix}" for suffix in self.logs)

    @property
    def phase(self) -> Phase:
        return Phase.REPLAY

    def apply(self, machine: EditTarget) -> None:
        logs = {suffix: machine.read_file(self.volume, f"{self.path}.{suffix}") for suffix in self.logs}
        recovery = recover(machine.read_file(self.volume, self.path), logs, self.target)
        if recovery.state is RecoveryState.UNREPLAYABLE:
            raise Refused(say("actions.unreplayable", target=self.target, reason=recovery.reason))
        machine.put_file(self.volume, self.path, recovery.data)
        for suffix, log in logs.items():
            if log:
                machine.put_file(self.volume, f"{self.path}.{suffix}", quiet_log(log))
