"""A client of the double that is killed (kill -9) right after one of its calls took effect, and the resume after it."""

from __future__ import annotations

import os
import signal
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from azure_stage import azure_cloud, double_with_machines
from cloud_stage import GOOD, Patching, boots, run_flow

from bootmend.clouds.azure.cloud import AzureCloud
from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.azure.simulate.server import Seen
from bootmend.clouds.run import Run, Store

Work = Callable[[AzureCloud, Store], Run]


def changes(seen: Seen) -> bool:
    """A call of ARM that changes something: between two of these Azure stands still."""
    return seen.arm and not seen.polling and seen.method != "GET" and "retrieveBoot" not in seen.action


def any_call(seen: Seen) -> bool:
    return seen.arm


@dataclass
class Ending:
    """How it stands after the resume."""

    killed: bool
    """False: the client came to its end before that many calls."""
    run: Run | None
    at: str = ""
    """The call after which it was killed."""
    power: str = ""
    phase: str = ""
    disk_boots: bool = False
    os_disk: str = ""
    disks: list[str] = field(default_factory=list)
    other_disks: list[str] = field(default_factory=list)
    """Such as those of a helper that was not removed."""
    snapshots: list[str] = field(default_factory=list)
    open_links: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    """How often each action was carried out, before and after the kill."""


def repair(put: bytes = GOOD) -> Work:
    return lambda cloud, store: run_flow(cloud, store, "web1", Patching(cloud, put=put))


def killed_after(
    number: int,
    folder: Path,
    work: Work,
    resume: Work,
    *,
    counts: Callable[[Seen], bool] = changes,
    first: Work | None = None,
    pictures: bool = False,
) -> Ending:
    """`first` runs before; then `work` is killed after its call `number` (from 1) of those that count; then `resume`.

    Without `pictures` there are no boot diagnostics: reading letters off them would be most of the time.
    """
    disks, state = folder / "disks", Store(folder / "state")
    disks.mkdir(parents=True)
    with double_with_machines(disks, boot_diagnostics=pictures) as double:
        if first is not None:
            first(azure_cloud(double), state)
        at = killed(double, number, counts, lambda: work(azure_cloud(double), state))
        if not at:
            return Ending(False, None)
        double.on_call(lambda *_: None)
        run = resume(azure_cloud(double), state)
        vm = double.vm("web1")
        return Ending(
            killed=True,
            run=run,
            at=at,
            power=vm.power,
            phase=vm.phase,
            disk_boots=boots(vm.os_disk_path),
            os_disk=vm.os_disk,
            disks=[name for name in double.names("disks") if name.startswith("web1")],
            other_disks=[name for name in double.names("disks") if not name.startswith("web")],
            snapshots=double.names("snapshots"),
            open_links=open_links(double),
            done=Counter(seen.action for seen in double.calls if seen.arm and seen.status < 400 and not seen.polling),
        )


def open_links(double: Double) -> list[str]:
    states = ("ActiveSAS", "ActiveUpload", "ReadyToUpload")
    found = [*double.world.every("Microsoft.Compute/disks"), *double.world.every("Microsoft.Compute/snapshots")]
    return [one.name for one in found if one.properties.get("diskState") in states]


def killed(double: Double, number: int, counts: Callable[[Seen], bool], work: Callable[[], object]) -> str:
    """What it was killed after: the Nth call that counts; empty where it came to its end."""
    ready, go = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.read(ready, 1)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    struck: list[str] = []
    seen_so_far = 0

    def strike(seen: Seen, moment: str) -> None:
        nonlocal seen_so_far
        if moment == "after" and counts(seen) and not struck:
            seen_so_far += 1
            if seen_so_far == number:
                struck.append(f"{seen.method} {seen.action}")
                os.kill(child, signal.SIGKILL)

    double.on_call(strike)
    os.write(go, b"!")
    _, status = os.waitpid(child, 0)
    os.close(ready)
    os.close(go)
    if os.WIFSIGNALED(status):
        return struck[0]
    assert os.WEXITSTATUS(status) == 0, "the client failed by itself"
    return ""
