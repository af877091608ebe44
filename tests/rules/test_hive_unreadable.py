"""Hives of System32\\config that Windows could not load, and the copies in RegBack."""

from __future__ import annotations

import pytest
from one_look import look
from strange_machines import Strange, strange

from bootmend.findings import Finding, Severity
from bootmend.formats.hive import HiveEditor, ValueType
from bootmend.lab.hive_log import crash
from bootmend.rules.hive_unreadable import check
from bootmend.volumes.ntfs import NtfsVolume
from bootmend.windows.config_hives import NAMES, HiveTrouble, config_hives, regback

CONFIG = "\\Windows\\System32\\config"


def findings(odd: Strange) -> list[Finding]:
    return look(odd, lambda windows: list(check(windows)))


def put(odd: Strange, path: str, content: bytes | None) -> None:
    def change(files: NtfsVolume) -> None:
        if content is None:
            files.delete(path)
        elif files.exists(path):
            files.replace(path, content)
        else:
            files.create(path, content)

    odd.volume(change)


def test_healthy_hives_are_passed_over() -> None:
    with strange() as odd:
        assert findings(odd) == []
        assert [hive.trouble for hive in look(odd, lambda w: list(config_hives(w)))] == [None] * 5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("content", "trouble"),
    [(None, "missing"), (b"", "empty"), (b"garbage!" * 900, "no hive"), (b"regf", "no hive")],
    ids=["gone", "empty", "garbage", "cut"],
)
def test_what_is_no_hive_is_a_cause(name: str, content: bytes | None, trouble: str) -> None:
    with strange() as odd:
        put(odd, f"{CONFIG}\\{name}", content)
        (found,) = findings(odd)
        assert (found.subject, found.severity, found.actions) == (name, Severity.CAUSE, ())
        assert trouble in found.title
        assert f"config\\{name}" in found.evidence[0].where
        assert "holds no copies" in found.skipped[0].reason
        assert found.prediction is not None
        expected = None if name == "SYSTEM" else 0xC0000218
        assert found.prediction.stop == expected


def test_a_folder_in_its_place() -> None:
    with strange() as odd:
        put(odd, f"{CONFIG}\\SAM", None)
        odd.volume(lambda files: files.mkdir(f"{CONFIG}\\SAM"))
        (found,) = findings(odd)
        assert "folder" in found.evidence[0].what


def test_a_hive_that_ends_before_its_bins_and_one_with_bytes_behind_them() -> None:
    with strange() as odd:
        whole = odd.read(f"{CONFIG}\\SOFTWARE")
        put(odd, f"{CONFIG}\\SOFTWARE", whole + bytes(8192))
        assert findings(odd) == []
        put(odd, f"{CONFIG}\\SOFTWARE", whole[:-4096])
        (found,) = findings(odd)
        assert HiveTrouble.TRUNCATED.value in found.title
        assert "hive bins" in found.evidence[0].what


@pytest.mark.parametrize(("bin_at", "severity"), [(4096, Severity.CAUSE), (8192, Severity.RISK)])
def test_a_broken_bin_is_a_cause_only_where_the_root_is(bin_at: int, severity: Severity) -> None:
    with strange() as odd:
        path = f"{CONFIG}\\SOFTWARE"
        data = bytearray(odd.read(path))
        at = bin_at if bin_at == 4096 else data.index(b"hbin", bin_at)
        data[at : at + 4] = b"xxxx"
        put(odd, path, bytes(data))
        (found,) = findings(odd)
        assert (found.severity, found.prediction is None) == (severity, severity is Severity.RISK)


def test_a_dirty_hive_is_replayed_before_it_is_judged() -> None:
    """Its base block is zeros on the disk; the log gives it back, as Windows would."""
    with strange() as odd:
        path = f"{CONFIG}\\SOFTWARE"
        old = odd.read(path)
        editor = HiveEditor(old, "SOFTWARE")
        editor.create_key("Lab")
        editor.set_value("Lab", "Data", ValueType.BINARY, b"x" * 5000)
        primary, log1, log2 = crash(old, editor.finish())
        for suffix, data in (("", primary), (".LOG1", log1), (".LOG2", log2)):
            put(odd, f"{path}{suffix}", data)
        assert findings(odd) == []
        put(odd, f"{path}.LOG1", b"")
        put(odd, f"{path}.LOG2", b"")
        assert findings(odd) == []  # dirty beyond repair, but it reads


def copies(odd: Strange, *names: str, **other: bytes) -> None:
    for name in names:
        put(odd, f"{CONFIG}\\RegBack\\{name}", odd.read(f"{CONFIG}\\{name}"))
    for name, data in other.items():
        put(odd, f"{CONFIG}\\RegBack\\{name}", data)


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        ((), "holds no copies"),
        (("SYSTEM", "SAM", "SECURITY"), "lacks SOFTWARE"),
        (("SYSTEM", "SOFTWARE", "SAM"), "lacks SECURITY"),
        (("SYSTEM", "SOFTWARE", "SECURITY"), "lacks SAM"),
        (("SYSTEM", "SOFTWARE"), ""),
        (NAMES, ""),
    ],
)
def test_copies_are_taken_together_or_not_at_all(there: tuple[str, ...], reason: str) -> None:
    with strange() as odd:
        copies(odd, *there)
        backup = look(odd, regback)
        assert reason in backup.reason
        assert bool(backup.reason) == bool(reason)


def test_a_copy_that_is_no_hive_or_dirty_spoils_them_all() -> None:
    with strange() as odd:
        copies(odd, "SYSTEM", "SOFTWARE", DEFAULT=b"no hive" * 900)
        assert "regf" in look(odd, regback).reason
        old = bytearray(odd.read(f"{CONFIG}\\DEFAULT"))
        old[4] += 1
        put(odd, f"{CONFIG}\\RegBack\\DEFAULT", bytes(old))
        assert "not a clean and sound hive" in look(odd, regback).reason
        put(odd, f"{CONFIG}\\RegBack\\DEFAULT", b"")
        assert look(odd, regback).reason == ""


def test_sam_and_security_come_back_as_a_pair_and_stale_logs_are_made_quiet() -> None:
    with strange() as odd:
        copies(odd, *NAMES)
        put(odd, f"{CONFIG}\\SAM", None)
        put(odd, f"{CONFIG}\\SECURITY.LOG1", odd.read(f"{CONFIG}\\SYSTEM")[:65536])
        (found,) = findings(odd)
        assert [(one.kind, one.target.rsplit("\\", 1)[-1], one.risk) for one in found.actions] == [
            ("create_file", "SAM", "regback"),
            ("replace_file", "SECURITY", "regback"),
            ("replace_file", "SECURITY.LOG1", "regback"),
        ]
        assert any("domain trust" in evidence.what for evidence in found.evidence)
        proposal = odd.propose(accept=["regback"])
        assert proposal.worth_doing
        assert proposal.rehearsal is not None
        assert proposal.rehearsal.after.healthy
        assert odd.propose().rehearsal is None


def test_a_copy_is_not_offered_where_it_is_not_there() -> None:
    with strange() as odd:
        copies(odd, "SYSTEM", "SOFTWARE")
        put(odd, f"{CONFIG}\\DEFAULT", b"")
        (found,) = findings(odd)
        assert found.actions == ()
        assert "lacks DEFAULT" in found.skipped[0].reason
