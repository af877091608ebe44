"""Several machines at once, on the double: batches on one helper, and nobody's trouble is another one's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure_stage import PACE
from cloud_stage import BAD, boots, content_hash, make_disk
from command_line import Ended, command, said
from helper_program import REPAIR, write_program
from killed_client import killed, open_links

from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.azure.simulate.faults import Fault
from bootmend.clouds.azure.simulate.throttle import Limits
from bootmend.clouds.run import Store

VM = "Microsoft.Compute/virtualMachines"
UNREADABLE = b"NO-WINDOWS"
DEADLY = b"BOMB-INSIDE"
"""What reads this takes along what started it."""
PROGRAM = REPAIR.replace(
    'if words[0] == "repair":',
    f"""if words[0] == "repair" and open(words[1], "rb").read(11) == {DEADLY!r}:
    import os
    os.kill(os.getppid(), 9)
if words[0] == "repair" and open(words[1], "rb").read(10) == {UNREADABLE!r}:
    sys.stderr.write("no Windows on this disk")
    sys.exit(4)
if words[0] == "repair":""",
)
NAMES = ("web1", "web2", "web3", "web4", "web5", "web6")
"""web2 is barred, web3 does not boot though it is mended, web4 cannot be read."""


@pytest.fixture(autouse=True)
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_program(tmp_path, PROGRAM)
    for module in ("helper", "batch"):
        monkeypatch.setattr(f"bootmend.clouds.azure.{module}.portable", lambda: archive)
    monkeypatch.setattr("bootmend.clouds.azure.helper.processor", lambda: "x86_64")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    with Double(pace=PACE, limits=Limits()) as one:
        for name in NAMES:
            disk = make_disk(tmp_path / f"{name}.raw", BAD)
            settings: dict[str, Any] = {"scale_set": "fleet"} if name == "web2" else {}
            if name == "web4":
                with disk.open("r+b") as file:
                    file.write(UNREADABLE)
            vm = one.add_vm(name, disk=disk, boot_diagnostics=name == "web3", **settings)
            vm.boots_when({"kind": "always", "state": "stop", "stop": "0x7B"} if name == "web3" else boots)
        words = f"{one.url}/?subscription={one.subscription}&pace={PACE}"
        monkeypatch.setenv("BOOTMEND_AZURE_SIMULATOR", words)
        yield one


def rows(done: Ended) -> dict[str, dict[str, Any]]:
    told = json.loads(done.stdout)
    assert told["schema"] == "bootmend.clouds/1"
    return {row["name"]: row for row in told["machines"]}


def attachments(double: Double) -> list[str]:
    return [seen.path.rsplit("/", 2)[-2] for seen in double.calls if "attachDetach" in seen.action]


def test_each_has_its_own_end(double: Double, tmp_path: Path) -> None:
    done = command("azure", "repair", *NAMES, "web9", "--helper-disks", "4", "--wait", "60", "--yes", "--json")
    told = rows(done)
    assert done.returncode == 1, said(done)
    for name in ("web1", "web5", "web6"):
        assert told[name]["good"] and told[name]["run"]["stage"] == "done", told[name]
        assert double.vm(name).phase == "ready" and double.vm(name).os_disk != f"{name}_OsDisk_1"
        assert content_hash(tmp_path / f"{name}.raw") == content_hash(make_disk(tmp_path / "again.raw", BAD))
    assert "scale set" in told["web2"]["error"]["told"] and told["web2"]["run"] is None
    assert told["web9"]["error"]["code"] == 4
    assert told["web3"]["run"]["stage"] == "back" and told["web3"]["run"]["verdict"] == "failed"
    assert told["web4"]["run"]["stage"] == "back" and "no Windows" in told["web4"]["error"]["told"]
    for name in ("web2", "web3", "web4"):
        assert (double.vm(name).os_disk, double.vm(name).power) == (f"{name}_OsDisk_1", "running")
    # Five disks, three a batch: two batches, each attached and taken off in one call.
    assert len(attachments(double)) == 4 and len(set(attachments(double))) == 1
    assert json.loads(done.stdout)["refused"] == double.throttle.refused == 0
    kept = sorted(name.split("-")[0] for name in double.leaks())
    assert kept == sorted(f"{kind}/{name}" for kind in ("disks", "snapshots") for name in ("web1", "web5", "web6"))

    done = command("azure", "undo", "web1", "web5", "web2", "--yes", "--json")
    told = rows(done)
    assert done.returncode == 1 and "no repair" in told["web2"]["error"]["told"]
    assert [told[name]["run"]["stage"] for name in ("web1", "web5")] == ["back", "back"]
    assert double.vm("web1").os_disk == "web1_OsDisk_1"
    done = command("azure", "confirm", "web6", "web1", "--yes")
    assert done.returncode == 1 and "web1: There is no repaired disk" in said(done)
    assert [name for name in double.leaks() if "web6" not in name] == []
    role = set(json.loads((Path(__file__).parents[3] / "docs" / "azure-role.json").read_text())["Actions"])
    assert {seen.action for seen in double.calls if seen.arm and not seen.polling} <= role
    assert double.names("snapshots") == [] and "web6_OsDisk_1" not in double.names("disks")


def test_nothing_is_begun_without_a_yes(double: Double) -> None:
    done = command("azure", "repair", "web1", "web2", "web5")
    assert done.returncode == 3 and "--yes" in said(done)
    assert "2 x a snapshot" in said(done) and "Standard_B2als_v2" in said(done) and "scale set" in said(done)
    assert double.leaks() == [] and Store().runs() == []
    assert all(seen.method == "GET" for seen in double.calls if "retrieve" not in seen.action)


def test_only_wrong_names_end_with_their_code(double: Double) -> None:
    assert command("azure", "repair", "web8", "web9", "--yes").returncode == 4
    assert command("azure", "repair", "web1", "web5", "--how", "direct", "--yes").returncode == 2
    assert double.leaks() == []


def test_names_of_a_list_are_what_repair_takes(double: Double) -> None:
    done = command("azure", "list", "--unhealthy", "--names")
    names = done.stdout.decode().split()
    assert len(names) == len(NAMES) and all(name.startswith("/subscriptions/") for name in names)
    done = command("azure", "repair", names[0], names[4], "web1", "--yes", "--no-start", "--json")
    assert done.returncode == 0 and sorted(rows(done)) == ["web1", "web5"], said(done)
    assert double.vm("web1").power == "deallocated"


def test_a_batch_that_brings_the_helper_down_is_tried_one_by_one(double: Double) -> None:
    with double.vm("web5").os_disk_path.open("r+b") as file:
        file.write(DEADLY)
    done = command("azure", "repair", "web1", "web5", "web6", "--yes", "--json")
    told = rows(done)
    assert [told[name]["run"]["stage"] for name in ("web1", "web5", "web6")] == ["done", "back", "done"], said(done)
    assert "gave no results" in told["web5"]["error"]["told"]
    assert len(attachments(double)) == 2 * (1 + 3)
    assert not any("helper" in name or "parcel" in name or "web5" in name for name in double.leaks())


def test_an_expired_sign_in_in_the_middle_of_a_batch_can_be_resumed(double: Double) -> None:
    expired = Fault(action=f"{VM}/runCommands/write", do="answer", status=401, code="ExpiredAuthenticationToken")
    double.faults.add(expired)
    done = command("azure", "repair", "web1", "web5", "--yes", "--json")
    assert done.returncode == 4 and "web1 web5" in said(done)
    assert {row["run"]["stage"] for row in rows(done).values()} == {"open"}
    done = command("azure", "repair", "web1", "web5", "--resume", "--json")
    assert done.returncode == 0, said(done)
    assert not any("helper" in name or "parcel" in name for name in double.leaks())


@pytest.mark.parametrize(
    ("action", "number"),
    [
        ("attachDetachDataDisks", 1),
        ("runCommands/write", 1),
        ("attachDetachDataDisks", 2),
        ("disks/delete", 1),
        ("start/action", 2),
    ],
)
def test_killed_in_the_middle_of_a_batch_and_resumed(action: str, number: int, double: Double) -> None:
    words = ("azure", "repair", "web1", "web5", "web6", "--helper-disks", "3")
    at = killed(double, number, lambda seen: action in seen.action, lambda: command(*words, "--yes"))
    assert at
    double.on_call(lambda *_: None)
    done = command(*words, "--resume", "--json")
    told = rows(done)
    assert done.returncode == 0, said(done)
    for name in ("web1", "web5", "web6"):
        assert told[name]["run"]["stage"] == "done" and double.vm(name).phase == "ready"
        stopped = [seen for seen in double.calls if f"{name}/deallocate" in seen.path and seen.status < 400]
        assert len(stopped) == 1
    assert not any("helper" in name or "parcel" in name for name in double.leaks())
    assert len(double.leaks()) == 6 and open_links(double) == []


def test_one_of_a_job_that_was_broken_off_goes_back_and_takes_the_helper_along(double: Double) -> None:
    words = ("azure", "repair", "web1", "web5")
    assert killed(double, 1, lambda seen: "runCommands" in seen.action, lambda: command(*words, "--yes"))
    double.on_call(lambda *_: None)
    assert command("azure", "undo", "web1", "--yes").returncode == 0
    assert any(name.startswith("virtualMachines/bootmend-helper") for name in double.leaks())
    assert command("azure", "repair", "web5", "--resume").returncode == 0
    assert sorted(name.split("-")[0] for name in double.leaks()) == ["disks/web5", "snapshots/web5"]


def test_helper_grows_with_the_number_of_machines() -> None:
    from bootmend.clouds.azure.helper_machine import size_for

    assert [size_for(count)[1] for count in (1, 3, 4, 7, 8, 15, 16, 200)] == [4, 4, 8, 8, 16, 16, 16, 16]
