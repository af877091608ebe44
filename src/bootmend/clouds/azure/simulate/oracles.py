"""Oracles: whether a machine boots from the disk it has, without asking bootmend's own diagnosis.

An oracle is plain JSON, so that it can be told to another process and saved:

    {"kind": "always", "state": "ready"}
    {"kind": "ranges", "ranges": [[offset, length, sha256], ...], "otherwise": {"state": "stop", "stop": "0x5A"}}
    {"kind": "restored", "want": {...}, "whole": false, "otherwise": {...}}    what a healthy twin has (restored.py)
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

from bootmend.clouds.azure.simulate.restored import differences, is_restored
from bootmend.clouds.azure.simulate.wire import Json
from bootmend.clouds.azure.simulate.world import Resource, World

READY: Json = {"state": "ready"}
_STOP: Json = {"state": "stop", "stop": "0x5A", "name": "CRITICAL_SERVICE_FAILED"}

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
    if oracle["kind"] == "restored":
        return READY if is_restored(disk, oracle["want"], whole=oracle["whole"]) else otherwise
    if oracle["kind"] == "ranges":
        return READY if _same(disk, oracle["ranges"]) else otherwise
    module, _, name = str(oracle["function"]).partition(":")
    return READY if getattr(importlib.import_module(module), name)(disk) else otherwise


def equal_ranges(good: Path, ranges: Iterable[tuple[int, int]], otherwise: Json = _STOP) -> Json:
    """Boots while these ranges (offset, length) are as on the good disk."""
    with good.open("rb") as file:
        told = [[offset, length, _digest(file.fileno(), offset, length)] for offset, length in ranges]
    return {"kind": "ranges", "ranges": told, "otherwise": otherwise}


def restored(broken: Path, healthy: Path, otherwise: Json = _STOP, *, whole: bool = False) -> Json:
    """Boots when something, or all, of what the broken disk lacks of the healthy one is there again (restored.py)."""
    return {"kind": "restored", "want": differences(broken, healthy), "whole": whole, "otherwise": otherwise}


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
