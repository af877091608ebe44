"""Resource ids of Azure Resource Manager: /subscriptions/S/resourceGroups/G/providers/NAMESPACE/TYPE/NAME."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bootmend.errors import Misuse
from bootmend.texts import say

VM, DISK, SNAPSHOT = "virtualMachines", "disks", "snapshots"

_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]{1,64})/resourceGroups/(?P<group>[^/]{1,90})"
    r"/providers/Microsoft\.(?P<provider>Compute|Network)/(?P<kind>[A-Za-z]{1,40})/(?P<name>[^/]{1,260})/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ResourceId:
    subscription: str
    group: str
    kind: str
    name: str
    provider: str = "Compute"

    @classmethod
    def parse(cls, text: str) -> ResourceId:
        """Misuse for what is no id of a resource of Compute or Network."""
        match = _ID.fullmatch(text)
        if match is None:
            raise Misuse(say("azure.bad_id", id=text))
        return cls(match["subscription"], match["group"], match["kind"], match["name"], match["provider"])

    def __str__(self) -> str:
        place = f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
        return f"{place}/providers/Microsoft.{self.provider}/{self.kind}/{self.name}"

    def is_a(self, kind: str) -> bool:
        return self.kind.lower() == kind.lower()


def looks_like_id(text: str) -> bool:
    return text.lower().startswith("/subscriptions/")
