"""What every command of `bootmend azure` shares: its options, the way to Azure, a question before anything costs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bootmend.cli.note import note
from bootmend.cli.options import SETTINGS
from bootmend.errors import Misuse, Refused, Unequipped
from bootmend.texts import say

if TYPE_CHECKING:
    from rich.console import Console

    from bootmend.clouds.azure.cloud import AzureCloud
    from bootmend.clouds.azure.helper_machine import Wanted
    from bootmend.clouds.cloud import Cloud, How, Machine, Obstacle, Sight, Thing
    from bootmend.clouds.run import Run
    from bootmend.repair import Progress

_SHORTEST_WAIT, _LONGEST_WAIT = 1, 24 * 60
"""Minutes. In less nothing can be told that is not of the start before."""
_SUBNET = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+", re.I
)

Vm = Annotated[str, typer.Argument(metavar="VM", help="Name or resource id of the virtual machine.")]
Vms = Annotated[
    list[str], typer.Argument(metavar="VM...", help="Names or resource ids of virtual machines, one or several.")
]
Group = Annotated[
    str, typer.Option("--resource-group", "-g", metavar="NAME", help="Its resource group; else all are searched.")
]
Subscription = Annotated[
    str, typer.Option("--subscription", metavar="ID", help="Default: AZURE_SUBSCRIPTION_ID, or that of `az`.")
]


def azure_cloud(group: str, subscription: str, vm: str = "") -> AzureCloud:
    """Nothing is asked of Azure yet. Unequipped where the SDK is not installed."""
    try:
        from bootmend.clouds.azure.cloud import AzureCloud
        from bootmend.clouds.azure.connection import connect
    except ModuleNotFoundError as error:
        raise Unequipped(say("azure.no_sdk", name=error.name)) from error
    from bootmend.clouds.azure.ids import ResourceId, looks_like_id

    if vm and looks_like_id(vm) and not subscription:
        subscription = ResourceId.parse(vm).subscription
    return AzureCloud(connect(subscription), group)


def helper_wanted(
    group: str, size: str, disk_kind: str, subnet: str, tags: list[str], keep: bool, disks: int = 0
) -> Wanted:
    """Misuse for words that are no tag, no subnet, and no number of disks."""
    from bootmend.clouds.azure.helper_machine import SIZES, Wanted

    pairs = [tuple(word.partition("=")[::2]) for word in tags]
    for name, value in pairs:
        if not name or not value:
            raise Misuse(say("azure.bad_tag", word=name))
    if subnet and not _SUBNET.fullmatch(subnet):
        raise Misuse(say("azure.bad_subnet", id=subnet))
    if disks == 1:
        raise Misuse(say("azure.bad_disks"))
    told = tuple((name, value) for name, value in pairs)
    known = dict(SIZES).get(size, 4)
    return Wanted(size, disk_kind, disks or known, subnet, group, told, keep)


@contextmanager
def telling(cloud: Cloud | None = None) -> Iterator[Progress]:
    """A line on the terminal that says what is being done; without one, each step a line on stderr."""
    from rich.markup import escape

    from bootmend.cli.session import progress
    from bootmend.cli.visible import visible
    from bootmend.clouds.azure.cloud import AzureCloud

    if sys.stderr.isatty() or SETTINGS.quiet:
        with progress() as show:

            def tell(words: str) -> None:
                # What a machine shows of itself is hostile, and brackets in it are no markup.
                show(escape(visible(words)))

            if isinstance(cloud, AzureCloud):
                cloud.tell = tell
            yield tell
        return
    yield lambda _: None


def minutes(wait: float) -> None:
    """Misuse for what is no time to wait."""
    if not _SHORTEST_WAIT <= wait <= _LONGEST_WAIT:
        raise Misuse(say("azure.bad_wait", wait=f"{wait:g}", least=_SHORTEST_WAIT, most=_LONGEST_WAIT))


def need_somebody(question: str) -> None:
    """Refused where nobody can answer a question that will come."""
    if not sys.stdin.isatty():
        raise Refused(say("clouds.nobody_to_ask", question=question), say("clouds.nobody_to_ask_next"))


def ask(question: str, yes: bool) -> None:
    """Refused where nobody can answer, typer.Exit(1) on a no."""
    if yes:
        return
    need_somebody(question)
    if not typer.confirm(question, err=True):
        note(say("clouds.declined"))
        raise typer.Exit(1)


def refuse_barred(found: Iterable[Obstacle], how: How) -> None:
    """Refused, with every reason at once, where something bars this way."""
    barring = [one for one in found if how in one.ways]
    if barring:
        raise Refused(" ".join(one.told for one in barring), " ".join(one.next_step for one in barring))


def show_machine(out: Console, machine: Machine, sight: Sight, notes: Iterable[Obstacle] = ()) -> None:
    from bootmend.clouds.watch import judge

    out.print(say("clouds.machine", name=machine.name, place=machine.place, power=machine.power.value))
    if machine.power.value == "running":
        out.print(say("clouds.it_shows", what=judge(sight).reason))
    for unseen in sight.unseen:
        out.print(say("report.note", text=unseen))
    for one in notes:
        if not one.ways:
            out.print(say("report.note", text=f"{one.told} {one.next_step}"))


def show_result(out: Console, result: dict[str, Any] | None) -> None:
    """What was found and changed on a helper, in short; the whole document is in `--json`."""
    for finding in (result or {}).get("findings", []):
        if finding.get("severity") == "cause":
            out.print(f"{finding.get('title', '')} ({finding.get('rule', '')})")
    for edit in (result or {}).get("plan", []):
        out.print(f"   {edit.get('kind', '')}  {edit.get('target', '')}")


def stage_of(run: Run) -> str:
    """Where a run stands, a sentence."""
    return say(f"clouds.stage_{run.stage.value.replace('-', '_')}", name=run.name, run=run.id)


def show_run(out: Console, run: Run, things: Iterable[Thing]) -> None:
    """Where a run stands, and what of it costs."""
    out.print(stage_of(run))
    if run.verdict and (run.stage.value != "back" or run.verdict != "healthy"):
        out.print(say("clouds.verdict", verdict=say(f"clouds.verdict_{run.verdict}"), reason=run.reason))
    elif run.reason:
        out.print(say("clouds.because", reason=run.reason))
    for thing in things:
        if thing.run == run.id and (thing.id != run.new_disk or run.unfinished):
            out.print(say("clouds.kept", kind=thing.kind, role=thing.role, id=thing.id))
    if run.stage.value == "done":
        out.print(say("clouds.kept_old", id=run.old_disk))
        out.print(say("clouds.what_next", name=run.name))
