"""The records of runs: whole or not there, private, and read with care."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from bootmend.clouds.cloud import Machine, Power
from bootmend.clouds.run import Run, Stage, Store, state_folder
from bootmend.errors import InputError, ParseError, Refused

MACHINE = Machine("/S/web1", "web1", "here", Power.RUNNING, "/S/disk")


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path / "a" / "b")
    run = Run.of("azure", MACHINE, "direct", {"only": ["x"]})
    run.stage, run.steps["stop"] = Stage.GOING_BACK, "now"
    store.save(run)
    assert store.runs() == [run]
    assert store.of_machine("azure", "/s/WEB1") == [run]
    assert store.of_machine("local", "/S/web1") == []
    assert stat.S_IMODE((store.folder / f"{run.id}.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


def test_a_write_that_fails_leaves_the_old_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    run = Run.of("azure", MACHINE, "direct", {})
    store.save(run)
    run.stage = Stage.DONE

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InputError, match="No space left"):
            store.save(run)
    assert [one.stage for one in store.runs()] == [Stage.OPEN]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": "bootmend.run/1"}', '{"schema": "x"}', "\x00" * 9])
def test_a_broken_record_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "20260102-030405-a1b2c3.json").write_text(text)
    with pytest.raises(ParseError, match="a1b2c3"):
        Store(tmp_path).runs()


def test_a_stage_that_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save(Run.of("azure", MACHINE, "direct", {}))
    [path] = tmp_path.glob("*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "stage": "nowhere"}))
    with pytest.raises(ParseError):
        store.runs()


def test_one_at_a_time(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.alone("m"), store.alone("other"), pytest.raises(Refused, match="works at"), store.alone("M"):
        pass
    with store.alone("m"):
        pass


def test_records_lie_where_xdg_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/x/y")
    assert state_folder() == Path("/x/y/bootmend/clouds")
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", "/home/me")
    assert state_folder() == Path("/home/me/.local/state/bootmend/clouds")
