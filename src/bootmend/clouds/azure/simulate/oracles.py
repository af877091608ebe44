"""Oracles: whether a machine boots from the disk it has, without asking bootmend's own diagnosis.

An oracle is plain JSON, so that it can be told to another process and saved:

    {"kind": "always", "state": "ready"}
    {"kind": "ranges", "ranges": [[offset, length, sha256], ...], "otherwise": {"state": "stop", "stop": "0x5A"}}
    {"kind": "call", "function": "module:name", "otherwise": {...}}     name(path of the disk's bytes) -> bool
    {"kind": "in turn", "outcomes": [{...}, ...]}                       one after the other; the last one stays

What it gives is an outcome: `state` is ready, stop, boot_manager, stuck, black or booting (never ends), and the rest
says what the screen shows: `stop`, `name`, `status`, `file`. `after` is the seconds until it shows, `then` an outcome
that follows it (its `after` counts from switching on), `lag` the seconds for which what was before is still seen.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from bootmend.clouds.azure.simulate.contents import data_extents
from bootmend.clouds.azure.simulate.wire import Json
from bootmend.clouds.azure.simulate.world import Resource, World

READY: Json = {"state": "ready"}
_STOP: Json = {"state": "stop", "stop": "0x5A", "name": "CRITICAL_SERVICE_FAILED"}
_PIECE = 1 << 20

LOCAL: dict[str, Callable[[Path], bool]] = {}
"""Functions of this process, by machine id; they are not saved."""


def judge(world: World, vm: Resource, disk: Path) -> Json:
    """The outcome of starting the machine from these bytes."""
    local = LOCAL.get(f"{world.folder}|{vm.id}")
    oracle: Json = vm.inside.get("oracle", {"kind": "always", **READY})
    otherwise: Json = oracle.get("otherwise", _STOP)
    if local is not None:
        return READY if local(disk) else otherwise
    if oracle["kind"] == "always":
        return {key: value for key, value in oracle.items() if key != "kind"}
    if oracle["kind"] == "in turn":
        outcomes: list[Json] = oracle["outcomes"]
        return outcomes[min(int(vm.inside["boots"]), len(outcomes)) - 1]
    if oracle["kind"] == "ranges":
        return READY if _same(disk, oracle["ranges"]) else otherwise
    module, _, name = str(oracle["function"]).partition(":")
    return READY if getattr(importlib.import_module(module), name)(disk) else otherwise


def equal_ranges(good: Path, ranges: Iterable[tuple[int, int]], otherwise: Json = _STOP) -> Json:
    """Boots while these ranges (offset, length) are as on the good disk."""
    with good.open("rb") as file:
        told = [[offset, length, _digest(file.fileno(), offset, length)] for offset, length in ranges]
    return {"kind": "ranges", "ranges": told, "otherwise": otherwise}


def differing_ranges(one: Path, other: Path, size: int, step: int = 4096) -> list[tuple[int, int]]:
    """(offset, length) of the blocks in which two sparse files differ."""
    with one.open("rb") as left, other.open("rb") as right:
        spans = [*data_extents(left.fileno(), 0, size), *data_extents(right.fileno(), 0, size)]
        blocks: set[int] = set()
        for offset, length in spans:
            for piece in range(offset // _PIECE, -(-(offset + length) // _PIECE)):
                blocks.add(piece)
        found: list[tuple[int, int]] = []
        for block in sorted(blocks):
            a, b = (os.pread(file.fileno(), _PIECE, block * _PIECE) for file in (left, right))
            if a != b:
                found += [
                    (block * _PIECE + at, step)
                    for at in range(0, _PIECE, step)
                    if a[at : at + step] != b[at : at + step]
                ]
        return found


def _same(disk: Path, ranges: list[tuple[int, int, str]]) -> bool:
    with disk.open("rb") as file:
        return all(_digest(file.fileno(), offset, length) == wanted for offset, length, wanted in ranges)


def _digest(handle: int, offset: int, length: int) -> str:
    return hashlib.sha256(os.pread(handle, length, offset)).hexdigest()


def tell(world: World, vm: Resource, oracle: Json | Callable[[Path], bool], otherwise: Json | None) -> None:
    """The machine's oracle from now on."""
    LOCAL.pop(f"{world.folder}|{vm.id}", None)
    if callable(oracle):
        LOCAL[f"{world.folder}|{vm.id}"] = oracle
        vm.inside["oracle"] = {"kind": "always", **READY}
    else:
        vm.inside["oracle"] = dict(oracle)
    if otherwise is not None:
        vm.inside["oracle"]["otherwise"] = otherwise


def forget(world: World) -> None:
    for key in [key for key in LOCAL if key.startswith(f"{world.folder}|")]:
        del LOCAL[key]
