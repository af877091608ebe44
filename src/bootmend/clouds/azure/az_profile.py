"""What `az` knows of subscriptions: azureProfile.json, which `az login` and `az account set` write.

https://learn.microsoft.com/cli/azure/manage-azure-subscriptions-azure-cli . Another cloud than the public one is told
there by its name (`az cloud list`).
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from azure.core import AzureClouds
from azure.identity import AzureAuthorityHosts

from bootmend.errors import Misuse
from bootmend.texts import say

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
PUBLIC = "AzureCloud"
_CLOUDS = {
    PUBLIC: (None, ""),
    "AzureUSGovernment": (AzureClouds.AZURE_US_GOVERNMENT, AzureAuthorityHosts.AZURE_GOVERNMENT),
    "AzureChinaCloud": (AzureClouds.AZURE_CHINA_CLOUD, AzureAuthorityHosts.AZURE_CHINA),
}


@dataclass(frozen=True, slots=True)
class Subscription:
    id: str
    name: str = ""
    cloud: str = PUBLIC
    default: bool = False

    @property
    def setting(self) -> tuple[AzureClouds | None, str]:
        """What the SDK is told of its cloud, and who signs in there; nothing for the public one. Misuse if unknown."""
        try:
            return _CLOUDS[self.cloud]
        except KeyError:
            raise Misuse(say("azure.other_cloud", cloud=self.cloud, known=", ".join(_CLOUDS))) from None


def subscription(wanted: str) -> Subscription:
    """The one of that id or name, or the default one. Misuse where none is known."""
    known = _known()
    if not wanted:
        found = next((one for one in known if one.default), None)
        if found is None:
            raise Misuse(say("azure.no_subscription"))
        return found
    same = [one for one in known if wanted.lower() in (one.id.lower(), one.name.lower())]
    if same:
        return same[0]
    if not _GUID.fullmatch(wanted):
        raise Misuse(say("azure.no_such_subscription", name=wanted))
    return Subscription(wanted)


def _known() -> list[Subscription]:
    """`az` writes the file with a byte order mark."""
    folder = Path(os.environ.get("AZURE_CONFIG_DIR") or Path.home() / ".azure")
    try:
        told = json.loads((folder / "azureProfile.json").read_text(encoding="utf-8-sig"))["subscriptions"]
        found = [
            Subscription(
                str(one["id"]),
                str(one.get("name", "")),
                str(one.get("environmentName") or PUBLIC),
                one.get("isDefault") is True,
            )
            for one in told
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return [one for one in found if _GUID.fullmatch(one.id)]
