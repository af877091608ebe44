"""`bootmend azure` on the command line: what it prints, its documents and exit codes; one whole machine of the lab."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from azure_stage import PACE, double_with_machines
from command_line import Ended, command, said
from lab_machines import CATALOGS

from bootmend.cli.azure.session import telling
from bootmend.cli.options import SETTINGS
from bootmend.clouds.azure.simulate.double import Double
from bootmend.disk.container import open_disk
from bootmend.lab.machine import create
from bootmend.repair import diagnose
from bootmend.signing.roots import Trust
from bootmend.windows.donor import Given


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def reach(double: Double, monkeypatch: pytest.MonkeyPatch, pace: float = PACE) -> None:
    words = f"{double.url}/?subscription={double.subscription}&pace={pace}"
    monkeypatch.setenv("BOOTMEND_AZURE_SIMULATOR", words)


def document(done: Ended) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    folder = tmp_path / "disks"
    folder.mkdir()
    with double_with_machines(folder, boot_diagnostics=False) as one:
        reach(one, monkeypatch)
        yield one


@pytest.mark.usefixtures("double")
def test_lists() -> None:
    done = command("azure", "list")
    assert done.returncode == 0 and b"web1" in done.stdout and b"web2" in done.stdout
    rows = document(command("azure", "list", "--unhealthy", "--json"))["machines"]
    # web1 stands at a boot error; web2 is off, which is no illness.
    assert [(row["name"], row["power"], row["unhealthy"]) for row in rows] == [("web1", "running", True)]


def test_other_systems_are_not_listed(double: Double) -> None:
    double.vm("web1").resource.properties["storageProfile"]["osDisk"]["osType"] = "Linux"
    done = command("azure", "list", "--json")
    assert [row["name"] for row in document(done)["machines"]] == ["web2"], said(done)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("verb", ["diagnose", "repair", "undo", "confirm", "status", "watch"])
def test_a_wrong_name_is_one_sentence(verb: str) -> None:
    done = command("azure", verb, "web9")
    assert done.returncode == 4 and done.stdout == b""
    assert said(done).count("\n") == 1 and "web9" in said(done)


def test_nobody_is_asked_without_a_terminal(double: Double) -> None:
    done = command("azure", "repair", "web1")
    assert done.returncode == 3 and "--yes" in said(done)
    assert "snapshot" in said(done) and "deallocated" in said(done)  # what it makes, and what stopping means
    assert double.leaks() == [] and double.vm("web1").power == "running"
    assert all(seen.method == "GET" for seen in double.calls if "retrieve" not in seen.action)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("verb", ["undo", "confirm"])
def test_nothing_to_undo_or_confirm(verb: str) -> None:
    done = command("azure", verb, "web1", "--yes")
    assert done.returncode == 4 and "There is no repair" in said(done)


@pytest.mark.usefixtures("double")
def test_nothing_to_resume() -> None:
    done = command("azure", "repair", "web1", "--resume")
    assert done.returncode == 4 and "broken off" in said(done)


def test_a_disk_without_windows_takes_everything_back(double: Double) -> None:
    done = command("azure", "repair", "web1", "--yes", "--how", "direct")
    assert done.returncode == 4, said(done)
    assert double.leaks() == [] and double.vm("web1").power == "running"
    [run] = document(command("azure", "status", "--json"))["runs"]
    assert run["stage"] == "back"


@pytest.mark.usefixtures("double")
def test_watch_cannot_tell() -> None:
    done = command("azure", "watch", "web1", "--wait", "1", "--json")
    told = document(done)
    assert (done.returncode, told["verdict"]) == (1, "cannot_tell")


def test_a_machine_that_runs_well_is_not_repaired(double: Double) -> None:
    double.vm("web1").boots_when({"kind": "always", "state": "ready"})
    done = command("azure", "repair", "web1", "--yes")
    assert done.returncode == 3 and "runs well" in said(done)
    assert command("azure", "watch", "web1").returncode == 0


@pytest.mark.usefixtures("double")
def test_a_bad_tag_and_a_bad_machine_of_the_simulator() -> None:
    assert command("azure", "repair", "web1", "--tag", "nothing").returncode == 2
    assert command("azure", "simulate", "--vm", "web1").returncode == 2


def test_the_life_of_a_broken_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = create(tmp_path / "web1.vhd", fault=["catalog-lost"], generation=2, catalogs=CATALOGS)
    given = Given(Trust([machine.pem.read_bytes()]))
    monkeypatch.setenv("BOOTMEND_TRUST", str(machine.pem))

    def boots(path: Path) -> bool:
        with open_disk(str(path)) as device:
            found = diagnose(device, given)
            found.image.close()
        return found.healthy

    with Double(pace=300.0) as double:
        vm = double.add_vm("web1", disk=machine.path, boot_diagnostics=False)
        vm.boots_when(boots)
        reach(double, monkeypatch, 300.0)

        done = command("azure", "diagnose", "web1", "--yes", "--json")
        told = document(done)
        assert (done.returncode, told["schema"], told["machine"]["name"]) == (1, "bootmend.result/1", "web1")
        assert [one["rule"] for one in told["findings"] if one["severity"] == "cause"] == ["catalog_missing"]
        assert told["disk"]["bytes_read"] < 60 << 20
        assert vm.power == "running" and double.leaks() == []
        assert not any(seen.action.endswith("deallocate/action") for seen in double.calls)

        assert b"Next step: bootmend azure repair web1" in command("azure", "diagnose", "web1", "--yes").stdout

        done = command("azure", "repair", "web1", "--dry-run", "--yes", "--json")
        told = document(done)
        assert (done.returncode, told["command"], told["commit"]) == (0, "repair", None), said(done)
        assert told["rehearsal"]["silent"] and told["plan"] and told["machine"]["name"] == "web1"
        plan = command("azure", "repair", "web1", "--dry-run", "--yes")
        assert plan.returncode == 0 and b".cat" in plan.stdout
        assert vm.power == "running" and double.leaks() == []
        assert command("azure", "repair", "web1", "web2", "--dry-run").returncode == 2

        done = command("azure", "repair", "web1", "--yes", "--how", "direct", "--json")
        told = document(done)
        assert (done.returncode, told["run"]["stage"], told["run"]["verdict"]) == (0, "done", "healthy"), said(done)
        assert told["machine"]["disk"] == told["run"]["new_disk"] and vm.phase == "ready"
        assert told["result"]["schema"] == "bootmend.result/1" and told["result"]["plan"]
        assert "sig=" not in done.stdout.decode() + done.stderr.decode()

        assert b"confirm web1" in command("azure", "status", "web1").stdout
        done = command("azure", "undo", "web1", "--yes")
        assert done.returncode == 0 and double.leaks() == [] and vm.os_disk == "web1_OsDisk_1"
        assert vm.phase != "ready"


def test_what_a_machine_shows_moves_no_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    @contextmanager
    def progress() -> Iterator[Callable[[str], None]]:
        yield shown.append

    monkeypatch.setattr("bootmend.cli.session.progress", progress)
    monkeypatch.setattr(SETTINGS, "quiet", True)
    with telling() as tell:
        tell("\x1b[2J[red]x")
    assert shown == ["\\x1b[2J\\[red]x"]
