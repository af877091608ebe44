""".reg files: a whole real hive there and back, what a line may say, and every kind of line that stops an import."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from bounded_work import bounded_work
from hive_readers import contents, data_of_others, pyregf_keys
from hypothesis import given
from hypothesis import strategies as st
from sample_data import unpacked

from bootmend.commands.reg.names import KeyName, parse_key
from bootmend.commands.reg.regexport import reg_file
from bootmend.commands.reg.regfile import KeyEntry, RegFileError, ValueEntry, read_reg_file
from bootmend.commands.reg.run import apply_entries
from bootmend.errors import BootmendError
from bootmend.formats.hive import Hive, HiveEditor, ValueType, check, multi_sz, new_hive, sz

TOP = KeyName("HKEY_LOCAL_MACHINE", "SYSTEM")
HEADER = "Windows Registry Editor Version 5.00\r\n\r\n"


def exported(hive: bytes) -> tuple[bytes, list[str]]:
    return reg_file(Hive.parse(hive, "hive").root, TOP)


def imported(file: bytes, into: bytes) -> bytes:
    editor = HiveEditor(into, "hive")
    apply_entries(read_reg_file(file, "file.reg"), lambda key: (editor, key.path))
    return editor.finish()


def text_of(file: bytes) -> str:
    assert file.startswith(b"\xff\xfe")
    return file[2:].decode("utf-16-le", "surrogatepass")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "keys"), [("system/win7-clean.SYSTEM.xz", 30_756), ("system/win81-dirty-nologs.SYSTEM.xz", 20_000)]
)
def test_a_real_hive_there_and_back(name: str, keys: int) -> None:
    hive = unpacked(f"hives/{name}")
    first, notes = exported(hive)
    again = imported(first, new_hive("ROOT"))
    second, _ = exported(again)
    assert first == second
    assert first.count("\r\n[".encode("utf-16-le")) >= keys
    # The keys with a class name are told, not lost in silence.
    assert any("class name" in note for note in notes)
    assert check(again, "again").errors == []
    # Two other readers see in the new hive what they see in the old one.
    if "clean" in name:
        old, new = pyregf_keys(hive), pyregf_keys(again)
        assert [(path, values) for path, _, _, values in old] == [(path, values) for path, _, _, values in new]
        assert data_of_others(hive) == data_of_others(again)


@pytest.mark.parametrize(
    "name", ["BigDataHive", "ManySubkeysHive", "MultiSzHive", "StringValuesHive", "UnicodeHive", "ExtendedASCIIHive"]
)
def test_odd_hives_there_and_back(name: str) -> None:
    hive = unpacked(f"hives/odd/{name}.xz")
    first, _ = exported(hive)
    again = imported(first, new_hive("ROOT"))
    assert contents(again) == contents(hive)
    assert exported(again)[0] == first


NAMES = st.text(st.characters(exclude_characters="\0"), min_size=0, max_size=12)
KEYS = st.lists(st.text(st.characters(exclude_characters="\0\r\n\\"), min_size=1, max_size=8), max_size=3)
TYPES = st.one_of(st.sampled_from([int(kind) for kind in ValueType]), st.integers(0, 0xFFFFFFFF))
DATA = st.one_of(st.binary(max_size=90), st.text(max_size=20).map(sz), st.sampled_from([b"", b"\0\0", b"\x0a\0\0\0"]))


@given(st.lists(st.tuples(KEYS, NAMES, TYPES, DATA), max_size=6))
def test_anything_a_hive_holds_comes_back(values: list[tuple[list[str], str, int, bytes]]) -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    for parts, name, kind, data in values:
        path = "\\".join(parts)
        editor.create_key(path)
        editor.set_value(path, name, kind, data)
    hive = editor.finish()
    file, notes = exported(hive)
    assert notes == []
    assert contents(imported(file, new_hive("ROOT"))) == contents(hive)


def test_the_form_is_that_of_the_registry_editor() -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    editor.create_key("Empty")
    editor.create_key("Full\\Below")
    for name, kind, data in [
        ("", ValueType.SZ, sz("Default value name")),
        ("Multiple strings", ValueType.MULTI_SZ, multi_sz(["Line1", "Line2", "Line3"])),
        ('double"quote', ValueType.SZ, sz('C:\\a "b"')),
        ("number", ValueType.DWORD, b"\x00\x01\x00\x00"),
        ("short number", ValueType.DWORD, b"\x01"),
        ("bytes", ValueType.BINARY, b"\x11\x22\x33\x44"),
        ("nothing", ValueType.BINARY, b""),
        ("odd type", 0xABCD, b"Value\0"),
        ("two lines", ValueType.SZ, sz("a\r\nb")),
        ("no end", ValueType.SZ, b"a\0"),
    ]:
        editor.set_value("Full", name, kind, data)
    expected = (
        HEADER + "[HKEY_LOCAL_MACHINE\\SYSTEM]\r\n\r\n"
        "[HKEY_LOCAL_MACHINE\\SYSTEM\\Empty]\r\n\r\n"
        "[HKEY_LOCAL_MACHINE\\SYSTEM\\Full]\r\n"
        '@="Default value name"\r\n'
        '"Multiple strings"=hex(7):4c,00,69,00,6e,00,65,00,31,00,00,00,4c,00,69,00,6e,\\\r\n'
        "  00,65,00,32,00,00,00,4c,00,69,00,6e,00,65,00,33,00,00,00,00,00\r\n"
        '"double\\"quote"="C:\\\\a \\"b\\""\r\n'
        '"number"=dword:00000100\r\n'
        '"short number"=hex(4):01\r\n'
        '"bytes"=hex:11,22,33,44\r\n'
        '"nothing"=hex:\r\n'
        '"odd type"=hex(abcd):56,61,6c,75,65,00\r\n'
        '"two lines"=hex(1):61,00,0d,00,0a,00,62,00,00,00\r\n'
        '"no end"=hex(1):61,00\r\n\r\n'
        "[HKEY_LOCAL_MACHINE\\SYSTEM\\Full\\Below]\r\n\r\n"
    )
    assert text_of(exported(editor.finish())[0]) == expected


def entries(text: str | bytes) -> list[KeyEntry | ValueEntry]:
    return read_reg_file(text if isinstance(text, bytes) else text.encode(), "f.reg")


KEY = "[HKEY_LOCAL_MACHINE\\SOFTWARE\\K]\r\n"


@pytest.mark.parametrize(
    ("line", "name", "kind", "data"),
    [
        ('"a"="b"', "a", 1, sz("b")),
        ('"a" = "b" ; why', "a", 1, sz("b")),
        ('"a;=[b"="c;d"', "a;=[b", 1, sz("c;d")),
        ('@="x"', "", 1, sz("x")),
        ('"@"="x"', "@", 1, sz("x")),
        ('"p\\\\q\\"r"="\\\\\\""', 'p\\q"r', 1, sz('\\"')),
        ('"a"=dword:a', "a", 4, b"\x0a\0\0\0"),
        ('"a"=DWORD:FFFFFFFF', "a", 4, b"\xff" * 4),
        ('"a"=hex:', "a", 3, b""),
        ('"a"=hex:1,02,\\\r\n  ff', "a", 3, b"\x01\x02\xff"),
        ('"a"=hex(b):01,00,00,00,00,00,00,80', "a", 11, b"\x01\0\0\0\0\0\0\x80"),
        ('"a"=hex(7):61,00,00,00,\\  \n\t00,00', "a", 7, multi_sz(["a"])),
        ('"a"=-', "a", 0, None),
        ("@=-", "", 0, None),
    ],
)
def test_a_line(line: str, name: str, kind: int, data: bytes | None) -> None:
    for mark, encoding in (
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
        (b"\xef\xbb\xbf", "utf-8"),
        (b"", "utf-8"),
    ):
        file = mark + f"{HEADER}; first\r\n\r\n{KEY}{line}\r\n".encode(encoding)
        assert entries(file)[1] == ValueEntry(6, name, kind, data)


def test_the_old_form_holds_8_bit_strings() -> None:
    found = entries(
        b'REGEDIT4\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\K]\n"\xe4"="\xfc"\n"m"=hex(7):61,00,e4,00,00\n"b"=hex:e4\n'
    )
    assert found[1:] == [
        ValueEntry(4, "ä", 1, sz("ü")),
        ValueEntry(5, "m", 7, multi_sz(["a", "ä"])),
        ValueEntry(6, "b", 3, b"\xe4"),
    ]


def test_deleting_and_making() -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    editor.create_key("Old\\Below")
    editor.create_key("K")
    editor.set_value("K", "gone", 1, sz("x"))
    file = (
        HEADER
        + "[-HKLM\\SOFTWARE\\Old]\r\n[-HKLM\\SOFTWARE\\Never]\r\n"
        + KEY
        + '"gone"=-\r\n"new"=dword:1\r\n[HKLM\\SOFTWARE\\Made]'
    )
    apply_entries(entries(file), lambda key: (editor, key.path))
    assert contents(editor.finish()) == {"": {}, "K": {"NEW": ("new", 4, b"\1\0\0\0")}, "MADE": {}}


WRONG = [
    ("", 1, "first line"),
    ("Windows Registry Editor Version 4.00\r\n", 1, "first line"),
    ("[HKEY_LOCAL_MACHINE\\SOFTWARE]\r\n", 1, "first line"),
    (HEADER + '"a"="b"\r\n', 3, "no key in brackets before it"),
    (HEADER + KEY + "a=b\r\n", 4, "'a=b'"),
    (HEADER + KEY + '"a="b"\r\n', 4, "neither a key"),
    (HEADER + KEY + '"a"="b\r\n"c"="d"\r\n', 4, '\'c"="d"\''),
    (HEADER + KEY + '"a"="b" "c"="d"\r\n', 4, "behind the end"),
    (HEADER + KEY + '"a"=dword:123456789\r\n', 4, "'dword:123456789'"),
    (HEADER + KEY + '"a"=dword:\r\n', 4, "no data"),
    (HEADER + KEY + '"a"=dword:0x1\r\n', 4, "'dword:0x1'"),
    (HEADER + KEY + '"a"=qword:1\r\n', 4, "'qword:1'"),
    (HEADER + KEY + '"a"=hex:1,,2\r\n', 4, "'' is no byte"),
    (HEADER + KEY + '"a"=hex:123\r\n', 4, "'123' is no byte"),
    (HEADER + KEY + '"a"=hex:12,\\\r\n\r\n"b"=hex:zz\r\n', 6, "'zz'"),
    (HEADER + KEY + '"a"=hex(123456789):00\r\n', 4, "no data"),
    (HEADER + KEY + '"a"="C:\\Windows"\r\n', 4, "backslash is written twice"),
    (HEADER + KEY + '"a"=\r\n', 4, "no data"),
    (HEADER + KEY + '"a"\r\n', 4, "neither a key"),
    (HEADER + "[HKEY_LOCAL_MACHINE\\SOFTWARE\r\n", 3, "closing bracket"),
    (HEADER + KEY + "\r\n\r\n[HKCU\\Software]\r\n", 6, "nobody is"),
    (HEADER + "[SOFTWARE\\K]\r\n", 3, "must begin with HKLM"),
    (HEADER + '[-HKLM\\SOFTWARE\\K]\r\n"a"=-\r\n', 4, "just deleted"),
    (HEADER + KEY + "; fine\r\n" + KEY + "nonsense", 6, "'nonsense'"),
]


@pytest.mark.parametrize(("text", "line", "said"), WRONG)
def test_a_wrong_line_names_itself(text: str, line: int, said: str) -> None:
    with pytest.raises(RegFileError) as failed:
        entries(text)
    assert failed.value.line == line
    assert said in str(failed.value)
    assert f"f.reg: line {line}:" in str(failed.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xfeW\0i", "odd number"),
        (HEADER.encode() + b"[HKLM\\\xff]", "UTF-8"),
        (b'REGEDIT4\n[HKLM\\SOFTWARE]\n"a"="\xb0\x81"', "line 3: byte 31 is no letter of the Western"),
    ],
)
def test_broken_text(data: bytes, said: str) -> None:
    with pytest.raises(RegFileError, match=said):
        entries(data)


def mutated(file: bytes, chance: random.Random) -> bytes:
    data = bytearray(file)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at : at + chance.randint(1, 9)]
            case 2:
                data[at:at] = chance.choice([b'"', b"\\", b"[", b"]", b",", b"\n", b"hex(", b"\0", b"=-"])
            case _:
                data[at:at] = data[at : at + 40]
    return bytes(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_mutated_files_are_read_or_refused_in_time(encoding: str) -> None:
    text = (
        HEADER
        + KEY
        + '"a"="b\\\\c"\r\n"d"=dword:00000001\r\n"e"=hex(7):61,00,\\\r\n  00,00\r\n\r\n[-HKLM\\SAM\\x]\r\n'
        + KEY
    )
    chance = random.Random(7)
    read = refused = 0
    for _ in range(3000):
        with bounded_work(calls=20_000):
            try:
                read += bool(read_reg_file(mutated(text.encode(encoding), chance), "f"))
            except BootmendError:
                refused += 1
    assert min(read, refused) > 100


def test_mutated_hives_are_exported_or_refused() -> None:
    chance = random.Random(11)
    exported_ones = refused = 0
    for name in ("MultiSzHive", "BigDataHive", "DupNameHive"):
        whole = unpacked(f"hives/odd/{name}.xz")
        for _ in range(150):
            hive = bytearray(whole)
            for _ in range(8):
                hive[chance.randrange(4096, min(len(hive), 9000))] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
            try:
                file, _ = exported(bytes(hive))
            except BootmendError:
                refused += 1
            else:
                exported_ones += 1
                assert len(file) < 40 * len(whole)
    assert min(exported_ones, refused) > 0


def hostile() -> Iterator[tuple[str, bytes]]:
    start = (HEADER + KEY).encode()
    yield "a quote never closed", start + b'"' + b"\\a" * 1_000_000
    yield "backslashes", start + b'"a"=hex:' + b"\\" * 1_000_000
    yield "commas", start + b'"a"=hex:' + b"," * 1_000_000
    yield "brackets", start + b"[" * 1_000_000
    yield "comments", start + b";\n" * 1_000_000 + b"x"
    yield "spaces", start + b" " * 1_000_000 + b"x"
    yield "many bad lines", start + b'"a\n' * 300_000
    yield "line feeds in brackets", start + b"[\n" * 300_000


@pytest.mark.parametrize(("name", "data"), [pytest.param(*case, id=case[0]) for case in hostile()])
def test_hostile_files_take_no_longer(name: str, data: bytes) -> None:
    with bounded_work(calls=100_000), pytest.raises(RegFileError):
        read_reg_file(data, name)


def test_a_key_that_no_line_can_hold_is_told() -> None:
    editor = HiveEditor(new_hive("ROOT"), "hive")
    editor.create_key("two\nlines\\below")
    editor.create_key("one")
    file, notes = exported(editor.finish())
    assert text_of(file) == HEADER + "[HKEY_LOCAL_MACHINE\\SYSTEM]\r\n\r\n[HKEY_LOCAL_MACHINE\\SYSTEM\\one]\r\n\r\n"
    assert "two\\nlines" in notes[0]


def test_names_of_keys() -> None:
    assert str(parse_key("hklm\\System\\a\\b/c d")) == "HKEY_LOCAL_MACHINE\\System\\a\\b/c d"
    assert parse_key("HKU\\.default") == KeyName("HKEY_USERS", ".default", "")
