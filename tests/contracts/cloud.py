"""The contract of every cloud: subclass `CloudContract` and say how to set a stage.

A stage is a cloud with one running machine "web1" whose disk does not boot until eight bytes of it are right
(cloud_stage.py), and another "web2" that is off.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cloud_stage import BAD, GOOD, PLACE, SIZE, WRONG, Patching, content_hash, run_flow

from bootmend.clouds.cloud import Cloud, How, Power
from bootmend.clouds.mending import Outcome
from bootmend.clouds.naming import BACKUP, LOOK, REPAIRED, name_of, tags_of
from bootmend.clouds.run import Stage, Store
from bootmend.clouds.standing import standing
from bootmend.clouds.way_back import confirm, go_back
from bootmend.disk.device import Patch
from bootmend.errors import Missing, Refused

RUN_ID = "20260102-030405-a1b2c3"


@dataclass
class CloudStage:
    cloud: Cloud
    bytes_of: Callable[[str], Path]
    """The disk of that id as a file, whose first SIZE bytes count."""


class CloudContract(ABC):
    @abstractmethod
    def set_up(self, folder: Path) -> AbstractContextManager[CloudStage]: ...

    @pytest.fixture
    def stage(self, tmp_path: Path) -> Iterator[CloudStage]:
        folder = tmp_path / "stage"
        folder.mkdir()
        with self.set_up(folder) as stage:
            yield stage

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return Store(tmp_path / "state")

    def test_finds_machines_by_name_and_by_id(self, stage: CloudStage) -> None:
        machine = stage.cloud.find("web1")
        assert machine.name == "web1" and machine.power is Power.RUNNING
        assert stage.cloud.find(machine.id) == machine
        assert sorted(one.machine.name for one in stage.cloud.machines()) == ["web1", "web2"]
        with pytest.raises(Missing, match="web9"):
            stage.cloud.find("web9")

    def test_nothing_bars_a_plain_machine(self, stage: CloudStage) -> None:
        machine = stage.cloud.find("web1")
        assert [one for one in stage.cloud.obstacles(machine) if How.DIRECT in one.ways] == []
        assert stage.cloud.costs(machine, How.DIRECT)

    def test_stop_and_start_may_be_done_again(self, stage: CloudStage) -> None:
        machine = stage.cloud.find("web1").id
        for _ in range(2):
            stage.cloud.stop(machine)
            assert stage.cloud.find("web1").power is Power.OFF
        for _ in range(2):
            stage.cloud.start(machine)
            assert stage.cloud.find("web1").power is Power.RUNNING
        assert stage.cloud.look(machine).power is Power.RUNNING

    def test_marks_tell_of_a_start_in_between(self, stage: CloudStage) -> None:
        cloud, machine = stage.cloud, stage.cloud.find("web1")

        def marks() -> tuple[str, str]:
            return cloud.find(machine.id).changed, cloud.disk_moved(machine.disk)

        cloud.stop(machine.id)
        before = marks()
        with cloud.reading(machine.disk) as device:
            device.read(0, 8)
        assert all(before) and marks() == before
        cloud.start(machine.id)
        with stage.bytes_of(machine.disk).open("r+b") as file:  # as a system that runs does
            file.write(b"\0")
        cloud.stop(machine.id)
        assert all(new not in ("", old) for new, old in zip(marks(), before, strict=True))

    def test_a_snapshot_is_made_once_and_read(self, stage: CloudStage) -> None:
        machine = stage.cloud.find("web1")
        tags, name = tags_of(machine.id, RUN_ID, BACKUP, machine.disk), name_of("web1", RUN_ID, BACKUP)
        first = stage.cloud.snapshot(machine.disk, name, tags)
        assert stage.cloud.snapshot(machine.disk, name, tags) == first
        with stage.cloud.reading(first) as device:
            assert device.size == SIZE
            assert device.read(PLACE, len(BAD)) == BAD
        [thing] = stage.cloud.things(machine)
        assert (thing.id, thing.kind, thing.run, thing.role) == (first, "snapshot", RUN_ID, BACKUP)
        assert thing.old_disk == machine.disk
        for _ in range(2):
            stage.cloud.remove(first)
        assert stage.cloud.things(machine) == []

    def test_a_new_disk_is_the_old_one_with_patches(self, stage: CloudStage) -> None:
        machine = stage.cloud.find("web2")
        old = content_hash(stage.bytes_of(machine.disk))
        tags = tags_of(machine.id, RUN_ID, REPAIRED, machine.disk)
        name = name_of("web2", RUN_ID, REPAIRED)
        for words in (WRONG, GOOD):  # one that is there is made anew, without what was in it
            with stage.cloud.reading(machine.disk) as device:
                whole = device.read(0, SIZE)
                sector = whole[PLACE : PLACE + 512]
                patches = [Patch(PLACE, sector, words + sector[len(words) :])]
                if words == WRONG:
                    patches.append(Patch(10 << 20, bytes(512), b"\xff" * 512))
                made = stage.cloud.disk_with(name, machine.disk, patches, tags)
        with stage.cloud.reading(made) as device:
            assert device.read(0, SIZE) == whole[:PLACE] + GOOD + whole[PLACE + len(GOOD) :]
        assert content_hash(stage.bytes_of(machine.disk)) == old
        assert [thing.role for thing in stage.cloud.things(machine)] == [REPAIRED]

    def test_a_disk_is_swapped_only_into_a_machine_that_is_off(self, stage: CloudStage) -> None:
        machine = stage.cloud.find("web1")
        with pytest.raises(Refused):
            stage.cloud.swap(machine.id, stage.cloud.find("web2").disk)
        stage.cloud.stop(machine.id)
        with stage.cloud.reading(machine.disk):
            made = stage.cloud.disk_with("new", machine.disk, [], tags_of(machine.id, RUN_ID, REPAIRED))
        for _ in range(2):
            stage.cloud.swap(machine.id, made)
            assert stage.cloud.find("web1").disk == made
        assert stage.cloud.has_disk(made) and stage.cloud.has_disk(machine.disk)
        stage.cloud.remove(machine.disk)
        assert not stage.cloud.has_disk(machine.disk)
        with pytest.raises(Refused):
            stage.cloud.remove(made)

    def test_reading_ends_with_its_block_whatever_ends_it(self, stage: CloudStage) -> None:
        machine = stage.cloud.find("web2")
        with pytest.raises(KeyboardInterrupt), stage.cloud.reading(machine.disk):
            raise KeyboardInterrupt
        stage.cloud.close_access(machine.disk)
        stage.cloud.start(machine.id)
        assert stage.cloud.find("web2").power is Power.RUNNING

    def test_a_repair_ends_on_a_good_disk_and_may_be_confirmed(self, stage: CloudStage, store: Store) -> None:
        cloud, old = stage.cloud, stage.cloud.find("web1").disk
        before = content_hash(stage.bytes_of(old))
        run = run_flow(cloud, store, "web1", Patching(cloud))
        machine = cloud.find("web1")
        assert (run.stage, run.verdict) == (Stage.DONE, "healthy"), run
        assert machine.disk == run.new_disk and machine.power is Power.RUNNING
        assert content_hash(stage.bytes_of(old)) == before
        with pytest.raises(Refused, match="confirm"):
            run_flow(cloud, store, "web1", Patching(cloud))
        confirm(cloud, store, run)
        assert [thing.id for thing in cloud.things(machine)] in ([run.new_disk], [])
        assert standing(cloud, store, machine) is None

    def test_undo_puts_the_old_disk_back(self, stage: CloudStage, store: Store) -> None:
        old = stage.cloud.find("web1").disk
        run = run_flow(stage.cloud, store, "web1", Patching(stage.cloud))
        go_back(stage.cloud, store, run)
        machine = stage.cloud.find("web1")
        assert (machine.disk, machine.power, run.stage) == (old, Power.RUNNING, Stage.BACK)
        assert stage.cloud.things(machine) == []

    def test_another_computer_undoes_it_by_the_tags(self, stage: CloudStage, store: Store, tmp_path: Path) -> None:
        old = stage.cloud.find("web1").disk
        run_flow(stage.cloud, store, "web1", Patching(stage.cloud))
        elsewhere, machine = Store(tmp_path / "elsewhere"), stage.cloud.find("web1")
        with pytest.raises(Refused, match="another computer"):
            run_flow(stage.cloud, elsewhere, "web1", Patching(stage.cloud))
        run = standing(stage.cloud, elsewhere, machine)
        assert run is not None and run.old_disk == old
        go_back(stage.cloud, elsewhere, run)
        assert stage.cloud.find("web1").disk == old
        assert stage.cloud.things(machine) == []

    def test_a_wrong_guess_is_taken_back(self, stage: CloudStage, store: Store) -> None:
        old = stage.cloud.find("web1").disk
        before = content_hash(stage.bytes_of(old))
        run = run_flow(stage.cloud, store, "web1", Patching(stage.cloud, put=WRONG))
        machine = stage.cloud.find("web1")
        assert (run.stage, run.verdict) == (Stage.BACK, "failed"), run
        assert (machine.disk, machine.power) == (old, Power.RUNNING)
        assert stage.cloud.things(machine) == []
        assert content_hash(stage.bytes_of(old)) == before

    @pytest.mark.parametrize("outcome", [Outcome.HEALTHY, Outcome.NOTHING_POSSIBLE])
    def test_nothing_to_mend_leaves_nothing_behind(self, stage: CloudStage, store: Store, outcome: Outcome) -> None:
        old = stage.cloud.find("web1").disk
        run = run_flow(stage.cloud, store, "web1", Patching(stage.cloud, outcome=outcome))
        machine = stage.cloud.find("web1")
        assert (run.stage, run.outcome, machine.disk, machine.power) == (Stage.BACK, outcome, old, Power.RUNNING)
        assert stage.cloud.things(machine) == []

    def test_what_the_check_finds_new_turns_back(self, stage: CloudStage, store: Store) -> None:
        way = Patching(stage.cloud, found=[("boot_sector", "c:")])
        run = run_flow(stage.cloud, store, "web1", way)
        assert run.stage is Stage.BACK and "boot_sector" in run.reason
        assert stage.cloud.things(stage.cloud.find("web1")) == []

    def test_an_error_on_the_way_takes_everything_back(self, stage: CloudStage, store: Store) -> None:
        def refuse() -> None:
            raise Refused("not this one")

        old = stage.cloud.find("web2").disk
        with pytest.raises(Refused, match="not this one"):
            run_flow(stage.cloud, store, "web2", Patching(stage.cloud, fail=refuse))
        machine = stage.cloud.find("web2")
        # It was off, so it stays off.
        assert (machine.disk, machine.power) == (old, Power.OFF)
        assert stage.cloud.things(machine) == []
        assert [run.stage for run in store.runs()] == [Stage.BACK]

    def test_ctrl_c_leaves_a_run_to_go_on_with(self, stage: CloudStage, store: Store) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_flow(stage.cloud, store, "web1", Patching(stage.cloud, fail=interrupt))
        assert [run.stage for run in store.runs()] == [Stage.OPEN]
        run = run_flow(stage.cloud, store, "web1", Patching(stage.cloud))
        assert (run.stage, run.verdict) == (Stage.DONE, "healthy")

    def test_a_name_made_of_nothing_good(self, stage: CloudStage) -> None:
        name = name_of("/x/" + "ü" * 90, "20260102-030405-a1b2c3", LOOK)
        assert len(name) <= 80 and name.isascii()
