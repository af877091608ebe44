"""The toll: by our own count and by what Azure says is left, nothing is asked before it is due."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bootmend.clouds.azure.simulate.clock import Clock
from bootmend.clouds.azure.simulate.throttle import Limits, Throttle
from bootmend.clouds.azure.simulate.wire import ArmError
from bootmend.clouds.azure.toll import Toll

GROUP = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute"
WEB1 = f"{GROUP}/virtualMachines/web1"


class Scene:
    """A toll on a clock of its own: `sleep` lets the time pass."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.toll = Toll(sleep=self.sleep, clock=lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def call(self, method: str, path: str, status: int = 200, left: str = "") -> float:
        """Seconds that it had to wait."""
        request = SimpleNamespace(method=method, url=f"https://management.azure.com{path}?api-version=1")
        began = self.now
        self.toll.due(cast("Any", SimpleNamespace(http_request=request)))
        headers = {"x-ms-ratelimit-remaining-resource": left} if left else {}
        answer = SimpleNamespace(status_code=status, headers=headers)
        self.toll.heard(cast("Any", SimpleNamespace(http_request=request, http_response=answer)))
        return self.now - began


def test_a_machine_is_changed_twelve_times_and_then_four_times_a_minute() -> None:
    scene = Scene()
    waits = [scene.call("POST", f"{WEB1}/start") for _ in range(21)]
    assert [number for number, wait in enumerate(waits) if wait > 0] == [12, 16, 20]
    assert 60 < waits[12] < 65 and scene.toll.waited == pytest.approx(sum(waits))


def test_each_machine_and_each_kind_of_change_has_its_own() -> None:
    scene = Scene()
    for _ in range(12):
        assert scene.call("POST", f"{WEB1}/attachDetachDataDisks") == 0
    assert scene.call("PUT", WEB1) == scene.call("POST", f"{WEB1}/deallocate") == 0
    assert scene.call("POST", f"{GROUP}/virtualMachines/web2/start") == 0
    assert scene.call("GET", WEB1) == scene.call("PUT", f"{GROUP}/disks/web1") == 0
    assert scene.call("PUT", f"{WEB1.upper()}/runCommands/c") > 0


def test_lists_are_few() -> None:
    scene = Scene()
    waits = [scene.call("GET", f"{GROUP}/virtualMachines") for _ in range(91)]
    assert sum(waits[:90]) == 0 < waits[90]


def test_what_azure_says_is_left_counts_where_it_is_less() -> None:
    scene = Scene()
    scene.call("POST", f"{WEB1}/start", left="Microsoft.Compute/UpdateVMResource;1,Microsoft.Compute/Strange;0")
    assert scene.call("POST", f"{WEB1}/start", left="Microsoft.Compute/UpdateVMResource;9") == 0
    assert scene.call("POST", f"{WEB1}/start") > 0


def test_what_is_refused_is_counted() -> None:
    scene = Scene()
    for status in (200, 429, 202):
        scene.call("POST", f"{WEB1}/start", status)
    assert scene.toll.refused == 1


def test_the_double_refuses_nothing_that_paid() -> None:
    scene = Scene()
    clock = cast("Clock", SimpleNamespace(azure_now=lambda: scene.now, pause=lambda seconds: {"Retry-After": seconds}))
    throttle = Throttle(clock, Limits())
    kind = "Microsoft.Compute/virtualMachines"
    for _ in range(60):
        scene.call("POST", f"{WEB1}/start")
        left = throttle.take(kind, "POST", f"{WEB1}/start", "westeurope")
        scene.now += 0.5
    assert left.startswith("Microsoft.Compute/UpdateVMResource;")
    with pytest.raises(ArmError):
        for _ in range(20):
            throttle.take(kind, "POST", f"{WEB1}/start", "westeurope")
