"""Each witness on its own file: what it reads, what it leaves, and that nothing there says nothing."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import pytest
from sample_data import unpacked

from bootmend.dumps.header import HEAD64, MADE_BY_A_TOOL
from bootmend.errors import Missing, ParseError
from bootmend.formats.filetime import shown
from bootmend.formats.hive import Hive, HiveEditor, Key, ValueType, new_hive
from bootmend.lab.event_log import LabEvent, new_log
from bootmend.lab.logs import at
from bootmend.volumes.volume import Entry, File, Volume
from bootmend.windows.witnesses import (
    Hearing,
    boot_log,
    code_integrity,
    crash_dumps,
    driver_installs,
    hear,
    servicing_log,
    setup_log,
    shutdown_time,
    startup_repair,
    system_log,
)
from bootmend.windows.witnesses.observation import Kind, Observation
from bootmend.windows.witnesses.scene import Scene

LOGS = "\\Windows\\System32\\winevt\\Logs"
NOON = at("2024-02-18 12:00:00")


class Bytes(File):
    def __init__(self, data: bytes, taken: list[int]) -> None:
        self.data = data
        self.size = len(data)
        self.taken = taken

    def read(self, offset: int, length: int) -> bytes:
        piece = self.data[offset : offset + length]
        self.taken.append(len(piece))
        return piece


@dataclass
class Files:
    """What of a Volume witnesses use."""

    held: dict[str, bytes]
    modified: int = NOON

    def __post_init__(self) -> None:
        self.taken: list[int] = []

    def _find(self, path: str) -> tuple[str, bytes]:
        for name, data in self.held.items():
            if name.lower() == path.lower():
                return name, data
        raise Missing(path)

    def open(self, path: str) -> File:
        return Bytes(self._find(path)[1], self.taken)

    def stat(self, path: str) -> Entry:
        name, data = self._find(path)
        return Entry(name.rsplit("\\", 1)[1], False, len(data), 0, modified=self.modified)

    def listdir(self, path: str) -> list[Entry]:
        inside = [name for name in self.held if name.lower().startswith(f"{path}\\".lower())]
        if not inside:
            raise Missing(path)
        return [self.stat(name) for name in inside]


def no_key(_path: str) -> Key | None:
    return None


def scene(files: Files, control: Callable[[str], Key | None] = no_key) -> Scene:
    return Scene(cast(Volume, files), 3, "\\Windows", control)


def with_values(*values: tuple[str, str, int, bytes]) -> Callable[[str], Key | None]:
    """A control set with values of (key, name, type, data)."""
    editor = HiveEditor(new_hive("control"), "control")
    for key, name, kind, data in values:
        editor.create_key(key)
        editor.set_value(key, name, kind, data)
    return Hive.parse(editor.finish(), "control").key


def log(name: str, *events: tuple[str, int, dict[str, str]]) -> Files:
    made = [LabEvent(NOON, provider, number, data) for provider, number, data in events]
    return Files({f"{LOGS}\\{name}.evtx": new_log(made, "LAB", 1)})


def system(*events: tuple[str, int, dict[str, str]]) -> list[Observation]:
    return list(system_log.look(scene(log("System", *events))))


def told(observations: Sequence[Observation]) -> list[tuple[Kind, str]]:
    return [(one.kind, one.what) for one in observations]


def test_where_nothing_is_nothing_is_said() -> None:
    assert hear(scene(Files({}))) == Hearing()


def test_what_cannot_be_read_is_not_nothing() -> None:
    broken = hear(scene(Files({f"{LOGS}\\System.evtx": bytes(80000), f"{LOGS}\\Setup.evtx": b""})))
    assert broken.observations == []
    assert sorted("System.evtx" in reason for reason in broken.unread) == [False, True]
    assert all("volume 3:" in reason for reason in broken.unread)


@pytest.mark.parametrize(
    ("provider", "number", "data", "kind", "part"),
    [
        ("EventLog", 6005, {}, Kind.STARTED, "started"),
        ("EventLog", 6008, {"1": "2:41:02 AM"}, Kind.CRASHED, "unexpected"),
        ("Microsoft-Windows-Kernel-General", 13, {}, Kind.STOPPED, "shut down"),
        ("Microsoft-Windows-Kernel-Power", 41, {"BugcheckCode": "90"}, Kind.CRASHED, "0x5A"),
        ("Microsoft-Windows-Kernel-Power", 41, {"BugcheckCode": "0"}, Kind.CRASHED, "without a shutdown"),
        ("Microsoft-Windows-Kernel-Power", 41, {"BugcheckCode": "nine"}, Kind.CRASHED, "without a shutdown"),
        (
            "Microsoft-Windows-WER-SystemErrorReporting",
            1001,
            {"param1": "0x0000005a (0x1, 0x2, 0x3, 0xffffffffc0000428)"},
            Kind.CRASHED,
            "0x5A",
        ),
        ("Microsoft-Windows-Kernel-Boot", 20, {"LastBootGood": "false"}, Kind.FAILED, "not succeeded"),
        ("Service Control Manager", 7026, {"param1": "\r\nlabavflt\r\nlabnic"}, Kind.SERVICE, "labavflt labnic"),
        ("Service Control Manager", 7045, {"ServiceName": "x", "ImagePath": "C:\\x\\X.SYS"}, Kind.DRIVER, "X.SYS"),
        ("Microsoft-Windows-WindowsUpdateClient", 19, {"updateTitle": "KB5034770"}, Kind.UPDATED, "installed: KB"),
        (
            "Microsoft-Windows-WindowsUpdateClient",
            20,
            {"updateTitle": "KB1", "errorCode": "0x800f0922"},
            Kind.UPDATED,
            "could not be installed (0x800f0922)",
        ),
    ],
)
def test_an_event_of_the_system_log(provider: str, number: int, data: dict[str, str], kind: Kind, part: str) -> None:
    (one,) = system((provider, number, data))
    assert one.kind is kind
    assert part in one.what
    assert one.when == NOON
    assert one.where.endswith("System.evtx record 1")


@pytest.mark.parametrize(
    ("provider", "number", "data"),
    [
        ("Microsoft-Windows-Kernel-Boot", 20, {"LastBootGood": "true"}),
        ("Service Control Manager", 7045, {"ServiceName": "x", "ImagePath": "C:\\x\\service.exe"}),
        ("Service Control Manager", 7045, {"ServiceName": "MpKsl99", "ImagePath": "C:\\x\\MpKslDrv.sys"}),
        ("Service Control Manager", 7026, {}),
        ("Microsoft-Windows-WindowsUpdateClient", 19, {"updateTitle": "Intelligence Update - KB2267602"}),
        ("BugCheck", 1001, {"param1": "no code"}),
        ("Somebody else", 41, {"BugcheckCode": "90"}),
        ("EventLog", 6013, {"1": "290629"}),
    ],
)
def test_an_event_that_says_nothing_of_a_start(provider: str, number: int, data: dict[str, str]) -> None:
    assert system((provider, number, data)) == []


@pytest.mark.parametrize(("number", "refused"), [(3001, True), (3004, True), (3033, True), (3077, True), (3085, False)])
@pytest.mark.parametrize("name", ["FileNameBuffer", "File Name"])
def test_code_integrity_names_the_file(number: int, refused: bool, name: str) -> None:
    data = {"FileNameLength": "9", name: "\\Device\\HarddiskVolume3\\Windows\\x.sys", "ProcessNameBuffer": "System"}
    files = log(code_integrity.LOG, ("Microsoft-Windows-CodeIntegrity", number, data))
    found = list(code_integrity.look(scene(files)))
    assert [one.subject for one in found] == (["x.sys"] if refused else [])


def test_setup_tells_packages() -> None:
    data = {"PackageIdentifier": "KB1", "IntendedPackageStateTextized": "Installed", "ErrorCode": "0x800f0922"}
    servicing = "Microsoft-Windows-Servicing"
    found = list(setup_log.look(scene(log("Setup", (servicing, 2, data), (servicing, 3, data), (servicing, 4, data)))))
    assert told(found) == [
        (Kind.UPDATED, "package KB1 did not become Installed (0x800f0922)"),
        (Kind.UPDATED, "package KB1 became Installed"),
    ]


BOOT_LOG = "\ufeff 2 17 2024 08:00:00.500\r\nBOOTLOG_LOADED \\a.sys\r\n 2 18 2024 12:00:00.500\r\n{lines}"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-8"])
@pytest.mark.parametrize("word", ["BOOTLOG_LOADED", "Loaded driver"])
def test_a_boot_log_is_read_from_its_last_start(encoding: str, word: str) -> None:
    lines = f"{word} \\SystemRoot\\b.sys\r\nBOOTLOG_NOT_LOADED \\c.sys\r\n{word} \\SystemRoot\\d.sys\r\n"
    text = BOOT_LOG.format(lines=lines)
    (one,) = boot_log.look(scene(Files({"\\Windows\\ntbtlog.txt": text.encode(encoding)})))
    assert (one.kind, one.when) == (Kind.TRIED, NOON)
    assert "2 drivers" in one.what
    assert "d.sys" in one.what


@pytest.mark.data
def test_a_real_boot_log() -> None:
    (one,) = boot_log.look(scene(Files({"\\Windows\\ntbtlog.txt": unpacked("logs/ntbtlog-utf16.txt.xz")})))
    assert shown(one.when or 0) == "2024-10-13 14:00:30 UTC"
    assert "206 drivers" in one.what


@pytest.mark.parametrize(("when", "found"), [("13 40 2024 08:00:00.5", [None]), ("", []), ("no start at all", [])])
def test_a_boot_log_without_a_good_time(when: str, found: list[None]) -> None:
    files = Files({"\\Windows\\ntbtlog.txt": f"\r\n{when}\r\nBOOTLOG_LOADED x\r\n".encode()})
    assert [one.when for one in boot_log.look(scene(files))] == found


def test_startup_repair_is_read_by_its_numbers_in_any_language() -> None:
    text = (
        "\ufeffProtokoll der Starthilfe\r\nAnzahl: 1\r\nFehlercode = 0x0\r\nUrsache: Die startkritische Datei "
        "C:\\Windows\\System32\\drivers\\filecrypt.sys ist besch\u00e4digt.\r\nFehlercode =  0xc0000428\r\n"
    )
    path = f"\\Windows\\{startup_repair.FILE}"
    for encoding in ("utf-16-le", "utf-8"):
        (one,) = startup_repair.look(scene(Files({path: text.encode(encoding)})))
        assert (one.kind, one.when, one.subject) == (Kind.FAILED, NOON, "filecrypt.sys")
        assert "0xC0000428" in one.what
        assert "0x0," not in one.what


def test_startup_repair_without_a_word() -> None:
    (one,) = startup_repair.look(scene(Files({f"\\Windows\\{startup_repair.FILE}": b""})))
    assert (one.kind, one.subject) == (Kind.FAILED, "")


@pytest.mark.data
def test_a_real_log_of_driver_installations() -> None:
    files = Files({"\\Windows\\INF\\setupapi.dev.log": unpacked("logs/setupapi.dev.log.xz")})
    found = list(driver_installs.look(scene(files)))
    assert len(found) == 8
    assert all(one.when is not None for one in found)
    assert any("tunnel" in one.what for one in found)
    assert "exit" not in {word for one in found for word in one.what.split(": driver services ")[1].split(", ")}
    assert sum(files.taken) <= driver_installs.MOST_BYTES


def test_a_large_log_is_read_at_its_end_only() -> None:
    section = (
        b">>>  [Device Install - x]\r\n>>>  Section start 2024/02/18 12:00:00.118\r\n     inf: {Add Service: mine}\r\n"
    )
    files = Files({"\\Windows\\INF\\setupapi.dev.log": b"y" * (9 << 20) + b"\r\n" + section})
    (one,) = driver_installs.look(scene(files))
    assert (one.when, one.what) == (NOON, "Device Install - x: driver services mine")
    assert sum(files.taken) <= driver_installs.MOST_BYTES


@pytest.mark.parametrize(
    ("minutes", "utc"), [(0, "12:00:00"), (480, "20:00:00"), (-60 & 0xFFFFFFFF, "11:00:00"), (100000, None)]
)
def test_local_times_become_utc(minutes: int, utc: str | None) -> None:
    bias = struct.pack("<I", minutes)
    control = with_values(("Control\\TimeZoneInformation", "ActiveTimeBias", ValueType.DWORD, bias))
    log_ = b"2024-02-18 12:00:00, Error  CBS  Failed [HRESULT = 0x800719e4 - ERROR_LOG_FULL]\r\n"
    found = list(servicing_log.look(scene(Files({"\\Windows\\Logs\\CBS\\CBS.log": log_}), control)))
    assert [one.kind for one in found] == [Kind.STORE]
    assert shown(found[0].when or 0) == (f"2024-02-18 {utc} UTC" if utc else "?")


def test_servicing_without_trouble() -> None:
    log_ = b"2024-02-18 12:00:00, Info  CBS  Exec: Processing complete. [HRESULT = 0x00000000 - S_OK]\r\n"
    assert list(servicing_log.look(scene(Files({"\\Windows\\Logs\\CBS\\CBS.log": log_})))) == []


def dump(code: int, when: int, magic: bytes = b"PAGEDU64") -> bytes:
    head = bytearray(magic.ljust(8192, b"\0"))
    head[0x38:0x3C] = struct.pack("<I", code)
    head[0x28:0x2C] = struct.pack("<I", code)
    head[0xFA8:0xFB0] = struct.pack("<Q", when)
    return bytes(head)


def test_dumps_tell_code_and_time() -> None:
    early = NOON - 36_000_000_000
    files = Files(
        {
            "\\Windows\\MEMORY.DMP": dump(0x5A, early),
            "\\Windows\\Minidump\\1.dmp": dump(0x7B, 0, b"PAGEDUMP"),
            "\\Windows\\Minidump\\2.dmp": dump(MADE_BY_A_TOOL, early),
            "\\Windows\\Minidump\\3.dmp": b"PAGEDU64 cut short",
            "\\Windows\\Minidump\\4.dmp": bytes(8192),
            "\\Windows\\Minidump\\notes.txt": dump(0x1A, early),
        }
    )
    found = {one.what: one.when for one in crash_dumps.look(scene(files))}
    (cut,) = (what for what in found if "stop " not in what)
    assert "Minidump\\3.dmp" in cut
    assert found.pop(cut) == NOON
    assert {what.split("stop ")[1].split(" ")[0]: when for what, when in found.items()} == {"0x5A": early, "0x7B": NOON}
    assert max(files.taken) <= HEAD64


def test_only_the_newest_dumps_are_opened() -> None:
    files = Files({f"\\Windows\\Minidump\\{number}.dmp": dump(0x5A, NOON) for number in range(90)})
    assert len(list(crash_dumps.look(scene(files)))) == crash_dumps.MOST_DUMPS
    assert sum(files.taken) <= crash_dumps.MOST_DUMPS * (HEAD64 + 16)


@pytest.mark.data
def test_a_real_dump() -> None:
    files = Files({"\\Windows\\Minidump\\a.dmp": unpacked("dumps/triage-x64-19041.dmp.xz")})
    (one,) = crash_dumps.look(scene(files))
    assert "0x7E" in one.what


@pytest.mark.parametrize(
    ("data", "count"), [(NOON.to_bytes(8, "little"), 1), (bytes(8), 0), (b"\xff" * 8, 0), (b"", 0)]
)
def test_the_time_of_the_last_shutdown(data: bytes, count: int) -> None:
    control = with_values(("Control\\Windows", "ShutdownTime", ValueType.BINARY, data))
    assert [one.when for one in shutdown_time.look(scene(Files({}), control))] == [NOON] * count


def test_one_broken_witness_does_not_silence_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files({"\\Windows\\MEMORY.DMP": dump(0x5A, NOON)})
    monkeypatch.setattr(files, "listdir", lambda path: (_ for _ in ()).throw(ParseError(path, 0, "an index")))
    control = with_values(("Control\\Windows", "ShutdownTime", ValueType.BINARY, NOON.to_bytes(8, "little")))
    heard = hear(scene(files, control))
    assert [one.kind for one in heard.observations] == [Kind.STOPPED]
    assert len(heard.unread) == 1


@pytest.mark.data
def test_a_real_system_log_tells_the_last_starts() -> None:
    files = Files({f"{LOGS}\\System.evtx": unpacked("evtx/System-power41.evtx.xz")})
    found = list(system_log.look(scene(files)))
    kinds = [one.kind for one in found]
    assert kinds.count(Kind.CRASHED) == 2
    assert kinds.count(Kind.STARTED) >= 5
    assert sum(files.taken) < 3 << 20
