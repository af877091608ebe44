"""Hives as plain dictionaries, and as three independent readers (four with hivex) see them."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pyregf
from regipy.registry import RegistryHive
from Registry import Registry

from bootmend.formats.hive import Hive
from bootmend.formats.hive.names import fold

Contents = dict[str, dict[str, tuple[str, int, bytes]]]
"""folded key path: {folded value name: (name, type, data)}"""


def contents(hive: bytes) -> Contents:
    """Everything our own reader sees; a warning of its is a failure."""
    parsed = Hive.parse(hive, "hive")
    found: Contents = {}
    todo = [parsed.root]
    while todo:
        key = todo.pop()
        found[fold(key.path)] = {fold(value.name): (value.name, value.type, value.data) for value in key.values()}
        todo += key.subkeys()
    assert parsed.warnings == []
    return found


def pyregf_keys(hive: bytes) -> list[tuple[str, int, str, list[tuple[str, int]]]]:
    """(path, last written, class, names and types of values) of each key, in the order of the lists."""
    file = pyregf.file()
    file.open_file_object(io.BytesIO(hive))
    found = []
    todo = [("", file.get_root_key())]
    while todo:
        path, key = todo.pop()
        values = [(value.name or "", value.type) for value in key.values]
        found.append((path, key.get_last_written_time_as_integer(), key.class_name or "", values))
        todo += [(f"{path}\\{below.name}".lstrip("\\"), below) for below in key.sub_keys]
    file.close()
    return found


def data_of_others(hive: bytes) -> list[list[tuple[bytes, bytes]]]:
    """The data of the values of each key as pyregf and as python-registry have it, keys in the order of `pyregf_keys`.

    pyregf cuts text at its first NUL and gives short binary values as zeros; python-registry pads what is
    shorter to four bytes and gives no data for types without a name. No value suffers from both.
    """
    file = pyregf.file()
    file.open_file_object(io.BytesIO(hive))
    found = []
    todo = [(file.get_root_key(), Registry.Registry(io.BytesIO(hive)).root())]
    while todo:
        key, other = todo.pop()
        pairs = zip(key.values, other.values(), strict=True)
        found.append([(value.data or b"", twin.raw_data()) for value, twin in pairs])
        todo += zip(key.sub_keys, other.subkeys(), strict=True)
    file.close()
    return found


def counts_of_others(hive: bytes, folder: Path) -> dict[str, tuple[int, int]]:
    """(keys, values) by reader."""
    path = folder / "hive"
    path.write_bytes(hive)
    seen = pyregf_keys(hive)
    found = {"pyregf": (len(seen), sum(len(values) for *_, values in seen))}
    found["python-registry"] = _count(
        Registry.Registry(io.BytesIO(hive)).root(), lambda key: key.subkeys(), lambda key: len(key.values())
    )
    found["regipy"] = _count(
        RegistryHive(str(path)).root,  # type: ignore[no-untyped-call]
        lambda key: key.iter_subkeys() if key.header.subkey_count else [],
        lambda key: key.header.values_count,
    )
    if shutil.which("hivexml"):
        xml = subprocess.run(["hivexml", str(path)], capture_output=True, check=True).stdout
        found["hivex"] = (xml.count(b"<node "), xml.count(b"<value "))
    return found


def _count(root: Any, below: Any, values: Any) -> tuple[int, int]:
    keys = number = 0
    todo = [root]
    while todo:
        key = todo.pop()
        keys += 1
        number += values(key)
        todo += below(key)
    return keys, number
