"""What bars a machine from being repaired: each is known before anything of it is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from azure_stage import azure_cloud, double_with_machines

from bootmend.clouds.cloud import How

ALL = set(How)
REPAIRS = {How.DIRECT, How.HELPER}
LINKS = {How.DIRECT, How.READ}

BARRED = [
    pytest.param({"security_type": "ConfidentialVM"}, ALL, "confidential", id="confidential"),
    pytest.param({"security_type": "TrustedLaunch"}, {How.DIRECT}, "Trusted Launch", id="trusted-launch"),
    pytest.param({"encryption": "ade"}, ALL, "Azure Disk Encryption", id="ade"),
    pytest.param({"encryption": "des"}, set(), "key of your own", id="customer-key"),
    pytest.param({"encryption": "host"}, set(), "", id="encryption-at-host"),
    pytest.param({"sku": "UltraSSD_LRS"}, ALL, "UltraSSD_LRS", id="ultra"),
    pytest.param({"sku": "PremiumV2_LRS"}, ALL, "PremiumV2_LRS", id="premium-v2"),
    pytest.param({"ephemeral": True}, ALL, "ephemeral", id="ephemeral"),
    pytest.param({"network_access_policy": "DenyAll"}, LINKS, "DenyAll", id="deny-all"),
    pytest.param({"network_access_policy": "AllowPrivate"}, LINKS, "AllowPrivate", id="allow-private"),
    pytest.param({"public_network_access": "Disabled"}, LINKS, "may not be exported", id="no-public-network"),
    pytest.param({"lock": "CanNotDelete"}, ALL, "CanNotDelete", id="lock-delete"),
    pytest.param({"lock": "ReadOnly"}, ALL, "ReadOnly", id="lock-read-only"),
    pytest.param({"scale_set": "vmss"}, REPAIRS, "scale set", id="scale-set"),
    pytest.param({"zone": "2", "generation": 1}, set(), "", id="zone-and-generation-1"),
]


@pytest.mark.parametrize(("odd", "ways", "words"), BARRED)
def test_what_bars_it_is_known_beforehand(odd: dict[str, Any], ways: set[How], words: str, tmp_path: Path) -> None:
    with double_with_machines(tmp_path, **odd) as double:
        cloud = azure_cloud(double)
        found = cloud.obstacles(cloud.find("web1"))
        assert {way for one in found for way in one.ways} == ways, found
        assert words in " ".join(one.told for one in found)
        assert all(one.next_step for one in found)
        assert all(seen.method == "GET" for seen in double.calls)


def test_a_link_that_somebody_else_holds_bars_it(tmp_path: Path) -> None:
    with double_with_machines(tmp_path) as double:
        cloud = azure_cloud(double)
        machine = cloud.find("web2")
        with cloud.reading(machine.disk):
            [found] = azure_cloud(double).obstacles(machine)
        assert found.ways == ALL and "holds a link" in found.told


def test_without_the_right_to_read_locks_that_is_told(tmp_path: Path) -> None:
    with double_with_machines(tmp_path) as double:
        double.allow_only(["Microsoft.Compute/virtualMachines/read", "Microsoft.Compute/disks/read"])
        cloud = azure_cloud(double)
        [found] = cloud.obstacles(cloud.find("web1"))
        assert not found.ways and "could not be looked up" in found.told


@pytest.mark.parametrize("zone", [None, "3"])
@pytest.mark.parametrize("generation", [1, 2])
def test_the_new_disk_is_of_the_same_make(zone: str | None, generation: int, tmp_path: Path) -> None:
    odd = {"zone": zone, "generation": generation, "sku": "StandardSSD_LRS", "encryption": "des"}
    with double_with_machines(tmp_path, **odd) as double:
        cloud = azure_cloud(double)
        machine = cloud.find("web1")
        cloud.stop(machine.id)
        with cloud.reading(machine.disk):
            made = double.world.get(cloud.disk_with("new", machine.disk, [], {"a": "b"}))
        old = double.world.get(machine.disk)
        assert made.shown.get("zones") == ([zone] if zone else None)
        assert made.shown["sku"]["name"] == "StandardSSD_LRS" and made.shown["location"] == old.shown["location"]
        for key in ("hyperVGeneration", "osType", "encryption", "networkAccessPolicy", "diskSizeBytes"):
            assert made.properties[key] == old.properties[key], key
