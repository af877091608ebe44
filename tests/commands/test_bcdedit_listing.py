"""What /enum shows: every element of every real store, and the columns of the real tool."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from bcdedit_desk import machine
from sample_data import data_folder, need

from bootmend.commands.bcdedit.device_words import read_device
from bootmend.commands.bcdedit.listing import Listing, chosen, columns, header
from bootmend.commands.bcdedit.partitions import Partitions
from bootmend.errors import Refused
from bootmend.formats.bcd import (
    BcdObject,
    BootDevice,
    Element,
    GptPartition,
    MbrPartition,
    ObjectType,
    Store,
    decode_device,
    element_name,
    encode_value,
)
from bootmend.volumes.partitions import Partition, PartitionTable

FOLDER = data_folder()
REAL = sorted(path.parent.name for path in (FOLDER or Path("/nonexistent")).glob("bcd/*/BCD"))
DISK = UUID("11111111-2222-4333-8444-555555555555")
ESP, WINDOWS = UUID(int=0xE << 64), UUID(int=0xC << 64)
GPT = PartitionTable(
    "gpt",
    f"{{{DISK}}}",
    DISK,
    None,
    512,
    [Partition(1, 1 << 20, 1 << 28, guid=ESP), Partition(3, 1 << 30, 1 << 35, guid=WINDOWS)],
)
MBR = PartitionTable(
    "mbr", "0x1234abcd", None, 0x1234ABCD, 512, [Partition(1, 1 << 20, 1 << 28), Partition(2, 1 << 30, 1 << 35)]
)


def blocks(lines: list[str]) -> dict[str, tuple[str, list[tuple[str, list[str]]]]]:
    """A listing read back: identifier -> (header, [(name, values)])."""
    found: dict[str, tuple[str, list[tuple[str, list[str]]]]] = {}
    title = ""
    rows: list[tuple[str, list[str]]] = []
    for position, line in enumerate(lines):
        if line == "":
            title, rows = lines[position + 1], []
            assert lines[position + 2] == "-" * len(title)
        elif (line == title and lines[position - 1] == "") or set(line) == {"-"}:
            continue
        elif line.startswith(" " * 24):
            rows[-1][1].append(line[24:])
        else:
            name, _, value = line.partition(" ")
            value = value[max(23 - len(name), 0) :]
            rows.append((name, [value] if value else []))
            if name == "identifier":
                assert value not in found
                found[value] = (title, rows)
    return found


def expected(number: int, raw: Any, object_type: int) -> list[str] | None:
    """What the element's value should read as, worked out from the other reader's dump; None: only a device's bytes."""
    form = number >> 24 & 0xF
    if form == 1:
        return None
    if form in (2, 3):
        text = raw if isinstance(raw, str) else raw[0]
        return [text.lower() if form == 3 else text]
    if form == 4:
        return [each.lower() for each in ([raw] if isinstance(raw, str) else raw)]
    data = bytes.fromhex(raw)
    if form == 6:
        return ["Yes" if any(data) else "No"]
    numbers = [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)]
    known = not element_name(number, object_type).startswith("custom:")
    return [hex(each) if form == 7 and known else str(each) for each in numbers]


@pytest.mark.data
@pytest.mark.parametrize("name", REAL)
def test_every_element_of_a_real_store_is_shown(name: str) -> None:
    folder = need(f"bcd/{name}")
    dump = json.loads((folder / "BCD.dissect.json").read_text())
    store = Store.parse((folder / "BCD").read_bytes(), name)
    listing = Listing(store, Partitions(GPT, 3), full=True)
    shown = blocks(list(listing.lines(chosen(store, "all"))))
    assert set(shown) == {key.lower() for key in dump["objects"]}
    count = 0
    for key, told in dump["objects"].items():
        object_type = int(told["type"], 16)
        _, rows = shown[key.lower()]
        assert rows[0] == ("identifier", [key.lower()])
        elements = sorted((int(number, 16), kind, raw) for number, (kind, raw) in told["elements"].items())
        assert [row[0] for row in rows[1:]] == [element_name(number, object_type) for number, _, _ in elements]
        for (number, _, raw), (shown_name, values) in zip(elements, rows[1:], strict=True):
            count += 1
            if shown_name.startswith("custom:"):
                assert shown_name == f"custom:{number:08x}"
            wanted = expected(number, raw, object_type)
            element = store.objects[UUID(key)].elements[number]
            if wanted is None:
                device = decode_device(bytes.fromhex(raw), name)
                assert len(values) == 1
                assert values[0].split("=")[0] in ("boot", "unknown", "ramdisk", "partition"), (device, values)
            elif element.word is not None:
                assert values == [element.word]
            else:
                assert (values or [""]) == wanted
    assert count == sum(len(told["elements"]) for told in dump["objects"].values())


