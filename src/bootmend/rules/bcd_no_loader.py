"""The boot store has no entry that starts an installed Windows.

Symptom:  "The Boot Configuration Data file doesn't contain valid information for an operating system", with
          status 0xC0000098.
Cause:    the store reads, but none of its objects is a loader of a Windows on a disk: the entry was deleted, or
          the store is that of an installation medium.
Evidence: how many objects and loaders the store has, and the Windows folder that none of them names.
Repair:   adds the entry of the one Windows on the disk, with its resume object, as bcdboot writes them, and
          makes it the default and the first of the menu. Everything else in the store stays.
Not done: where several Windows stand on the disk, none is chosen.
By hand:  bcdboot <letter>:\\Windows /s <letter of the system partition>:.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.actions.boot_store import CreateObject
from bootmend.findings import Action, Confidence, Evidence, Finding, Severity, Skipped, Station
from bootmend.formats.bcd import BcdObject, Store
from bootmend.rules._rebuild import Rebuilt, rebuild
from bootmend.rules._store import (
    STATUS_FILE_INVALID,
    installed_loaders,
    manager_screen,
    only_windows,
    set_element,
    store_file,
)
from bootmend.texts import say
from bootmend.windows.installation import Windows

STATION = Station.BOOT_STORE
NEEDS_REGISTRY = False


def check(windows: Windows) -> Iterator[Finding]:
    store = windows.chain.judged
    if store is None or installed_loaders(windows, store):
        return
    built = rebuild(windows)
    manager = store.boot_manager
    actions: tuple[Action, ...] = ()
    if isinstance(built, Skipped):
        skipped: tuple[Skipped, ...] = (built,)
    elif manager is None:
        skipped = (Skipped(say("rules_boot.no_loader_action"), say("rules_boot.no_manager")),)
    elif not only_windows(windows):
        skipped = (Skipped(say("rules_boot.no_loader_action"), say("rules_boot.several_windows")),)
    else:
        skipped, actions = (), tuple(_edits(windows, store, manager, built))
    seen = say("rules_boot.no_loader_seen", objects=len(store.objects), loaders=len(store.loaders))
    yield Finding(
        rule="bcd_no_loader",
        severity=Severity.CAUSE,
        subject="{bootmgr}",
        title=say("rules_boot.no_loader_title"),
        why=say("rules_boot.no_loader_why"),
        evidence=(
            Evidence(store.file, seen),
            Evidence(windows.where(""), say("rules_boot.root_here", count=len(windows.chain.installations))),
        ),
        actions=actions,
        skipped=skipped,
        prediction=manager_screen(say("rules_boot.default_predicted"), Confidence.MEDIUM, STATUS_FILE_INVALID),
    )


def _edits(windows: Windows, store: Store, manager: BcdObject, built: Rebuilt) -> Iterator[Action]:
    for new in built.objects:
        if new.id in store.objects:
            continue
        yield CreateObject(
            store=store_file(windows), object_id=new.id, type=new.type, name=str(new.elements.get("description", ""))
        )
        for name, value in new.elements.items():
            yield set_element(windows, new.id, new.type, name, value)
    menu = [built.entry, *(one for one in store.display_order if one in store.objects)]
    yield set_element(windows, manager.id, manager.type, "default", built.entry)
    yield set_element(windows, manager.id, manager.type, "displayorder", menu)
