"""Reading, checking, editing and replaying hives beside hivex and regipy, on the same hive, in one run.

    python benchmarks/hive.py [--runs 3] [--edits 2000]

The hive is the SYSTEM hive of the local test data (BOOTMEND_TEST_DATA, or shared/data beside the checkout),
else one the lab makes. hivex is called as a library (libhivex.so.0); what is not installed is left out and
named. Each figure is the best of the runs; a ratio is the other's time divided by bootmend's of the same run.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import importlib.util
import logging
import lzma
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootmend.formats.hive import Hive, HiveEditor, check, new_hive, recover
from bootmend.lab.hive_log import crash

HIVEX_WRITE = 4
LONG = 20
"""Seconds after which a task is not run once more."""


class _SetValue(ctypes.Structure):
    _fields_ = (
        ("key", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("length", ctypes.c_size_t),
        ("value", ctypes.c_char_p),
    )


class Hivex:
    """libhivex by ctypes: the calls this comparison needs."""

    def __init__(self, path: Path, write: bool = False) -> None:
        self.library = ctypes.CDLL("libhivex.so.0")
        for name, result in (("open", ctypes.c_void_p), ("root", ctypes.c_size_t), ("node_get_child", ctypes.c_size_t)):
            getattr(self.library, f"hivex_{name}").restype = result
        for name in ("node_children", "node_values"):
            getattr(self.library, f"hivex_{name}").restype = ctypes.POINTER(ctypes.c_size_t)
        self.library.hivex_value_value.restype = ctypes.c_void_p
        self.libc = ctypes.CDLL(None)
        opened = self.library.hivex_open(str(path).encode(), HIVEX_WRITE if write else 0)
        if not opened:
            raise OSError(f"hivex does not open {path}")
        self.handle = ctypes.c_void_p(opened)

    def key(self, path: str) -> ctypes.c_size_t:
        node = ctypes.c_size_t(self.library.hivex_root(self.handle))
        for part in path.split("\\"):
            node = ctypes.c_size_t(self.library.hivex_node_get_child(self.handle, node, part.encode()))
        return node

    def walk(self) -> tuple[int, int]:
        keys = values = 0
        todo = [self.library.hivex_root(self.handle)]
        kind, length = ctypes.c_int(), ctypes.c_size_t()
        while todo:
            node = ctypes.c_size_t(todo.pop())
            keys += 1
            for value in self._list(self.library.hivex_node_values(self.handle, node)):
                values += 1
                data = self.library.hivex_value_value(
                    self.handle, ctypes.c_size_t(value), ctypes.byref(kind), ctypes.byref(length)
                )
                self.libc.free(ctypes.c_void_p(data))
            todo += self._list(self.library.hivex_node_children(self.handle, node))
        return keys, values

    def _list(self, found: ctypes.Array[ctypes.c_size_t]) -> list[int]:
        items: list[int] = []
        while found[len(items)]:
            items.append(int(found[len(items)]))
        self.libc.free(found)
        return items

    def set_value(self, node: ctypes.c_size_t, name: str, kind: int, data: bytes) -> None:
        value = _SetValue(name.encode(), kind, len(data), data)
        if self.library.hivex_node_set_value(self.handle, node, ctypes.byref(value), 0):
            raise OSError("hivex does not set the value")

    def commit(self) -> None:
        if self.library.hivex_commit(self.handle, None, 0):
            raise OSError("hivex does not commit")

    def close(self) -> None:
        self.library.hivex_close(self.handle)


@dataclass
class Row:
    """One task: seconds by tool, and what there is to say beside the time."""

    task: str
    seconds: dict[str, float]
    remark: str = ""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def best(runs: int, work: Callable[[], object]) -> float:
    """Seconds of the fastest run; one is enough where it takes long."""
    times: list[float] = []
    while len(times) < runs and sum(times) < LONG:
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def installed() -> tuple[bool, bool]:
    """Whether hivex and regipy are here; says so where not."""
    try:
        ctypes.CDLL("libhivex.so.0")
        hivex = True
    except OSError:
        hivex = False
        say("hivex is not installed (libhivex0): left out")
    regipy = importlib.util.find_spec("regipy") is not None
    if not regipy:
        say("regipy is not installed: left out")
    return hivex, regipy


def data_folder() -> Path | None:
    named = os.environ.get("BOOTMEND_TEST_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None


def the_hive() -> tuple[str, bytes]:
    folder = data_folder()
    real = folder / "hives/system/win7-clean.SYSTEM.xz" if folder else None
    if real and real.exists():
        return real.name, lzma.decompress(real.read_bytes())
    editor = HiveEditor(new_hive("ROOT"), "lab hive")
    for number in range(10_000):
        path = f"ControlSet001\\services\\Service{number:05}"
        editor.create_key(path)
        editor.set_value(path, "Start", 4, b"\3\0\0\0")
        editor.set_value(path, "ImagePath", 2, f"system32\\drivers\\s{number}.sys\0".encode("utf-16-le"))
    return "a hive the lab made", editor.finish()


def look_up(data: bytes, path: Path, key: str, runs: int, hivex: bool, regipy: bool) -> Row:
    def ours() -> None:
        found = Hive.parse(data, "hive").key(key)
        assert found is not None and found.value("Start") is not None

    row = Row("open, look one key up", {"bootmend": best(runs, ours)})
    if hivex:

        def theirs() -> None:
            opened = Hivex(path)
            assert opened.key(key)
            opened.close()

        row.seconds["hivex"] = best(runs, theirs)
    if regipy:
        open_regipy: Any = importlib.import_module("regipy.registry").RegistryHive

        row.seconds["regipy"] = best(runs, lambda: open_regipy(str(path)).get_key("\\" + key).get_values())
    return row


def walk(data: bytes, path: Path, runs: int, hivex: bool, regipy: bool) -> Row:
    counts: list[tuple[int, int]] = []

    def ours() -> None:
        keys = values = 0
        todo = [Hive.parse(data, "hive").root]
        while todo:
            key = todo.pop()
            keys += 1
            values += len(key.values())
            todo += key.subkeys()
        counts.append((keys, values))

    row = Row("read every key and value", {"bootmend": best(runs, ours)}, f"{counts[0][0]} keys, {counts[0][1]} values")
    if hivex:

        def theirs() -> None:
            opened = Hivex(path)
            assert opened.walk() == counts[0]
            opened.close()

        row.seconds["hivex"] = best(runs, theirs)
    if regipy:
        open_regipy: Any = importlib.import_module("regipy.registry").RegistryHive

        def regipys() -> None:
            keys = values = 0
            todo = [open_regipy(str(path)).root]
            while todo:
                key = todo.pop()
                keys += 1
                values += len(list(key.iter_values())) if key.header.values_count else 0
                todo += key.iter_subkeys() if key.header.subkey_count else []
            assert (keys, values) == counts[0]

        row.seconds["regipy"] = best(runs, regipys)
    return row


def structure(data: bytes, runs: int) -> Row:
    report = check(data, "hive")
    remark = f"{report.cells} cells, {report.error_count} errors, {report.leaked_cells} leaks; the others check nothing"
    return Row("check every cell", {"bootmend": best(runs, lambda: check(data, "hive"))}, remark)


def edit(data: bytes, path: Path, key: str, edits: int, runs: int, hivex: bool) -> Row:
    """One value after another set in one key, each of another length than before; written at the end."""
    sizes = [24 + at * 7919 % 400 for at in range(edits)]
    grown: dict[str, int] = {}

    def ours() -> None:
        editor = HiveEditor(data, "hive")
        for at, size in enumerate(sizes):
            editor.set_value(key, f"value{at % 10}", 3, bytes(size))
        grown["bootmend"] = len(editor.finish()) - len(data)

    row = Row(f"open, {edits} edits, write", {"bootmend": best(runs, ours)})
    checking = best(runs, lambda: check(data, "hive"))
    if hivex:
        copy = path.with_name("edited")

        def theirs() -> None:
            copy.write_bytes(data)
            opened = Hivex(copy, write=True)
            node = opened.key(key)
            for at, size in enumerate(sizes):
                opened.set_value(node, f"value{at % 10}", 3, bytes(size))
            opened.commit()
            opened.close()
            grown["hivex"] = copy.stat().st_size - len(data)

        row.seconds["hivex"] = best(runs, theirs)
    growth = ", ".join(f"{size:,} bytes with {tool}" for tool, size in grown.items())
    row.remark = f"{checking:.2f} s of it the check before any edit; the file grew by {growth}"
    return row


def replay(data: bytes, folder: Path, runs: int, regipy: bool) -> Row:
    """A crash made from the hive and its edited version; the replay must give the edited one."""
    editor = HiveEditor(data, "hive")
    for at in range(200):
        editor.create_key(f"new\\key{at}")
        editor.set_value(f"new\\key{at}", "data", 3, bytes(1000))
    wanted = editor.finish()
    primary, log1, log2 = crash(data, wanted)
    logs = {"LOG1": log1, "LOG2": log2}
    right = recover(primary, logs, "hive").data[4096:] == wanted[4096:]
    row = Row(f"replay {(len(log1) + len(log2)) >> 10} KB of logs", {})
    row.seconds["bootmend"] = best(runs, lambda: recover(primary, logs, "hive"))
    verdicts = [f"bootmend {'right' if right else 'WRONG'}"]
    if regipy:
        apply_logs: Any = importlib.import_module("regipy.recovery").apply_transaction_logs
        for name, content in (("primary", primary), ("log1", log1), ("log2", log2)):
            (folder / name).write_bytes(content)

        def theirs() -> None:
            apply_logs(str(folder / "primary"), str(folder / "log1"), str(folder / "log2"), str(folder / "restored"))

        try:
            row.seconds["regipy"] = best(runs, theirs)
            verdicts.append(
                f"regipy {'right' if (folder / 'restored').read_bytes()[4096:] == wanted[4096:] else 'wrong'}"
            )
        except Exception as error:  # whatever it raises is its result
            verdicts.append(f"regipy failed ({type(error).__name__})")
    row.remark = ", ".join([*verdicts, "hivex knows no logs"])
    return row


def show(rows: list[Row]) -> None:
    say(f"{'task':28}{'bootmend':>10}{'hivex':>18}{'regipy':>18}  remark")
    for row in rows:
        own = row.seconds["bootmend"]
        cells = [
            f"{row.seconds[tool]:8.3f} s {row.seconds[tool] / own:6.1f}x" if tool in row.seconds else "-"
            for tool in ("hivex", "regipy")
        ]
        say(f"{row.task:28}{own:8.3f} s{cells[0]:>18}{cells[1]:>18}  {row.remark}")


def main() -> int:
    options = argparse.ArgumentParser(description="Hives beside hivex and regipy.")
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--edits", type=int, default=2000)
    chosen = options.parse_args()
    logging.disable(logging.CRITICAL)  # regipy reports every value that is no text
    hivex, regipy = installed()
    name, data = the_hive()
    services = Hive.parse(data, name).key("ControlSet001\\services")
    assert services is not None
    key = next(below.path for below in services.subkeys() if below.value("Start"))
    say(f"{name}: {len(data):,} bytes; best of {chosen.runs}; the ratio is the other's time over bootmend's")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "hive"
        path.write_bytes(data)
        show(
            [
                look_up(data, path, key, chosen.runs, hivex, regipy),
                walk(data, path, chosen.runs, hivex, regipy),
                structure(data, chosen.runs),
                edit(data, path, key, chosen.edits, chosen.runs, hivex),
                replay(data, folder, chosen.runs, regipy),
            ]
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
