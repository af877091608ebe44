"""What the commands share that take several machines: finding them, holding them, working at them, telling of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from bootmend.cli.azure.left import helper_cleared
from bootmend.cli.azure.session import ask, azure_cloud, show_run, telling
from bootmend.cli.note import note
from bootmend.errors import BootmendError, Missing, Refused
from bootmend.texts import say

if TYPE_CHECKING:
    from bootmend.clouds.azure.cloud import AzureCloud
    from bootmend.clouds.cloud import Machine
    from bootmend.clouds.many import Member, Stop
    from bootmend.clouds.run import Run, Store
    from bootmend.repair import Progress
    from bootmend.windows.donor import Given

AT_ONCE = 100
"""Machines that are worked at side by side, where the user names no other number."""


@contextmanager
def found(cloud: AzureCloud, store: Store, names: Sequence[str], *, gone: bool = False) -> Iterator[list[Member]]:
    """A member for each name that is not another one's machine, held against other bootmends of this computer.

    With `gone` a machine that is not there any more is one as well, where a record here tells of its run.
    """
    from bootmend.clouds.azure.ids import ResourceId
    from bootmend.clouds.many import Member
    from bootmend.clouds.standing import standing_of_gone

    members: dict[str, Member] = {}
    with ExitStack() as held:
        for name, named in cloud.vms.resolve_all(dict.fromkeys(names)).items():
            run = standing_of_gone(cloud, store, name) if gone and isinstance(named, Missing) else None
            there = ResourceId.parse(run.machine) if run is not None else named
            if not isinstance(there, ResourceId):
                members[name] = Member(name, error=there)
            elif str(there).lower() not in members:
                member = members[str(there).lower()] = Member(str(there))
                try:
                    held.enter_context(store.alone(member.name))
                except Refused as error:
                    member.error = error
        yield list(members.values())


def worked_at(
    cloud: AzureCloud, members: Sequence[Member], work: Callable[[Member, Progress], None], stop: Stop, at_once: int
) -> None:
    """`work` for each, side by side; where Ctrl-C ends it, what is open is named."""
    from bootmend.clouds.azure.helper_machine import tail_of
    from bootmend.clouds.many import side_by_side

    ended: list[Member] = []
    with telling(cloud) as tell:

        def told(words: str) -> None:
            tell(say("many.progress", done=len(ended), count=len(members), told=words))

        def one(member: Member) -> None:
            try:
                work(member, stop.telling(label(member), told))
            finally:
                ended.append(member)

        try:
            side_by_side(members, one, at_once, stop)
        finally:
            left = [(label(one), one.run) for one in members if one.run is not None and one.run.unfinished]
            if left:
                note(say("many.broken_off", names=" ".join(name for name, _ in left)))
                note(say("many.named_after", runs=", ".join(f"{name} {run.id}" for name, run in left)))
                for job in sorted({str(run.options["job"]) for _, run in left if "job" in run.options}):
                    note(say("many.helper_named_after", job=tail_of(job)))


def finish(
    command: str, cloud: AzureCloud, store: Store, members: Sequence[Member], json: bool, good: bool
) -> NoReturn:
    """One document, or a paragraph a machine; ends with the code of the only kind of error, 0 or 1."""
    from bootmend.cli.output import console, put_document
    from bootmend.clouds import document

    here = [one.machine for one in members if one.machine is not None]
    made = cloud.things_of(here) if any(one.run is not None for one in members) else {}
    refused = cloud.connection.toll.refused
    if json:
        rows = [_row(store, one, made.get(one.machine.id, []) if one.machine else []) for one in members]
        put_document({**document.head(command), "schema": document.SCHEMA_MANY, "machines": rows, "refused": refused})
    else:
        out = console()
        for one in members:
            if one.run is not None:
                show_run(out, one.run, made.get(one.run.machine, []))
            if one.error is not None:
                note(say("many.not_done", name=label(one), why=one.error))
        if refused:
            out.print(say("many.refused", count=refused))
        if command == "repair":
            back = sum(one.run is not None and one.run.stage.value == "back" and not one.good for one in members)
            well = sum(one.good for one in members)
            failed = len(members) - well - back
            out.print(say("many.sum", good=well, count=len(members), back=back, failed=failed))
    for one in members:
        if one.error is not None and not isinstance(one.error, BootmendError):
            raise one.error
    codes = {one.error.exit_code for one in members if isinstance(one.error, BootmendError)}
    all_failed = all(one.error is not None for one in members)
    raise typer.Exit(0 if good and not codes else codes.pop() if all_failed and len(codes) == 1 else 1)


def label(member: Member) -> str:
    """Its name as people know it."""
    return member.machine.name if member.machine is not None else member.name.rsplit("/", 1)[-1]


def undo_or_confirm(
    command: str,
    names: Sequence[str],
    cloud_of: tuple[str, str],
    question: str,
    ready: Callable[[AzureCloud, Store, str], tuple[Machine, Run]],
    work: Callable[[AzureCloud, Store, Run, Progress], None],
    yes: bool,
    json: bool,
) -> None:
    """`ready` finds the run of a machine or says why not; then all are asked about at once, and worked at."""
    from bootmend.clouds.many import Stop, side_by_side
    from bootmend.clouds.run import Stage, Store

    cloud, store, stop = azure_cloud(*cloud_of, names[0]), Store(tell=note), Stop()
    with found(cloud, store, names, gone=command == "undo") as members:

        def look(member: Member) -> None:
            member.wanted = Stage.BACK if command == "undo" else Stage.CONFIRMED
            member.machine, member.run = ready(cloud, store, member.name)

        side_by_side([one for one in members if one.error is None], look, AT_ONCE, stop)
        wanted = [one for one in members if one.error is None]
        if not wanted:
            finish(command, cloud, store, members, json, False)
        for one in members:
            if one.error is not None and not json:
                note(say("many.not_done", name=label(one), why=one.error))
        ask(say(question, count=len(wanted), names=" ".join(map(label, wanted))), yes)

        def do(member: Member, tell: Progress) -> None:
            if member.run is not None:
                work(cloud, store, member.run, tell)

        worked_at(cloud, wanted, do, stop, AT_ONCE)
        clear_helpers(cloud, store, members)
        finish(command, cloud, store, members, json, True)


def clear_helpers(cloud: AzureCloud, store: Store, members: Sequence[Member]) -> None:
    """Those of jobs of which nothing is left to be done."""
    from bootmend.clouds.naming import HELPER

    runs = [one.run for one in members if one.run is not None and HELPER not in one.run.steps]
    shared: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        key = str(run.options.get("job", run.id)), str(run.options.get("place", ""))
        shared.setdefault(key, []).append(run)
    with telling(cloud) as tell:
        for first, *others in shared.values():
            helper_cleared(cloud, store, first, tell)
            if HELPER in first.steps:
                for run in others:
                    run.steps[HELPER] = first.steps[HELPER]
                    store.save(run)


def packed(what: Given, folder: Path) -> Path | None:
    """What the donors have of use, in an archive in `folder`; None where there is nothing."""
    from bootmend.clouds.donor_pack import pack

    archive = folder / "donors.zip"
    return archive if what.donors and pack(what.donors, archive) else None


def _row(store: Store, member: Member, made: Sequence[Any]) -> dict[str, Any]:
    from bootmend.clouds import document

    error, run = member.error, member.run
    code = error.exit_code if isinstance(error, BootmendError) else 5
    return {
        "name": label(member),
        "good": member.good,
        "error": {"code": code, "told": str(error)} if error is not None else None,
        "machine": document.machine(member.machine) if member.machine is not None else None,
        "run": document.run(run) if run is not None else None,
        "kept": document.things(made),
        "result": store.result(run) if run is not None else None,
    }
