"""The oracle of a healthy twin: on a lab machine, it knows what was lost and sees when it is back."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_machines import base

from bootmend.clouds.azure.simulate.contents import sparse_copy
from bootmend.clouds.azure.simulate.oracles import restored
from bootmend.clouds.azure.simulate.restored import is_restored
from bootmend.disk.container import open_disk
from bootmend.lab.faults import apply_fault


def copy_of(source: Path, target: Path) -> Path:
    size = source.stat().st_size
    with target.open("wb") as file:
        file.truncate(size)
    sparse_copy(source, target, size)
    return target


@pytest.mark.parametrize(
    ("fault", "kind", "other"),
    [
        ("boot-driver-start", "values", "class-filters"),
        ("catalog-lost", "files", "boot-driver-start"),
        ("partition-table-gpt-primary", "ranges", "catalog-lost"),
    ],
)
def test_what_was_lost_is_known_and_seen_when_it_is_back(fault: str, kind: str, other: str, tmp_path: Path) -> None:
    machine = base(2)
    bad = copy_of(machine.path, tmp_path / "bad.vhd")
    with open_disk(str(bad), writable=True) as device:
        apply_fault(device, fault, machine.manifest)
    want = restored(bad, machine.path)["want"]
    assert {name for name, found in want.items() if found} == {kind}
    assert not is_restored(bad, want)
    assert is_restored(machine.path, want)
    assert is_restored(machine.path, want, whole=True)
    with open_disk(str(bad), writable=True) as device:  # what mends nothing of it is no repair
        apply_fault(device, other, machine.manifest)
    assert not is_restored(bad, want)


def test_a_disk_like_its_twin_lacks_nothing_and_is_never_restored(tmp_path: Path) -> None:
    machine = base(2)
    want = restored(copy_of(machine.path, tmp_path / "same.vhd"), machine.path)["want"]
    assert not any(want.values())
    assert not is_restored(machine.path, want)
