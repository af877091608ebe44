"""The way of a call through the double.

call -> noted -> fault before it? -> blobs
                                  -> ARM: sign-in, route, permission, lock, throttling, then the route's function
     -> world saved -> fault after it? -> the test's own hook -> answer sent
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from bootmend.clouds.azure.simulate import blobs, permissions, signin
from bootmend.clouds.azure.simulate.faults import Faults
from bootmend.clouds.azure.simulate.operations import settle
from bootmend.clouds.azure.simulate.router import match
from bootmend.clouds.azure.simulate.throttle import Throttle
from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Dropped, Json
from bootmend.clouds.azure.simulate.world import World

Moment = Literal["before", "after"]


@dataclass(slots=True)
class Seen:
    """A call as the log has it; blobs have the actions blob/read and blob/write, and no query is kept of them.

    Calls of ARM are numbered from 1 on, and calls of blobs apart from them.
    """

    number: int
    method: str
    path: str
    action: str
    status: int = 0
    arm: bool = True
    linked: list[str] = field(default_factory=list)
    """Actions on other resources that it took."""
    polling: bool = False
    """It asked after an operation that an earlier call had set going."""


class Front:
    """What stands between HTTP and the world."""

    def __init__(self, world: World, faults: Faults, throttle: Throttle) -> None:
        self.world = world
        self.faults = faults
        self.throttle = throttle
        self.calls: list[Seen] = []
        self.on_call: Callable[[Seen, Moment], None] = lambda *_: None
        """Called when a call comes in, and when it has done its work and before its answer is sent."""
        self.steering: Callable[[Call], Answer] = lambda _: Answer(404)
        self._lock = threading.Lock()
        self._numbers: dict[bool, int] = {}

    def handle(self, call: Call) -> Answer:
        """Raises Dropped where the connection shall end without an answer."""
        if call.path == signin.IDENTITY_PATH:
            return signin.identity(call)
        if call.path == "/simulate" or call.path.startswith("/simulate/"):
            return self.steering(call)
        seen = self._note(call)
        self.on_call(seen, "before")
        fault = self.faults.strike(call.method, seen.action, call.path)
        if fault is not None and fault.do == "drop before":
            raise Dropped
        try:
            if fault is not None and fault.do == "answer":
                raise fault.error()
            doom = {"code": fault.code, "message": fault.message} if fault and fault.do == "fail operation" else None
            answer = self._arm(call, seen, doom) if _is_arm(call.path) else self._blob(call)
        except ArmError as error:
            answer = error.answer()
        except Exception as error:
            # A body that Azure would have refused in its own words, or a fault in here: told as what it is, by a
            # status that no client tries again.
            answer = ArmError(501, "FaultInTheDouble", f"{type(error).__name__}: {error}").answer()
        seen.status = answer.status
        with self.world.lock:
            if self.world.changed or call.method not in ("GET", "HEAD"):
                self.world.save()
        self.on_call(seen, "after")
        if fault is not None and fault.do == "drop after":
            raise Dropped
        return answer

    def _note(self, call: Call) -> Seen:
        action = "blob/read" if call.method in ("GET", "HEAD") else "blob/write"
        if _is_arm(call.path):
            try:
                action = match(call.method, call.path)[0].action
            except ArmError:
                action = "unknown"
        with self._lock:
            arm = _is_arm(call.path)
            self._numbers[arm] = self._numbers.get(arm, 0) + 1
            seen = Seen(self._numbers[arm], call.method, call.path, action, arm=arm)
            seen.polling = "/locations/" in call.path and "perations/" in call.path
            self.calls.append(seen)
        return seen

    def _arm(self, call: Call, seen: Seen, doom: Json | None) -> Answer:
        world = self.world
        with world.lock:
            settle(world)
            signin.check(world, call.headers)
            if not call.query.get("api-version"):
                # https://learn.microsoft.com/rest/api/azure : required in each call
                raise ArmError(
                    400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required."
                )
            route, names = match(call.method, call.path)
            if names.get("subscription", world.subscription).lower() != world.subscription.lower():
                raise ArmError(
                    404, "SubscriptionNotFound", f"The subscription '{names['subscription']}' could not be found."
                )
            if not seen.polling:  # ASSUMPTION: who may start an operation may ask after it
                permissions.need(world, route.action, call.path)
            permissions.need_no_lock(world, call.method, call.path)
            self._need_group(names)
            remaining = self.throttle.take(route.kind, call.method, call.path, self._region(call.path))
            world.settings["doom"] = doom
            world.settings["linked"] = []
            try:
                answer = route.handler(world, replace(call, names=names))
            finally:
                world.settings.pop("doom", None)
                seen.linked = world.settings.pop("linked")
            if remaining:
                answer.headers["x-ms-ratelimit-remaining-resource"] = remaining
            return answer

    def _blob(self, call: Call) -> Answer:
        with self.world.lock:
            settle(self.world)
        return blobs.answer(self.world, call)

    def _need_group(self, names: Mapping[str, str]) -> None:
        group = names.get("group")
        if group is not None and "name" in names:
            found = any(
                one.name.lower() == group.lower() for one in self.world.every("Microsoft.Resources/resourceGroups")
            )
            if not found:
                raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")

    def _region(self, path: str) -> str:
        known = self.world.find("/".join(path.split("/")[:9]))
        return str(known.shown.get("location", "")) if known is not None else ""


def _is_arm(path: str) -> bool:
    return path.lower().startswith("/subscriptions")
