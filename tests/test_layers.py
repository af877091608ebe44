"""A room imports only rooms above it; formats has never heard of disks; commit knows only bytes at offsets."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "bootmend"

HOUSE = (
    "errors",
    "texts",
    "binary",
    "libwim",
    "findings",
    "disk",
    "volumes",
    "formats",
    "signing",
    "dumps",
    "screens",
    "commit",
    "windows",
    "actions",
    "rules",
    "plan",
    "edit",
    "repair",
    "switches",
    "commands",
    "lab",
    "reports",
    "clouds",
    "fleet",
    "cli",
)
"""Every room, top to bottom, as the design draws the house."""

BLIND = {"formats": {"disk", "volumes"}, "signing": {"disk", "volumes"}, "commit": {"volumes", "formats", "signing"}}
"""Rooms that must not know certain rooms above them either."""


def room_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).parts
    return parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, room) of everything of this project that the file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "bootmend" and len(parts) > 1 and parts[1] != "__version__":
                yield getattr(node, "lineno", 0), parts[1]


def wrong(files: list[Path]) -> list[str]:
    found = []
    for path in files:
        room = room_of(path)
        if room in ("__init__", "__main__"):
            continue
        for line, other in imports(path):
            above = HOUSE.index(other) < HOUSE.index(room)
            if other != room and (not above or other in BLIND.get(room, ())):
                found.append(f"{path.relative_to(SOURCE)}:{line}: {room} imports {other}")
    return found


def test_a_room_imports_only_rooms_above_it() -> None:
    assert wrong(sorted(SOURCE.rglob("*.py"))) == []


def test_every_room_is_drawn() -> None:
    rooms = {room_of(path) for path in SOURCE.rglob("*.py")} - {"__init__", "__main__"}
    assert rooms <= set(HOUSE)


def test_the_test_sees_an_import_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk").mkdir()
    bad = tmp_path / "disk" / "bad.py"
    bad.write_text("from bootmend.windows.image import Image\n")
    monkeypatch.setitem(globals(), "SOURCE", tmp_path)
    assert wrong([bad]) == ["disk/bad.py:1: disk imports windows"]
