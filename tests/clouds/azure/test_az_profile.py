"""What `az` knows of subscriptions and clouds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from azure.core import AzureClouds

from bootmend.clouds.azure.az_profile import subscription
from bootmend.clouds.azure.connection import connect
from bootmend.errors import Misuse

ONE, TWO, THREE = (f"{number}1111111-2222-3333-4444-555555555555" for number in (1, 2, 3))
KNOWN: list[dict[str, Any]] = [
    {"id": ONE, "name": "Work", "environmentName": "AzureCloud"},
    {"id": TWO, "name": "State", "environmentName": "AzureUSGovernment", "isDefault": True},
    {"id": THREE, "name": "Old", "environmentName": "AzureGermanCloud"},
    {"id": "nonsense", "name": "None"},
]


@pytest.fixture(autouse=True)
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path))
    for name in ("AZURE_SUBSCRIPTION_ID", "BOOTMEND_AZURE_SIMULATOR", "AZURE_AUTHORITY_HOST"):
        monkeypatch.delenv(name, raising=False)
    text = "\ufeff" + json.dumps({"subscriptions": KNOWN})
    (tmp_path / "azureProfile.json").write_text(text, encoding="utf-8")


def test_by_id_by_name_or_the_default_one() -> None:
    assert subscription(ONE).id == subscription("work").id == ONE
    assert subscription("").id == TWO
    unknown = "91111111-2222-3333-4444-555555555555"
    assert subscription(unknown).id == unknown and subscription(unknown).setting == (None, "")
    for wrong in ("nonsense", "None", "Nobody's"):
        with pytest.raises(Misuse, match="az account list"):
            subscription(wrong)


def test_of_which_cloud() -> None:
    setting, authority = subscription("State").setting
    assert setting is AzureClouds.AZURE_US_GOVERNMENT and authority == "login.microsoftonline.us"
    assert subscription("Work").setting == (None, "")
    with pytest.raises(Misuse, match="AzureGermanCloud"):
        connect("Old")


def test_each_cloud_is_asked_at_its_own_place() -> None:
    assert "management.usgovcloudapi.net" in _base(connect("State"))
    assert "management.azure.com" in _base(connect("Work"))


def _base(connection: Any) -> str:
    return str(connection.client._config.base_url)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"subscriptions": 5}', '{"subscriptions": [5]}'])
def test_a_profile_that_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "azureProfile.json").write_text(text)
    with pytest.raises(Misuse, match="No subscription"):
        subscription("")
