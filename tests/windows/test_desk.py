"""In place first: one value changed in SYSTEM or BCD changes only that file's clusters and its logs."""

from __future__ import annotations

import pytest
from lab_machines import broken

from bootmend.disk.overlay import Overlay
from bootmend.formats.bcd import element_id
from bootmend.formats.hive import Hive, ValueType
from bootmend.windows.desk import Desk
from bootmend.windows.discovery import find_windows
from bootmend.windows.image import Image

AIM = 64 << 10
"""Bytes that a change of one value may touch, the logs made quiet included."""


def owned(image: Image, volume: int, path: str) -> list[tuple[int, int]]:
    """Half-open disk ranges of the file and of those of its logs that stand on clusters."""
    start = next(p.start for p in image.partitions if p.number == volume)
    ranges = []
    for name in (path, f"{path}.LOG", f"{path}.LOG1", f"{path}.LOG2"):
        if image.has_file(volume, name) and image.volume(volume).stat(name).size:
            extents = image.volume(volume).extents(name)
            ranges += [(start + e.volume_offset, start + e.volume_offset + e.length) for e in extents]
    return ranges


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("fault", ["healthy", "crashed"])
def test_one_value_changes_only_its_own_clusters(generation: int, fault: str) -> None:
    with broken(generation, fault) as sample:
        overlay = Overlay(sample.disk)
        image = Image(overlay)
        windows = find_windows(image, sample.given)[0]
        system, chain = windows.system, windows.chain
        assert chain.hive is not None
        assert chain.entry is not None
        desk = Desk(image)
        hive = desk.hive(system.volume, system.path)
        crash_control = f"{windows.control_set}\\Control\\CrashControl"
        hive.editor.create_key(crash_control)
        hive.editor.set_value(crash_control, "AutoReboot", ValueType.DWORD, bytes(4))
        store = desk.store(chain.hive.volume, chain.hive.path)
        safeboot = element_id("safeboot", chain.entry.type)
        assert safeboot is not None
        store.editor.set(chain.entry.id, safeboot, 1)
        allowed = owned(image, system.volume, system.path) + owned(image, chain.hive.volume, chain.hive.path)
        assert len(desk.save()) == 2
        image.close()

        changed = list(overlay.patches())
        assert changed
        for patch in changed:
            end = patch.offset + len(patch.after)
            assert any(low <= patch.offset and end <= high for low, high in allowed)
        if fault == "healthy":
            assert overlay.changed_bytes() < AIM

        after = Image(overlay)
        again = Hive.parse(after.read_file(system.volume, system.path), "SYSTEM")
        assert not again.dirty
        key = again.key(crash_control)
        assert key is not None
        value = key.value("AutoReboot")
        assert value is not None
        assert value.number == 0
        told = find_windows(after, sample.given)[0].chain
        assert told.store is not None
        assert told.entry is not None
        setting = told.store.setting(told.entry, "safeboot")
        assert setting is not None
        assert setting.value == 1


def test_opening_without_a_change_writes_nothing() -> None:
    with broken(2, "crashed") as sample:
        overlay = Overlay(sample.disk)
        image = Image(overlay)
        system = find_windows(image, sample.given)[0].system
        desk = Desk(image)
        assert desk.hive(system.volume, system.path).view().root.subkeys()
        assert desk.save() == []
        image.close()
        assert overlay.changed_bytes() == 0
