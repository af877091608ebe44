"""The same path on machines grown around real SYSTEM hives and real BCD stores (local test data)."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from lab_folder import lab_folder
from lab_machines import trust
from sample_data import data_folder, need, unpacked

from bootmend.commit import commit, undo
from bootmend.disk.container import open_disk
from bootmend.disk.digest import data_digest
from bootmend.disk.overlay import Overlay
from bootmend.errors import Refused
from bootmend.lab.faults import apply_fault
from bootmend.lab.machine import LabMachine, create
from bootmend.repair import diagnose, propose

WINDOWS_7 = "hives/system/win7-clean.SYSTEM.xz"
WINDOWS_81_DIRTY = "hives/system/win81-dirty-nologs.SYSTEM.xz"

MACHINES = [
    (1, WINDOWS_7, "bios-win7-1"),
    (2, WINDOWS_7, "uefi-b19041-1"),
    (2, WINDOWS_7, "uefi-b22621-1"),
    (1, None, "bios-b19041-1"),
    (2, None, "uefi-b19041-1"),
]
FAULTS = ["catalog-lost", "driver-damaged+crashed", "driver-missing+crashed"]

pytestmark = [pytest.mark.data, pytest.mark.slow]


@cache
def grown(generation: int, hive: str | None, store: str | None) -> LabMachine:
    """A healthy machine around a real hive and a real store, made once a test process."""
    hive_file = None
    if hive is not None:
        hive_file = lab_folder() / Path(hive).stem
        hive_file.write_bytes(unpacked(hive))
    store_file = need(f"bcd/{store}/BCD") if store is not None else None
    name = f"real-{generation}-{Path(hive or 'lab').stem}-{store}.vhd"
    return create(lab_folder() / name, generation=generation, system_hive=hive_file, bcd=store_file, catalogs=60)


@pytest.mark.parametrize(("generation", "hive", "store"), MACHINES)
def test_healthy(generation: int, hive: str | None, store: str) -> None:
    machine = grown(generation, hive, store)
    with open_disk(str(machine.path)) as device:
        found = diagnose(device, trust(machine))
        assert found.findings == []
        assert found.windows.chain.firmware == ("uefi" if generation == 2 else "bios")
        assert found.windows.chain.windows_volume == machine.manifest.windows_partition
        assert len(found.windows.audited) > 50


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("generation", "hive", "store"), MACHINES)
def test_named_repaired_silent_and_undone(
    generation: int, hive: str | None, store: str, fault: str, tmp_path: Path
) -> None:
    machine = grown(generation, hive, store)
    given = trust(machine)
    with open_disk(str(machine.path)) as device:
        disk = Overlay(device)
        truth = apply_fault(disk, fault, machine.manifest)
        before, _ = data_digest(disk)
        proposal = propose(disk, given)
        first = proposal.diagnosis.findings[0]
        assert (first.rule, first.subject.lower()) == (truth["expect"], truth["subject"].lower())
        predicted = proposal.diagnosis.prediction
        assert predicted is not None
        assert (predicted.stop, predicted.status) == (truth["stop"], truth["status"])
        assert proposal.worth_doing
        assert proposal.rehearsal is not None
        report = commit(disk, proposal.rehearsal.overlay.patches(), tmp_path / "journals", identity={}, meta={})
        assert report.journal is not None
        assert diagnose(disk, given).findings == []
        undo(disk, report.journal)
        assert data_digest(disk)[0] == before


@pytest.mark.parametrize("fault", ["healthy", "catalog-lost"])
def test_a_dirty_hive_without_logs_is_read_and_never_written(fault: str) -> None:
    machine = grown(2, WINDOWS_81_DIRTY, "uefi-win81-1")
    given = trust(machine)
    with open_disk(str(machine.path)) as device:
        disk = Overlay(device)
        truth = apply_fault(disk, fault, machine.manifest)
        found = diagnose(disk, given)
        assert {finding.rule for finding in found.causes} == ({truth["expect"]} - {None})
        assert any("dirty" in note for note in found.notes)
        with pytest.raises(Refused, match="unreplayed-hive"):
            propose(disk, given)
        accepted = propose(disk, given, accept=frozenset({"unreplayed-hive"}))
        assert accepted.worth_doing == (fault != "healthy")


def test_the_command_line_refuses_it_with_exit_3() -> None:
    machine = grown(2, WINDOWS_81_DIRTY, "uefi-win81-1")
    words = [sys.executable, "-m", "bootmend", "repair", str(machine.path), "--yes", "--trust", str(machine.pem)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "nothing was written" in done.stderr
    diagnosed = subprocess.run([*words[:3], "diagnose", *words[4:5], *words[6:]], capture_output=True, check=False)
    assert diagnosed.returncode == 0


def test_every_installed_store_of_the_data_grows_a_healthy_machine(tmp_path: Path) -> None:
    folder = data_folder()
    if folder is None:
        pytest.skip("the local test data folder is not here")
    stores = sorted(path.name for path in (folder / "bcd").iterdir() if path.name.startswith(("uefi-", "bios-")))
    assert stores
    for store in stores:
        generation = 2 if store.startswith("uefi-") else 1
        machine = create(tmp_path / f"{store}.vhd", generation=generation, bcd=need(f"bcd/{store}/BCD"), catalogs=60)
        with open_disk(str(machine.path)) as device:
            found = diagnose(device, trust(machine))
        assert found.findings == [], store
        assert found.windows.chain.entry is not None, store
        assert found.windows.boots_by_default, store
        machine.path.unlink()
