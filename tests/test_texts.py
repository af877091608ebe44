"""The catalogue holds exactly what the program says: every key used stands in it, and every key of it is used."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path

import pytest

from bootmend.texts import say

SOURCE = Path(__file__).parents[1] / "src" / "bootmend"
FILES = sorted([*SOURCE.glob("texts/en.toml"), *SOURCE.glob("texts/en/*.toml")])
TABLES = [(file, tomllib.loads(file.read_text(encoding="utf-8"))) for file in FILES]
CATALOGUE = {room: entries for _, tables in TABLES for room, entries in tables.items()}
KEYS = {f"{room}.{key}" for room, entries in CATALOGUE.items() for key in entries}
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py")))


def test_a_table_stands_in_one_file_only() -> None:
    names = [room for _, tables in TABLES for room in tables]
    assert sorted(names) == sorted(set(names))


def test_every_key_used_stands_in_the_catalogue() -> None:
    used = set(re.findall(r"""say\(\s*["']([a-z_]+\.[a-z0-9_-]+)["']""", TEXT))
    assert used - KEYS == set()


def test_every_key_of_the_catalogue_is_used() -> None:
    prefixes = tuple(re.findall(r"""f["']([a-z_]+\.[a-z0-9_]*)\{""", TEXT))
    quoted = set(re.findall(r"""["']([a-z_]+\.[a-z0-9_-]+)["']""", TEXT))
    assert [key for key in sorted(KEYS) if key not in quoted and not key.startswith(prefixes)] == []


@pytest.mark.parametrize("key", sorted(KEYS))
def test_an_entry_fills_in(key: str) -> None:
    room, name = key.split(".", 1)
    places = [place for _, place, _, _ in string.Formatter().parse(CATALOGUE[room][name]) if place]
    values = {re.split(r"[.\[]", place)[0]: 7 for place in places}
    told = say(key, **values)
    # A literal {default} of bcdedit may stand in a text; a place of its own may not stay open.
    assert not any(f"{{{place}}}" in told for place in places)


def test_another_language_falls_back_to_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOTMEND_LANG", "xx")
    assert say("cli.declined") == "Nothing was written."
