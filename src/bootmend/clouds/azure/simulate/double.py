"""The double as a whole, in this process: started, filled with machines, asked what it saw."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bootmend.clouds.azure.simulate import all_routes, oracles, permissions, shares, signin
from bootmend.clouds.azure.simulate.clock import Clock
from bootmend.clouds.azure.simulate.control import steer
from bootmend.clouds.azure.simulate.faults import Faults
from bootmend.clouds.azure.simulate.front import Front, Moment, Seen
from bootmend.clouds.azure.simulate.groups import make_group, make_lock
from bootmend.clouds.azure.simulate.ids import DISK, SNAPSHOT, VM, group_id
from bootmend.clouds.azure.simulate.machines import Machine, make_machine
from bootmend.clouds.azure.simulate.operations import settle
from bootmend.clouds.azure.simulate.server import make_server
from bootmend.clouds.azure.simulate.throttle import Limits, Throttle
from bootmend.clouds.azure.simulate.wire import Json
from bootmend.clouds.azure.simulate.world import Resource, World

__all__ = ["Double"]
assert all_routes.MODULES


class Double:
    """`folder` keeps its state (and is read again); without one it is gone with the process."""

    def __init__(
        self, folder: Path | None = None, *, pace: float = 1000.0, limits: Limits | None = None, port: int = 0
    ) -> None:
        self._temporary = folder is None
        place = Path(tempfile.mkdtemp(prefix="bootmend-azure-")) if folder is None else folder
        place.mkdir(parents=True, exist_ok=True)
        self.clock = Clock(pace)
        self.world = World(place, self.clock, keep=not self._temporary)
        self.faults = Faults()
        self.throttle = Throttle(self.clock, limits)
        self.front = Front(self.world, self.faults, self.throttle)
        self.front.steering = lambda call: steer(self, call)
        self._server = make_server(self.front, port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def subscription(self) -> str:
        return self.world.subscription

    @property
    def calls(self) -> list[Seen]:
        return list(self.front.calls)

    @property
    def identity(self) -> dict[str, str]:
        """Environment in which DefaultAzureCredential signs in here."""
        return {"IDENTITY_ENDPOINT": self.url + signin.IDENTITY_PATH, "IDENTITY_HEADER": signin.IDENTITY_HEADER}

    def on_call(self, hook: Callable[[Seen, Moment], None]) -> None:
        """Called before each call is looked at, and after its work is done and before its answer is sent."""
        self.front.on_call = hook

    def skip(self, seconds: float) -> None:
        """Time passes: for Azure's work, for links and for tokens."""
        self.clock.skip(seconds)

    def add_group(self, name: str, location: str = "westeurope") -> None:
        with self._changing():
            if self.world.find(group_id(self.subscription, name)) is None:
                make_group(self.world, name, location).inside["scene"] = True

    def add_vm(
        self,
        name: str,
        *,
        disk: Path,
        group: str = "lab",
        location: str = "westeurope",
        generation: int = 2,
        zone: str | None = None,
        running: bool = True,
        boots: Json | Callable[[Path], bool] | None = None,
        **oddities: Any,
    ) -> Machine:
        """A Windows machine whose OS disk is that file (raw or fixed VHD, never written).

        `boots` is its oracle (oracles.py): without one it always boots. Oddities are named in oddities.py.
        """
        self.add_group(group, location)
        with self._changing():
            machine = make_machine(self.world, name, disk, group, location, generation, zone, running, oddities)
        if boots is not None:
            machine.boots_when(boots)
        return machine

    def lock(self, scope: str, level: str = "CanNotDelete", name: str = "keep") -> None:
        with self._changing():
            make_lock(self.world, scope, level, name)

    def allow_only(self, actions: list[str] | None) -> None:
        with self._changing():
            permissions.allow_only(self.world, actions)

    def expire_shares(self) -> None:
        with self._changing():
            shares.expire(self.world)

    def expire_tokens(self) -> None:
        with self._changing():
            signin.expire_tokens(self.world)

    def vm(self, name: str, group: str = "lab") -> Machine:
        return Machine(self.world, self._find(VM, name, group))

    def disk(self, name: str, group: str = "lab") -> Resource:
        return self._find(DISK, name, group)

    def names(self, kind: str) -> list[str]:
        """Of what is there now: "disks", "snapshots", "virtualMachines", ..."""
        with self.world.lock:
            settle(self.world)
            known = {"disks": DISK, "snapshots": SNAPSHOT, "virtualMachines": VM}.get(kind, kind)
            return sorted(one.name for one in self.world.every(known))

    def blob_link(self, path: str, rights: str = "rw", seconds: float = 3600) -> str:
        """A link to a blob of somebody's storage account, "/account/container/name", there or to be made."""
        with self._changing():
            return shares.grant(self.world, self.url, path, rights, seconds)[0]

    def leaks(self) -> list[str]:
        """What calls made and is still there, such as disks/NAME; and links/PATH for what is still linked."""
        with self.world.lock:
            settle(self.world)
            made = [f"{one.kind.split('/', 1)[1]}/{one.name}" for one in self.world.made_by_calls()]
            return sorted([*made, *(f"links{path}" for path in shares.linked(self.world))])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        oracles.forget(self.world)
        for child in list(self.world.children):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
        if self._temporary:
            shutil.rmtree(self.world.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find(self, kind: str, name: str, group: str) -> Resource:
        with self.world.lock:
            settle(self.world)
            return self.world.get(f"{group_id(self.subscription, group)}/providers/{kind}/{name}")

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self.world.lock:
            yield
            self.world.save()
