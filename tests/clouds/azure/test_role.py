"""docs/azure-role.json holds just the actions that bootmend uses: the double saw each of them, and no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from azure_stage import azure_cloud, double_with_machines
from cloud_stage import WRONG, Patching, run_flow
from helper_program import helper_flow, write_program

from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.looking import looking
from bootmend.clouds.run import Store
from bootmend.clouds.watch import judge
from bootmend.clouds.way_back import confirm, go_back

ROLE = Path(__file__).parents[3] / "docs" / "azure-role.json"


def actions() -> list[str]:
    return list(json.loads(ROLE.read_text())["Actions"])


def everything(double: Double, folder: Path) -> None:
    """All that `bootmend azure` can do, once."""
    cloud, store = azure_cloud(double, ""), Store(folder)
    assert sorted(one.machine.name for one in cloud.machines()) == ["web1", "web2"]
    machine = cloud.find("web1")
    assert [one.ways for one in cloud.obstacles(machine)] == [frozenset()]  # a key of one's own bars nothing
    judge(cloud.look(machine.id))
    with looking(cloud, store, machine, lambda _: None) as device:
        device.read(0, 512)
    assert run_flow(cloud, store, "web1", Patching(cloud, put=WRONG)).verdict == "failed"
    go_back(cloud, store, helper_flow(cloud, store))
    confirm(cloud, store, run_flow(cloud, store, "web1", Patching(cloud)))
    assert double.vm("web1").phase == "ready"


def test_the_role_is_what_the_double_saw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_program(tmp_path)
    monkeypatch.setattr("bootmend.clouds.azure.helper.portable", lambda: archive)
    monkeypatch.setattr("bootmend.clouds.azure.helper.processor", lambda: "x86_64")
    folder = tmp_path / "disks"
    folder.mkdir()
    with double_with_machines(folder, encryption="des") as double:
        double.allow_only(actions())  # what is not in it is refused
        everything(double, tmp_path / "state")
        seen = {action for call in double.calls if call.arm for action in (call.action, *call.linked)}
    assert sorted(actions(), key=str.lower) == sorted(seen, key=str.lower)


def test_the_role_is_one_that_az_takes() -> None:
    role = json.loads(ROLE.read_text())
    assert set(role) == {"Name", "IsCustom", "Description", "Actions", "NotActions", "DataActions", "NotDataActions",
                         "AssignableScopes"}  # fmt: skip
    assert not any("*" in action for action in role["Actions"])
