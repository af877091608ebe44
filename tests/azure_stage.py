"""The double of Azure with two small machines, and a client of it that is in a hurry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cloud_stage import boots, make_disk

from bootmend.clouds.azure.cloud import AzureCloud
from bootmend.clouds.azure.connection import to_url
from bootmend.clouds.azure.simulate.double import Double

PACE = 5000.0


@contextmanager
def double_with_machines(folder: Path, **settings: Any) -> Iterator[Double]:
    """web1 runs and does not boot, web2 is off; `settings` go to web1."""
    with Double(pace=PACE) as double:
        for name, running in (("web1", True), ("web2", False)):
            disk = make_disk(folder / f"{name}.raw")
            vm = double.add_vm(name, disk=disk, running=running, **(settings if name == "web1" else {}))
            vm.boots_when(boots)
        yield double


def azure_cloud(double: Double, group: str = "lab") -> AzureCloud:
    return AzureCloud(to_url(double.url, double.subscription, PACE), group)


def file_of(double: Double, disk: str) -> Path:
    """The bytes of a disk as the double keeps them."""
    return double.world.contents.path(double.world.get(disk).inside["content"])