@pytest.mark.data
def test_every_real_store_was_looked_at() -> None:
    need("bcd")
    assert len(REAL) == 31


def test_the_columns_are_those_of_the_real_tool() -> None:
    with machine(1) as found:
        answer, _ = found.run("bcdedit")
    text = "\n".join(answer.lines)
    # Windows names its RAM disk by a GUID made anew for each store.
    assert re.sub(r"\{[0-9a-f-]{36}\}", "{id}", text) == (
        "\n"
        "Windows Boot Manager\n"
        "--------------------\n"
        "identifier              {bootmgr}\n"
        "device                  partition=\\Device\\HarddiskVolume1\n"
        "description             Windows Boot Manager\n"
        "locale                  en-US\n"
        "inherit                 {globalsettings}\n"
        "default                 {default}\n"
        "resumeobject            {id}\n"
        "displayorder            {default}\n"
        "toolsdisplayorder       {memdiag}\n"
        "timeout                 30\n"
        "\n"
        "Windows Boot Loader\n"
        "-------------------\n"
        "identifier              {default}\n"
        "device                  partition=C:\n"
        "path                    \\Windows\\system32\\winload.exe\n"
        "description             Windows Server\n"
        "locale                  en-US\n"
        "inherit                 {bootloadersettings}\n"
        "recoveryenabled         No\n"
        "allowedinmemorysettings 0x15000075\n"
        "osdevice                partition=C:\n"
        "systemroot              \\Windows\n"
        "resumeobject            {id}\n"
        "nx                      OptOut\n"
        "bootmenupolicy          Standard"
    )


def test_lists_go_on_below_and_long_names_keep_a_blank() -> None:
    assert list(columns("inherit", ["{a}", "{b}"])) == ["inherit                 {a}", " " * 24 + "{b}"]
    assert list(columns("hypervisorenforcedcodeintegrity", ["1"])) == ["hypervisorenforcedcodeintegrity 1"]
    assert list(columns("displayorder", [])) == ["displayorder"]


@pytest.mark.parametrize(
    ("what", "kinds"),
    [
        ("active", ["Windows Boot Manager", "Windows Boot Loader"]),
        ("firmware", ["Firmware Boot Manager", "Windows Boot Manager"]),
        ("bootmgr", ["Windows Boot Manager"]),
        ("osloader", ["Windows Boot Loader"]),
        ("resume", ["Resume from Hibernate"]),
        ("bootapp", ["Windows Boot Loader", "Resume from Hibernate", "Windows Memory Tester"]),
        (
            "inherit",
            [
                "EMS Settings",
                "Debugger Settings",
                "RAM Defects",
                "Global Settings",
                "Boot Loader Settings",
                "Hypervisor Settings",
                "Resume Loader Settings",
            ],
        ),
        ("{memdiag}", ["Windows Memory Tester"]),
        ("{default}", ["Windows Boot Loader"]),
    ],
)
def test_types_of_entries(what: str, kinds: list[str]) -> None:
    with machine(2) as found:
        answer, store = found.run(f"/enum {what}")
        assert [header(each) for each in answer.entries] == kinds
        assert answer.lines == list(Listing(store, found.session.partitions).lines(answer.entries))


def test_v_shows_guids_and_no_names() -> None:
    with machine(2) as found:
        for line in ("/v", "/enum active /v", "/enum /v"):
            answer, _ = found.run(line)
            assert not any(re.search(r"\{[a-z]+\}", each) for each in answer.lines)
            assert "identifier              {9dea862c-5cdd-4e70-acc1-f32b344d4795}" in answer.lines
        short, _ = found.run("/enum active")
        assert "inherit                 {bootloadersettings}" in short.lines


