"""What Azure says no to, and what breaks on the way: one sentence each, and nothing half done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from azure_stage import PACE, azure_cloud, double_with_machines
from cloud_stage import Patching, run_flow

from bootmend.clouds.azure.cloud import AzureCloud
from bootmend.clouds.azure.connection import connect, to_url
from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.azure.simulate.faults import Fault, no_capacity
from bootmend.clouds.run import Stage, Store
from bootmend.clouds.way_back import confirm, go_back
from bootmend.errors import BootmendError, CloudAway, Missing, Misuse, Refused, Unreachable

UNSEEN = {"boot_diagnostics": False}


def stands_as_before(double: Double) -> None:
    assert (double.vm("web1").os_disk, double.vm("web1").power) == ("web1_OsDisk_1", "running")
    assert double.leaks() == []


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("web9", Missing, "web9"),
        ("/subscriptions/s/web1", Misuse, "resource"),
        ("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d", Misuse, "not a virtual machine"),
        ("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/d", Misuse, "subscription"),
    ],
)
@pytest.mark.parametrize("group", ["", "lab"])
def test_wrong_names(name: str, error: type[BootmendError], words: str, group: str, tmp_path: Path) -> None:
    with double_with_machines(tmp_path) as double, pytest.raises(error, match=words):
        azure_cloud(double, group).find(name)


def test_one_name_in_two_groups(tmp_path: Path) -> None:
    with double_with_machines(tmp_path) as double:
        double.add_vm("web1", disk=tmp_path / "web2.raw", group="other")
        with pytest.raises(Misuse, match="lab, other"):
            azure_cloud(double, "").find("web1")
        assert azure_cloud(double, "other").find("WEB1").name.lower() == "web1"


def test_the_words_of_a_simulator_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in ("http://example.com/?subscription=s&pace=1", "http://127.0.0.1:1", "https://127.0.0.1/?subscription=s",
                  "http://localhost:1/?subscription=s&pace=x"):  # fmt: skip
        monkeypatch.setenv("BOOTMEND_AZURE_SIMULATOR", words)
        with pytest.raises(Misuse, match="simulate"):
            connect()


def test_no_subscription_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AZURE_SUBSCRIPTION_ID", "BOOTMEND_AZURE_SIMULATOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path))
    with pytest.raises(Misuse, match="--subscription"):
        connect()
    known = "11111111-2222-3333-4444-555555555555"
    profile = json.dumps({"subscriptions": [{"id": "x"}, {"id": known, "isDefault": True}]})
    (tmp_path / "azureProfile.json").write_text("\ufeff" + profile, encoding="utf-8")
    assert connect().subscription == known


@pytest.mark.parametrize(
    "action",
    [
        "virtualMachines/deallocate/action",
        "snapshots/write",
        "disks/beginGetAccess/action",
        "disks/write",
        "virtualMachines/write",
    ],
)
def test_a_missing_permission_takes_everything_back(action: str, tmp_path: Path) -> None:
    fault = Fault(
        action=f"Microsoft.Compute/{action}",
        times=9 if action.startswith("disks/begin") else 1,
        status=403,
        code="AuthorizationFailed",
        message=f"The client 'x' does not have authorization to perform action 'Microsoft.Compute/{action}' over y",
    )
    with double_with_machines(tmp_path, **UNSEEN) as double:
        double.faults.add(fault)
        cloud, store = azure_cloud(double), Store(tmp_path / "state")
        with pytest.raises(Refused, match=f"you may not do Microsoft.Compute/{action}"):
            run_flow(cloud, store, "web1", Patching(cloud))
        stands_as_before(double)
        assert [run.stage for run in store.runs()] == [Stage.BACK]


def test_an_expired_sign_in_waits_for_a_resume(tmp_path: Path) -> None:
    with double_with_machines(tmp_path, **UNSEEN) as double:
        cloud, store = azure_cloud(double), Store(tmp_path / "state")
        expired = AzureCloud(to_url(double.url, double.subscription, PACE, "simulated.1.x"), "lab")
        with pytest.raises(CloudAway, match="az login"):
            expired.find("web1")

        def expire() -> None:
            # Of a token that ran out, every call from now on is refused.
            code = "ExpiredAuthenticationToken"
            double.faults.add(Fault(action="Microsoft.Compute/*", times=999, status=401, code=code))

        with pytest.raises(CloudAway, match="--resume"):
            run_flow(cloud, store, "web1", Patching(cloud, fail=expire))
        double.faults.clear()
        assert run_flow(cloud, store, "web1", Patching(cloud)).verdict == "healthy"
        assert double.vm("web1").phase == "ready"


def test_a_link_that_ends_in_the_middle_takes_everything_back(tmp_path: Path) -> None:
    with double_with_machines(tmp_path, **UNSEEN) as double:
        cloud, store = azure_cloud(double), Store(tmp_path / "state")
        with pytest.raises(Unreachable) as told:
            run_flow(cloud, store, "web1", Patching(cloud, fail=double.expire_shares))
        assert "sig=" not in str(told.value)
        stands_as_before(double)


def test_no_room_for_the_start_waits_for_a_resume(tmp_path: Path) -> None:
    with double_with_machines(tmp_path, **UNSEEN) as double:
        double.faults.add(no_capacity())
        cloud, store = azure_cloud(double), Store(tmp_path / "state")
        with pytest.raises(CloudAway, match="no room for web1"):
            run_flow(cloud, store, "web1", Patching(cloud))
        assert run_flow(cloud, store, "web1", Patching(cloud)).verdict == "healthy"


def test_answers_that_get_lost(tmp_path: Path) -> None:
    """What may be sent again the SDK sends again; after a lost answer to anything else a resume looks first."""
    with double_with_machines(tmp_path, **UNSEEN) as double:
        for action in ("snapshots/write", "disks/write", "virtualMachines/start/action"):
            double.faults.add(Fault(action=f"Microsoft.Compute/{action}", do="drop after"))
        stop = "Microsoft.Compute/virtualMachines/deallocate/action"
        double.faults.add(Fault(action=stop, status=429, retry_after=0))
        cloud, store = azure_cloud(double), Store(tmp_path / "state")
        with pytest.raises(CloudAway, match="--resume"):
            run_flow(cloud, store, "web1", Patching(cloud))
        assert run_flow(cloud, store, "web1", Patching(cloud)).verdict == "healthy"
        starts = [seen for seen in double.calls if seen.action.endswith("/start/action")]
        assert len(starts) == 1


def test_somebody_swaps_the_disk_meanwhile(tmp_path: Path) -> None:
    with double_with_machines(tmp_path, **UNSEEN) as double:
        cloud, store = azure_cloud(double), Store(tmp_path / "state")
        run = run_flow(cloud, store, "web1", Patching(cloud))
        other = cloud.find("web2").disk
        cloud.stop(run.machine)
        # Somebody gives web1 the disk of another machine.
        with cloud.reading(other):
            made = cloud.disk_with("somebodys", other, [], {})
        cloud.swap(run.machine, made)
        with pytest.raises(Refused, match="neither"):
            go_back(cloud, store, run)
        with pytest.raises(Refused, match="not from the repaired disk"):
            confirm(cloud, store, run)
