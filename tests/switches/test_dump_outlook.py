"""What is said of the next crash, by where the page file is and how much room there is."""

from __future__ import annotations

import pytest
from lab_machines import base
from switch_lab import SYSTEM, Bench, lab_disk

from bootmend.formats.hive import HiveEditor, ValueType, multi_sz, sz
from bootmend.switches.dump_outlook import dump_outlook
from bootmend.volumes.free import free_bytes
from bootmend.windows.image import Image
from bootmend.windows.page_files import page_files

MEMORY = "ControlSet001\\Control\\Session Manager\\Memory Management"
CRASH = "ControlSet001\\Control\\CrashControl"


def hive(paging: list[str] | None, existing: list[str] | None = None, dedicated: str = "") -> bytes:
    with lab_disk(2) as disk:
        editor = HiveEditor(Bench(disk, 2).machine.windows.system.primary, "SYSTEM")
    for name, strings in (("PagingFiles", paging), ("ExistingPageFiles", existing)):
        if strings is None:
            editor.delete_value(MEMORY, name)
        else:
            editor.set_value(MEMORY, name, ValueType.MULTI_SZ, multi_sz(strings))
    if dedicated:
        editor.set_value(CRASH, "DedicatedDumpFile", ValueType.SZ, sz(dedicated))
    return editor.finish()


@pytest.mark.parametrize(
    ("paging", "existing", "found"),
    [
        (["C:\\pagefile.sys 0 0"], None, [("C:", "\\pagefile.sys", "", 3)]),
        (["c:\\pagefile.sys 4096 8192"], None, [("C:", "\\pagefile.sys", "4096-8192", 3)]),
        (["?:\\pagefile.sys"], ["\\??\\C:\\pagefile.sys"], [("C:", "\\pagefile.sys", "", 3)]),
        (["?:\\pagefile.sys"], ["\\??\\D:\\pagefile.sys"], [("D:", "\\pagefile.sys", "", None)]),
        (["?:\\pagefile.sys"], None, [("?:", "\\pagefile.sys", "", None)]),
        (["D:\\a folder\\page file.sys 1 2"], None, [("D:", "\\a folder\\page file.sys", "1-2", None)]),
        (
            ["D:\\pagefile.sys 0 0", "C:\\p.sys 1 1"],
            None,
            [("D:", "\\pagefile.sys", "", None), ("C:", "\\p.sys", "1-1", 3)],
        ),
        (["D:\\page file.sys x"], None, [("D:", "\\page file.sys x", "", None)]),
        (["", "nonsense", "C:"], None, []),
        ([], None, []),
        (None, None, []),
    ],
)
def test_page_files(
    paging: list[str] | None, existing: list[str] | None, found: list[tuple[str, str, str, int | None]]
) -> None:
    with lab_disk(2, system=hive(paging, existing)) as disk:
        machine = Bench(disk, 2).machine
        files = page_files(machine.key(MEMORY), machine.windows.volume_names)
        assert [(one.drive, one.path, one.size, one.volume) for one in files] == found


@pytest.mark.parametrize(
    ("paging", "existing", "dedicated", "words"),
    [
        (["C:\\pagefile.sys 0 0"], None, "", "would be written to the page file C:\\pagefile.sys"),
        (["?:\\pagefile.sys"], None, "", "page file ?:\\pagefile.sys (Windows chooses its size; now unknown)"),
        (["D:\\pagefile.sys 0 0"], None, "", "No dump is likely"),
        (["?:\\pagefile.sys"], ["\\??\\D:\\pagefile.sys"], "", "No dump is likely"),
        ([], None, "", "neither a page file nor"),
        ([], None, "C:\\dump.sys", "would be written to the dedicated dump file C:\\dump.sys"),
        (["D:\\pagefile.sys 0 0"], None, "E:\\dump.sys", "not on this disk"),
    ],
)
def test_where_the_next_crash_goes(paging: list[str], existing: list[str] | None, dedicated: str, words: str) -> None:
    with lab_disk(2, system=hive(paging, existing, dedicated)) as disk:
        machine = Bench(disk, 2).machine
        assert words in dump_outlook(machine, "kernel")[0]


def test_what_does_not_print_is_told_as_numbers() -> None:
    with lab_disk(2, system=hive(["D:\\\x1b[2J\ud800.sys 0 0", "C:\\\x07\ud800.sys 1 1"])) as disk:
        told = dump_outlook(Bench(disk, 2).machine, "kernel")[0]
        assert "C:\\\\u0007\\ud800.sys" in told


def test_need_and_room() -> None:
    with lab_disk(2) as disk:
        machine = Bench(disk, 2).machine
        for variant, words in (
            ("kernel", "kernel's part"),
            ("automatic", "larger after a crash"),
            ("complete", "larger than all memory"),
            ("small", "a few megabytes"),
        ):
            told = dump_outlook(machine, variant)
            assert words in told[1]
            assert "GiB free" in told[2]


def test_too_little_room_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with lab_disk(2) as disk:
        machine = Bench(disk, 2).machine
        for free, words in ((24 << 30, "may delete the dump"), (26 << 30, "has 26.0 GiB free"), (None, "is unknown")):
            monkeypatch.setattr("bootmend.switches.dump_outlook.free_bytes", lambda _, found=free: found)
            assert words in dump_outlook(machine, "kernel")[2]
        monkeypatch.setattr("bootmend.switches.dump_outlook.free_bytes", lambda _: 1 << 30)
        assert "may delete" not in dump_outlook(machine, "small")[2]


def test_free_bytes_shrink_by_what_a_file_takes() -> None:
    with lab_disk(2) as disk:
        manifest = base(2).manifest
        image = Image(disk)
        volume = image.volume(manifest.windows_partition)
        free = free_bytes(volume)
        assert free is not None
        assert 100 << 30 < free < volume.device.size
        assert free % volume.cluster_size == 0
        assert image.has_file(manifest.windows_partition, SYSTEM)
        image.create_file(manifest.windows_partition, "\\large.bin", bytes(9 << 20))
        image.flush()
        after = free_bytes(image.volume(manifest.windows_partition))
        assert after is not None
        assert 9 << 20 <= free - after < 10 << 20
        assert free_bytes(image.volume(manifest.system_partition)) is None
        image.close()