def shown(number: int, raw: bytes, object_type: int = ObjectType.OS_LOADER, kind: int = 3) -> list[str]:
    store = Store("BCD", "", {}, (), False)
    return Listing(store, Partitions(GPT, 3)).values(Element(number, kind, raw, object_type))


def test_numbers_addresses_and_what_cannot_be_read() -> None:
    assert shown(0x1500001A, bytes([2, 1, 168, 192])) == ["192.168.1.2"]
    assert shown(0x15000007, struct.pack("<Q", 1 << 28)) == ["0x10000000"]
    assert shown(0x25000080, struct.pack("<Q", 9)) == ["9"]
    assert shown(0x250000FF, b"\x05") == ["5"]
    assert shown(0x260000FF, b"\x01") == ["Yes"]
    assert shown(0x11000001, b"\x00\x01\x02") == ["000102"]
    assert shown(0x2F0000FF, b"\xab\xcd") == ["abcd"]
    assert shown(0x12000004, "a\x1b[31m\ud800".encode("utf-16-le", "surrogatepass"), kind=1) == ["a\\u001b[31m\\ud800"]


@pytest.mark.parametrize(
    "word",
    [
        "boot",
        "partition=C:",
        "partition=\\Device\\HarddiskVolume1",
        "locate=custom:12000002",
        "locate=\\Windows\\x y",
        "file=[C:]\\images\\a.img",
        "file=[locate]\\a.img",
        "ramdisk=[boot]\\sources\\boot.wim,{ae5534e0-a924-466c-b836-758539a3ee3a}",
        "ramdisk=[C:]\\boot.wim",
        "ramdisk=[\\Device\\HarddiskVolume1]\\boot.wim",
        "vhd=[C:]\\vm.vhdx,locate=custom:22000002",
        "vhd=[locate]\\vm.vhdx,locate=custom:12000002",
    ],
)
@pytest.mark.parametrize("table", [GPT, MBR], ids=["gpt", "mbr"])
def test_devices_are_shown_as_they_are_typed(table: PartitionTable, word: str) -> None:
    partitions = Partitions(table, table.partitions[-1].number)
    device = read_device(word, 0x11000001, partitions, UUID)
    number, kind = 0x11000001, 3
    raw = encode_value(number, device)[1]
    store = Store("BCD", "", {}, (), False)
    assert Listing(store, partitions, full=True).values(Element(number, kind, raw)) == [word]


def test_a_partition_that_does_not_exist_is_unknown() -> None:
    for table, device in (
        (GPT, GptPartition(UUID(int=7), DISK)),
        (MBR, MbrPartition(5 << 20, 0x1234ABCD)),
        (MBR, MbrPartition(1 << 20, 0x99)),
    ):
        raw = encode_value(0x11000001, device)[1]
        store = Store("BCD", "", {}, (), False)
        assert Listing(store, Partitions(table, 2)).values(Element(0x11000001, 3, raw)) == ["unknown"]


def test_c_is_refused_where_it_cannot_be_told() -> None:
    partitions = Partitions(GPT, None, why_no_windows="Two of them.")
    with pytest.raises(Refused, match="Two of them"):
        read_device("partition=C:", 0x11000001, partitions, UUID)
    assert partitions.device("\\Device\\HarddiskVolume3") == GptPartition(WINDOWS, DISK)
    bare = PartitionTable("none", "", None, None, 512, [Partition(1, 0, 1 << 30)])
    with pytest.raises(Refused, match=r"C:|partition"):
        Partitions(bare, 1).device("C:")
    assert read_device("boot", 0x11000001, partitions, UUID) == BootDevice()


def test_entries_of_unknown_kinds_have_headers() -> None:
    def made(kind: int) -> str:
        return header(BcdObject(UUID(int=1), kind, {}, ()))

    assert made(0x101FFFFF) == "Firmware Application (101fffff)"
    assert made(0x10200009) == "Windows Boot Application (10200009)"
    assert made(0x10400009) == "Real-mode Application (10400009)"
    assert made(0x20300000) == "Inheritable Settings (20300000)"
    assert made(0) == "Unknown (00000000)"
    assert made(ObjectType.DEVICE) == "Device options"
