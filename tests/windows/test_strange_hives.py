"""Hives and catalogs as file systems keep them: compacted, growing at their replay."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from ntfs_check import faults
from strange_machines import CATROOT, PACKAGES, SYSTEM, Strange, partition, strange

from bootmend.commit import commit, undo
from bootmend.disk.digest import data_digest
from bootmend.formats.hive import Hive, HiveEditor, ValueType
from bootmend.lab.hive_log import crash, crash_old_format
from bootmend.lab.wof_file import compact
from bootmend.volumes.ntfs import NtfsVolume


def catalogs(files: NtfsVolume, folder: str) -> list[str]:
    return [f"{folder}\\{entry.name}" for entry in files.listdir(folder) if entry.name.endswith(".cat")]


@pytest.mark.parametrize("algorithm", [0, 1, 2, 3])
def test_compacted_catalogs_vouch_and_come_back(algorithm: int) -> None:
    with strange(fault="catalog-lost") as odd:

        def change(files: NtfsVolume) -> None:
            for path in (*catalogs(files, CATROOT), *catalogs(files, PACKAGES)):
                if files.stat(path).links == 1:
                    compact(files, path, algorithm)

        odd.volume(change)
        (cause,) = odd.diagnose().causes
        assert cause.rule == "catalog_missing"
        odd.mended()


def test_a_compacted_hive_is_read_and_edited() -> None:
    with strange() as odd:
        odd.volume(partial(compact, path=SYSTEM, algorithm=0))
        assert odd.diagnose().findings == []
        odd.service("filecrypt", Start=1, ImagePath="\\SystemRoot\\System32\\drivers\\gone.sys", ErrorControl=3)
        assert [cause.rule for cause in odd.diagnose().causes] == ["driver_missing"]


def grown(odd: Strange, kind: str) -> bytes:
    """The hive after a replay that makes it some 3 MiB longer than its file; on the disk it is dirty now."""
    old = odd.read(SYSTEM)
    editor = HiveEditor(old, "SYSTEM")
    for number in range(200):
        key = f"ControlSet001\\Services\\labgrown\\{number:03}"
        editor.create_key(key)
        editor.set_value(key, "Data", ValueType.BINARY, bytes([number]) * 16_000)
    new = editor.finish()
    assert len(new) > len(old) + (3 << 20)
    primary, log1, log2 = crash(old, new) if kind == "new" else crash_old_format(old, new)

    def change(files: NtfsVolume) -> None:
        for suffix, data in (("", primary), (".LOG1", log1), (".LOG2", log2)):
            files.replace(f"{SYSTEM}{suffix}", data)

    odd.volume(change)
    return new


@pytest.mark.parametrize("kind", ["new", "old"])
def test_a_hive_that_grows_at_its_replay_gets_new_clusters(kind: str, tmp_path: Path) -> None:
    with strange(fault="driver-damaged") as odd:
        grown(odd, kind)
        before, _ = data_digest(odd.disk)
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        assert any("logs" in note for note in proposal.diagnosis.notes), proposal.diagnosis.notes
        report = commit(odd.disk, proposal.rehearsal.overlay.patches(), tmp_path, identity={}, meta={})
        assert report.journal is not None
        hive = Hive.parse(odd.read(SYSTEM), "SYSTEM")
        assert not hive.dirty
        key = hive.key("ControlSet001\\Services\\labgrown\\199")
        assert key is not None
        value = key.value("Data")
        assert value is not None
        assert value.data == bytes([199]) * 16_000
        assert faults(partition(odd.disk, odd.number)) == []
        assert odd.diagnose().findings == []
        undo(odd.disk, report.journal)
        assert data_digest(odd.disk)[0] == before
