"""What `reg add` writes, as readers made by others see it; and what it takes for which type."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import pyregf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from regipy.registry import RegistryHive
from Registry import Registry as OtherRegistry

from bootmend.commands.reg.data import TYPES, shown, type_name
from bootmend.commands.reg.lines import Add
from bootmend.commands.reg.parse import parse
from bootmend.errors import Misuse
from bootmend.formats.hive import HiveEditor, Value, ValueType, check, multi_sz, new_hive, sz
from bootmend.formats.hive.names import fold

# Characters of a word on a command line: no NUL, no lone surrogates.
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")
TEXT = st.text(CHARACTERS, max_size=20)
# One reader takes Latin-1 names for windows-1252, another for something else: ASCII and what is stored as UTF-16.
LETTERS = "abcXYZ0189-_.,;:!?/<>()[]{}&%$#@'\"=+~Жуک한글\U00010400"
KEY_PART = st.text(LETTERS, min_size=1, max_size=10)
VALUE_NAME = st.text(LETTERS + "\\", max_size=12)
HEX_TYPES = ["REG_BINARY", "REG_RESOURCE_LIST", "REG_FULL_RESOURCE_DESCRIPTOR", "REG_RESOURCE_REQUIREMENTS_LIST"]


def number(bits: int) -> st.SearchStrategy[tuple[str, int]]:
    """A number as decimal or hexadecimal digits, and the number."""
    return st.tuples(st.integers(0, (1 << bits) - 1), st.sampled_from(["{}", "{:#x}", "0{}", "0X{:X}"])).map(
        lambda pair: (pair[1].format(pair[0]), pair[0])
    )


WORDS = st.one_of(
    st.tuples(st.sampled_from(["REG_SZ", "REG_EXPAND_SZ", "REG_NONE"]), TEXT).map(lambda p: (p[0], p[1], sz(p[1]))),
    st.tuples(st.just("REG_LINK"), TEXT).map(lambda p: (p[0], p[1], sz(p[1])[:-2])),
    st.lists(st.text(CHARACTERS.filter(lambda c: c not in "\\"), min_size=1, max_size=6), min_size=1, max_size=4).map(
        lambda parts: ("REG_MULTI_SZ", "\\0".join(parts), multi_sz(parts))
    ),
    number(32).map(lambda n: ("REG_DWORD", n[0], n[1].to_bytes(4, "little"))),
    number(32).map(lambda n: ("REG_DWORD_BIG_ENDIAN", n[0], n[1].to_bytes(4, "big"))),
    number(64).map(lambda n: ("REG_QWORD", n[0], n[1].to_bytes(8, "little"))),
    st.tuples(st.sampled_from(HEX_TYPES), st.binary(max_size=40), st.booleans()).map(
        lambda p: (p[0], p[1].hex().upper() if p[2] else p[1].hex(), p[1])
    ),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.lists(KEY_PART, min_size=1, max_size=3), VALUE_NAME, WORDS), min_size=1, max_size=5))
def test_others_read_what_was_written(lines: list[tuple[list[str], str, tuple[str, str, bytes]]]) -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    wanted: dict[tuple[str, str], tuple[str, str, int, bytes]] = {}
    for parts, name, (type_word, word, data) in lines:
        command = parse(["add", "\\".join(["HKLM", "SYSTEM", *parts]), "/v", name, "/t", type_word, "/d", word, "/f"])
        assert isinstance(command, Add)
        editor.create_key(command.key.path)
        editor.set_value(command.key.path, command.name, command.type, command.data)
        wanted[fold("\\".join(parts)), fold(name)] = ("\\".join(parts), name, TYPES[type_word], data)
    hive = editor.finish()
    assert check(hive, "hive").errors == []
    other = OtherRegistry.Registry(io.BytesIO(hive)).root()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hive"
        path.write_bytes(hive)
        third: Any = RegistryHive(str(path)).root  # type: ignore[no-untyped-call]
        for key_path, name, kind, data in wanted.values():
            key = other
            regipy_key = third
            for part in key_path.split("\\"):
                key = next(below for below in key.subkeys() if fold(below.name()) == fold(part))
                regipy_key = next(below for below in regipy_key.iter_subkeys() if fold(below.name) == fold(part))
            value = next(v for v in key.values() if fold(_name(v.name())) == fold(name))
            assert value.value_type() == kind
            if kind == ValueType.DWORD_BE:
                # python-registry takes the type for the data of these.
                assert _by_pyregf(hive, key_path, name) == data
            else:
                # It pads what is shorter than four bytes.
                assert value.raw_data()[: len(data)] == data
            if kind in (ValueType.DWORD, ValueType.QWORD):
                assert value.value() == int.from_bytes(data, "little")
            assert regipy_key.header.values_count == len(key.values())


def _by_pyregf(hive: bytes, path: str, name: str) -> bytes:
    file = pyregf.file()
    file.open_file_object(io.BytesIO(hive))
    key = file.get_root_key()
    for part in path.split("\\"):
        key = next(below for below in key.sub_keys if fold(below.name) == fold(part))
    found: bytes = next(value.data for value in key.values if fold(value.name or "") == fold(name))
    file.close()
    return found


def _name(name: str) -> str:
    return "" if name == "(default)" else name


ADDED = [
    (["/ve"], "", ValueType.SZ, sz("")),
    ([], "", ValueType.SZ, sz("")),
    (["/d", "x"], "", ValueType.SZ, sz("x")),
    (["/v", "n"], "n", ValueType.SZ, sz("")),
    (["/v", "count/up", "/d", "one/two"], "count/up", ValueType.SZ, sz("one/two")),
    (["/v", "\\foo\\bar"], "\\foo\\bar", ValueType.SZ, sz("")),
    (["/v", "n", "/d", "foo\\0bar"], "n", ValueType.SZ, sz("foo\\0bar")),
    (["/v", "n", "/t", "REG_EXPAND_SZ", "/d", "%SystemRoot%\\a"], "n", ValueType.EXPAND_SZ, sz("%SystemRoot%\\a")),
    (["/v", "n", "/t", "REG_MULTI_SZ"], "n", ValueType.MULTI_SZ, b"\0\0"),
    (["/v", "n", "/t", "REG_MULTI_SZ", "/d", "\\0"], "n", ValueType.MULTI_SZ, b"\0\0\0\0"),
    (["/v", "n", "/t", "REG_MULTI_SZ", "/d", "a\\0"], "n", ValueType.MULTI_SZ, multi_sz(["a"])),
    (
        ["/v", "n", "/t", "REG_MULTI_SZ", "/s", "#", "/d", "two\\0#x"],
        "n",
        ValueType.MULTI_SZ,
        multi_sz(["two\\0", "x"]),
    ),
    (["/v", "n", "/t", "REG_DWORD", "/d", "0123"], "n", ValueType.DWORD, (123).to_bytes(4, "little")),
    (["/v", "n", "/t", "REG_DWORD_BIG_ENDIAN", "/d", "456"], "n", ValueType.DWORD_BE, b"\0\0\x01\xc8"),
    (["/v", "n", "/t", "REG_QWORD"], "n", ValueType.QWORD, bytes(8)),
    (["/v", "n", "/t", "REG_BINARY", "/d", "DeAdBeEf0DD"], "n", ValueType.BINARY, bytes.fromhex("0deadbeef0dd")),
    (["/v", "n", "/t", "REG_NONE"], "n", ValueType.NONE, b"\0\0"),
]


@pytest.mark.parametrize(("words", "name", "kind", "data"), ADDED)
def test_what_add_means(words: list[str], name: str, kind: int, data: bytes) -> None:
    command = parse(["add", "HKLM\\SOFTWARE\\K", *words, "/f"])
    assert isinstance(command, Add)
    assert (command.name, command.type, command.data) == (name, kind, data)


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_a_name_and_a_number(name: str) -> None:
    assert type_name(TYPES[name]).startswith(name.removesuffix("_LITTLE_ENDIAN"))
    word = "12" if TYPES[name] != ValueType.MULTI_SZ else "a"
    command = parse(["add", "HKLM\\SOFTWARE\\K", "/v", "n", "/t", name.lower(), "/d", word])
    assert isinstance(command, Add)
    assert command.type == TYPES[name]


def test_a_number_of_endless_digits_is_no_number() -> None:
    for word in ("9" * 100_000, "0x" + "f" * 100_000):
        with pytest.raises(Misuse):
            parse(["add", "HKLM\\SOFTWARE\\K", "/t", "REG_DWORD", "/d", word])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Value("", ValueType.SZ, sz("a\0b")), "a"),
        (Value("", ValueType.SZ, b"a\0b"), "a"),
        (Value("", ValueType.MULTI_SZ, multi_sz(["a", "b"])), "a\\0b"),
        (Value("", ValueType.MULTI_SZ, sz("")), ""),
        (Value("", ValueType.DWORD, b"\x0a\0\0\0"), "0xa"),
        (Value("", ValueType.DWORD, b"\x0a"), "0A"),
        (Value("", ValueType.DWORD_BE, b"\0\0\0\x0a"), "0xa"),
        (Value("", ValueType.QWORD, b"\xff" * 8), "0xffffffffffffffff"),
        (Value("", ValueType.BINARY, b"\xde\xad"), "DEAD"),
        (Value("", ValueType.NONE, b""), ""),
        (Value("", 0xABCD, b"\x01"), "01"),
    ],
)
def test_how_data_is_shown(value: Value, text: str) -> None:
    assert shown(value) == text
