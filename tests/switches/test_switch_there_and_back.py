"""enable, then disable: the store and the hive say what they said, down to the raw bytes of every value."""

from __future__ import annotations

import pytest
from lab_machines import broken
from sample_data import data_folder, unpacked
from switch_lab import VARIANTS, Bench, generation_of, installed_stores, lab_disk, real_store

from bootmend.errors import Refused
from bootmend.formats.hive import Hive, HiveEditor, ValueType
from bootmend.switches import SWITCHES, State, standing

WINDOWS_7 = "hives/system/win7-clean.SYSTEM.xz"
WINDOWS_81_DIRTY = "hives/system/win81-dirty-nologs.SYSTEM.xz"


def there_and_back(bench: Bench, *wanted: tuple[str, str]) -> None:
    store, system = bench.store(), bench.system()
    bench.on(*wanted)
    assert (bench.store(), bench.system()) != (store, system)
    for name, variant in wanted:
        seen = standing(bench.machine, SWITCHES[name])
        assert (seen.state, seen.variant) == (State.ON, variant)
    bench.off(*(name for name, _ in wanted))
    assert bench.store() == store
    assert bench.system() == system
    assert all(not bench.layers.held_by(name) for name in SWITCHES)


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("wanted", VARIANTS, ids=" ".join)
def test_on_a_lab_machine(generation: int, wanted: tuple[str, str]) -> None:
    with lab_disk(generation) as disk:
        there_and_back(Bench(disk, generation), wanted)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", installed_stores())
def test_on_every_installed_store(name: str) -> None:
    with lab_disk(generation_of(name), store=real_store(name)) as disk:
        bench = Bench(disk, generation_of(name))
        for wanted in VARIANTS:
            if wanted[0] != "crash-dump":  # it has no part in the store
                there_and_back(bench, wanted)
        there_and_back(bench, *((switch.name, switch.variants[0]) for switch in SWITCHES.values()))


def test_there_are_installed_stores_in_the_data() -> None:
    if data_folder() is None:
        pytest.skip("the local test data folder is not here")
    assert len(installed_stores()) >= 18


@pytest.mark.data
@pytest.mark.slow
def test_on_a_real_hive() -> None:
    """Its Select names two control sets: both are set, and both come back."""
    with lab_disk(2, system=unpacked(WINDOWS_7)) as disk:
        bench = Bench(disk, 2)
        store, system = bench.store(), bench.system()
        for wanted in VARIANTS:
            if wanted[0].startswith("crash-"):
                turned = bench.on(wanted)[0]
                sets = {captured.place.where.partition(" ControlSet")[2][:3] for captured in turned.captured} - {""}
                assert sets == {"001", "002"}
                assert turned.changed
                assert standing(bench.machine, SWITCHES[wanted[0]]).variant == wanted[1]
                bench.off(wanted[0])
        # Once for all of them: 73,456 values.
        assert bench.system() == system
        assert bench.store() == store


@pytest.mark.data
def test_a_dirty_hive_without_logs_is_not_written() -> None:
    with lab_disk(2, system=unpacked(WINDOWS_81_DIRTY)) as disk:
        bench = Bench(disk, 2)
        store = bench.store()
        for name in ("crash-dump", "crash-debug"):
            with pytest.raises(Refused, match="unreplayed-hive"):
                bench.on((name, SWITCHES[name].variants[0]))
        assert standing(bench.machine, SWITCHES["crash-dump"]).state == State.PARTLY
        bench.on(("safe-mode", "network"))
        assert bench.store() != store
        bench.off("safe-mode")
        assert bench.store() == store

        accepted = Bench(disk, 2, frozenset({"unreplayed-hive"}))
        accepted.on(("crash-dump", "kernel"))
        assert standing(accepted.machine, SWITCHES["crash-dump"]).variant == "kernel"


@pytest.mark.parametrize("generation", [1, 2])
def test_on_a_crashed_machine(generation: int) -> None:
    """Its hive is replayed first: what its logs held stays."""
    with broken(generation, "crashed") as sample:
        bench = Bench(sample.disk, generation)
        store, pending = bench.store(), sample.truth["details"]["pending"]
        bench.on(("crash-dump", "kernel"), ("serial-console", "full"))
        bench.off("serial-console", "crash-dump")
        assert bench.store() == store
        system = bench.system()
        for one in pending:
            values = {name: data for name, _, data in system[one["key"].lower()][1]}
            assert values[one["name"]] == bytes.fromhex(one["data"])


def test_keys_that_were_made_are_gone_again() -> None:
    """A hive whose current set has no CrashControl at all."""
    with lab_disk(2) as disk:
        bench = Bench(disk, 2)
        windows = bench.machine.windows
        editor = HiveEditor(windows.system.primary, "SYSTEM")
        assert editor.delete_key("ControlSet001\\Control\\CrashControl")
        bare = editor.finish()
    with lab_disk(2, system=bare) as disk:
        bench = Bench(disk, 2)
        there_and_back(bench, ("crash-dump", "kernel"), ("crash-debug", "usual"))
        assert "controlset001\\control\\crashcontrol" not in bench.system()
        bench.on(("crash-dump", "kernel"), ("crash-debug", "usual"))
        bench.off("crash-dump")
        assert "controlset001\\control\\crashcontrol" in bench.system()
        bench.off("crash-debug")
        assert "controlset001\\control\\crashcontrol" not in bench.system()


def test_a_control_set_that_is_missing_is_never_made() -> None:
    with lab_disk(2) as disk:
        editor = HiveEditor(Bench(disk, 2).machine.windows.system.primary, "SYSTEM")
        editor.set_value("Select", "LastKnownGood", ValueType.DWORD, (2).to_bytes(4, "little"))
        editor.set_value("Select", "Default", ValueType.DWORD, (7).to_bytes(4, "little"))
        editor.create_key("ControlSet003\\Control\\CrashControl")
        data = editor.finish()
    with lab_disk(2, system=data) as disk:
        bench = Bench(disk, 2)
        bench.on(("crash-dump", "kernel"))
        system = bench.system()
        assert "controlset002" not in system
        assert "controlset007" not in system
        assert system["controlset003\\control\\crashcontrol"][1] == []
        assert Hive.parse(data, "SYSTEM").key("ControlSet003") is not None
