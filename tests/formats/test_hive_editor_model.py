"""The editor against a plain dictionary: random edits on small hives, and 20,000 on a real SYSTEM hive."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hive_readers import Contents, contents, counts_of_others
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sample_data import unpacked

from bootmend.formats.hive import HiveEditor, check, new_hive
from bootmend.formats.hive.names import fold

NAMES = st.sampled_from(["a", "B", "aa", "Ab", "straße", "ЖУК", "жуки", "\U00010400", "\uff21", "z" * 60, "0", "_x"])
# Few, so that the same key is made, deleted and made again.
PATHS = st.lists(st.sampled_from(["a", "B", "жук", "Aa"]), min_size=1, max_size=3).map("\\".join)
SIZES = st.sampled_from([0, 1, 4, 5, 12, 13, 100, 3000, 16344, 16345, 33000])


class Model:
    """What the hive should hold."""

    def __init__(self, start: Contents) -> None:
        self.keys = start
        self.below: dict[str, set[str]] = {}
        for path in start:
            self.below.setdefault(path.rpartition("\\")[0], set()).add(path)

    def create_key(self, path: str) -> None:
        parts = fold(path).split("\\")
        for end in range(len(parts)):
            made = "\\".join(parts[: end + 1])
            self.keys.setdefault(made, {})
            self.below.setdefault("\\".join(parts[:end]), set()).add(made)

    def delete_key(self, path: str) -> bool:
        folded = fold(path)
        if folded not in self.keys:
            return False
        self.below[folded.rpartition("\\")[0]].discard(folded)
        todo = [folded]
        for gone in todo:
            del self.keys[gone]
            todo += self.below.pop(gone, ())
        return True

    def set_value(self, path: str, name: str, kind: int, data: bytes) -> None:
        values = self.keys[fold(path)]
        values[fold(name)] = (values.get(fold(name), (name,))[0], kind, data)

    def delete_value(self, path: str, name: str) -> bool:
        return self.keys.get(fold(path), {}).pop(fold(name), None) is not None


class Editing(RuleBasedStateMachine):
    """Any order of edits gives a sound hive that holds what the dictionary holds."""

    @initialize(minor=st.sampled_from([3, 5]))
    def start(self, minor: int) -> None:
        self.editor = HiveEditor(new_hive("ROOT", minor), "hive")
        self.model = Model({"": {}})

    @rule(path=PATHS)
    def create_key(self, path: str) -> None:
        self.editor.create_key(path)
        self.model.create_key(path)

    @rule(path=PATHS)
    def delete_key(self, path: str) -> None:
        assert self.editor.delete_key(path) == self.model.delete_key(path)

    @rule(path=PATHS, name=NAMES, kind=st.sampled_from([0, 1, 3, 4, 0xFFFF0007]), size=SIZES, fill=st.integers(0, 255))
    def set_value(self, path: str, name: str, kind: int, size: int, fill: int) -> None:
        self.create_key(path)
        self.editor.set_value(path, name, kind, bytes([fill]) * size)
        self.model.set_value(path, name, kind, bytes([fill]) * size)

    @rule(path=PATHS, name=NAMES)
    def delete_value(self, path: str, name: str) -> None:
        assert self.editor.delete_value(path, name) == self.model.delete_value(path, name)

    @rule(count=st.integers(1, 600))
    def create_many(self, count: int) -> None:
        for number in range(count):
            self.create_key(f"many\\{number * 7 % 601}")

    @rule()
    def reopen(self) -> None:
        data = self.editor.finish(1)
        report = check(data, "hive")
        assert (report.errors, report.notes, report.leaked_cells) == ([], [], 0)
        assert contents(data) == self.model.keys
        self.editor = HiveEditor(data, "hive")

    def teardown(self) -> None:
        if hasattr(self, "editor"):
            self.reopen()


TestEditing = Editing.TestCase
TestEditing.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


def random_name(rnd: random.Random) -> str:
    return "".join(rnd.choice("abcXYZ äöß09ЖΩ_") for _ in range(rnd.randint(1, 20))).strip() or "name"


@pytest.mark.slow
@pytest.mark.data
def test_twenty_thousand_edits_on_a_real_hive(tmp_path: Path) -> None:
    original = unpacked("hives/system/win7-clean.SYSTEM.xz")
    model = Model(contents(original))
    editor = HiveEditor(original, "SYSTEM")
    rnd = random.Random(20260101)
    pool = ["", *rnd.sample(sorted(model.keys), 1500)]
    created: list[str] = []
    edits = 0
    while edits < 20_000:
        path = rnd.choice(pool)
        if fold(path) not in model.keys:
            continue
        edits += 1
        values = model.keys[fold(path)]
        dice = rnd.random()
        if dice < 0.55:
            name = rnd.choice([*values]) if values and rnd.random() < 0.6 else random_name(rnd)
            size = rnd.choice([0, 1, 4, 5, 8, 20, 50, 200, 1000, rnd.randint(0, 5000)])
            data = rnd.randbytes(size if rnd.random() < 0.995 else rnd.randint(16_000, 60_000))
            kind = rnd.choice([0, 1, 3, 4, 7, 11, 0xFFFF0007])
            editor.set_value(path, name, kind, data)
            model.set_value(path, name, kind, data)
        elif dice < 0.75:
            name = rnd.choice([*values]) if values else "nothing"
            assert editor.delete_value(path, name) == model.delete_value(path, name)
        elif dice < 0.93 or not created:
            below = f"{path}\\{random_name(rnd)}".lstrip("\\")
            editor.create_key(below)
            model.create_key(below)
            created.append(below)
            pool.append(below)
        else:
            below = created.pop(rnd.randrange(len(created)))
            assert editor.delete_key(below) == model.delete_key(below)

    after = editor.finish()
    assert contents(after) == model.keys
    before, report = check(original, "SYSTEM"), check(after, "SYSTEM")
    assert (report.errors, report.leaked_cells) == ([], 0)
    # It grew by what it holds more, and not because free cells lay about: those were 4 KB at the start.
    assert report.free_bytes < before.free_bytes + (len(after) - len(original)) // 10
    numbers = (report.keys, report.values)
    assert counts_of_others(after, tmp_path) == dict.fromkeys(counts_of_others(original, tmp_path), numbers)
