"""All that the double's subscription holds: resources by id, operations under way, contents of disks.

A resource is what ARM shows of it (`shown`), and what only the double knows (`inside`). Everything in here is
plain JSON, so that the world can be saved to its folder and read again by another process.
"""

from __future__ import annotations

import copy
import json
import os
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bootmend.clouds.azure.simulate.clock import Clock
from bootmend.clouds.azure.simulate.contents import Contents
from bootmend.clouds.azure.simulate.ids import group_of, kind_of, name_of
from bootmend.clouds.azure.simulate.wire import ArmError, Json

SUBSCRIPTION = "00000000-5e55-10ca-1000-000000000001"
TENANT = "00000000-7e4a-4700-0000-000000000001"


@dataclass(slots=True)
class Resource:
    id: str
    kind: str
    shown: Json
    inside: Json = field(default_factory=dict)

    @property
    def name(self) -> str:
        return name_of(self.id)

    @property
    def group(self) -> str:
        return group_of(self.id)

    @property
    def properties(self) -> Json:
        """ARM's `properties` of it; to be changed in place."""
        properties: Json = self.shown.setdefault("properties", {})
        return properties

    def answer(self) -> Json:
        return copy.deepcopy(self.shown)


class World:
    """Use it under `lock`: an answer is made of one moment."""

    def __init__(self, folder: Path, clock: Clock, *, keep: bool = False) -> None:
        self.folder = folder
        self.clock = clock
        self.keep = keep
        """Saved after each call that changes something; otherwise gone with the process."""
        self.lock = threading.RLock()
        self.changed = False
        """Since it was last saved."""
        self.subscription = SUBSCRIPTION
        self.resources: dict[str, Resource] = {}
        self.operations: dict[str, Json] = {}
        self.children: set[int] = set()
        """Scripts that run, each the leader of a process group."""
        self.under_way: set[str] = set()
        """Names of the operations that have not ended."""
        self.blobs: dict[str, Json] = {}
        """Path of a blob -> its content and kind (blobs.py)."""
        self.settings: Json = {}
        """What the gates keep (gates.py)."""
        saved = self._load()
        self.contents = Contents(folder / "contents", saved.get("contents"))

    def find(self, resource: str) -> Resource | None:
        return self.resources.get(resource.lower())

    def get(self, resource: str) -> Resource:
        """The resource of this id, or ARM's 404."""
        found = self.find(resource)
        if found is None:
            kind, group = kind_of(resource), group_of(resource)
            # https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-not-found
            raise ArmError(
                404,
                "ResourceNotFound",
                f"The Resource '{kind}/{name_of(resource)}' under resource group '{group}' was not found.",
            )
        return found

    def put(self, resource: str, shown: Json, inside: Json | None = None) -> Resource:
        kind = kind_of(resource)
        made = Resource(
            resource, kind, {"id": resource, "name": name_of(resource), "type": kind, **shown}, inside or {}
        )
        self.resources[resource.lower()] = made
        return made

    def drop(self, resource: str) -> None:
        del self.resources[resource.lower()]

    def every(self, kind: str, group: str | None = None) -> Iterator[Resource]:
        for one in list(self.resources.values()):
            if one.kind.lower() == kind.lower() and (group is None or one.group.lower() == group.lower()):
                yield one

    def made_by_calls(self) -> list[Resource]:
        """What did not stand here from the beginning."""
        return [one for one in self.resources.values() if not one.inside.get("scene")]

    def save(self) -> None:
        self.changed = False
        if not self.keep:
            return
        state = {
            "resources": [[one.id, one.kind, one.shown, one.inside] for one in self.resources.values()],
            "operations": self.operations,
            "blobs": self.blobs,
            "settings": self.settings,
            "contents": self.contents.saved(),
            "azure": self.clock.azure_now(),
            "skipped": self.clock.skipped,
        }
        new = self.folder / "state.json.new"
        new.write_text(json.dumps(state), encoding="utf-8")
        os.replace(new, self.folder / "state.json")  # noqa: PTH105  both ends are named, as rename(2) has them

    def _load(self) -> dict[str, Any]:
        path = self.folder / "state.json"
        if not self.keep or not path.exists():
            return {}
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for resource, kind, shown, inside in state["resources"]:
            self.resources[resource.lower()] = Resource(resource, kind, shown, inside)
        self.operations = state["operations"]
        self._end_what_ran()
        self.blobs = state["blobs"]
        self.settings = state["settings"]
        self.clock.resume(state["azure"], state["skipped"])
        return state

    def _end_what_ran(self) -> None:
        """A script that was running when the double ended runs no more."""
        self.under_way = {name for name, one in self.operations.items() if one["status"] == "InProgress"}
        for operation in self.operations.values():
            if operation["ends"] is None:
                operation["ends"] = 0.0
        for one in self.resources.values():
            if one.inside.get("view", {}).get("executionState") == "Running":
                one.inside["view"]["executionState"] = "Failed"


def new_guid() -> str:
    return str(uuid.uuid4())


def merge(target: Json, change: Json) -> None:
    """A PATCH into `target`: objects are merged, all else replaced (RFC 7396; null leaves out)."""
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        elif value is None:
            target.pop(key, None)
        else:
            target[key] = copy.deepcopy(value)
