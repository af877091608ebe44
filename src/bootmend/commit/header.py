"""What a journal says about itself: which disk, when, by whom, and what it was for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bootmend import __version__
from bootmend.binary import View
from bootmend.disk.device import BlockDevice

SCHEMA = "bootmend.journal/1"


@dataclass(frozen=True, slots=True)
class Header:
    size: int
    """Bytes of the disk, as the guest sees them."""
    container: str
    sector_size: int
    identity: dict[str, str]
    """What the caller knows the disk by, such as the GUID of its partition table."""
    when: datetime
    version: str
    """The bootmend that wrote the journal."""
    meta: dict[str, Any]

    @classmethod
    def of(cls, device: BlockDevice, identity: dict[str, str], meta: dict[str, Any]) -> Header:
        return cls(device.size, device.container, device.sector_size, identity, datetime.now(UTC), __version__, meta)

    def contradicts(self, identity: dict[str, str]) -> str | None:
        """The first key that both know and that differs; None where this may be the same disk."""
        shared = sorted(self.identity.keys() & identity.keys())
        return next((key for key in shared if self.identity[key] != identity[key]), None)

    def to_json(self) -> bytes:
        """TypeError where `meta` holds what JSON cannot."""
        values = {
            "schema": SCHEMA,
            "size": self.size,
            "container": self.container,
            "sector_size": self.sector_size,
            "identity": self.identity,
            "when": self.when.isoformat(),
            "bootmend": self.version,
            "meta": self.meta,
        }
        return json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass")

    @classmethod
    def from_json(cls, text: bytes, where: View) -> Header:
        """ParseError, placed at the start of `where`, where a key is missing or of the wrong type."""
        try:
            values = json.loads(text.decode("utf-8", "surrogatepass"))
            if values["schema"] != SCHEMA:
                raise where.fail(0, f"the schema {SCHEMA}", str(values["schema"]))
            header = cls(
                values["size"],
                values["container"],
                values["sector_size"],
                values["identity"],
                datetime.fromisoformat(values["when"]),
                values["bootmend"],
                values["meta"],
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise where.fail(0, "a journal header in JSON", f"{type(error).__name__}: {error}") from error
        if not header._well_typed():
            raise where.fail(0, "a journal header whose values have the right types")
        return header

    def _well_typed(self) -> bool:
        return (
            type(self.size) is int
            and type(self.sector_size) is int
            and isinstance(self.container, str)
            and isinstance(self.version, str)
            and isinstance(self.meta, dict)
            and isinstance(self.identity, dict)
            and all(isinstance(value, str) for value in self.identity.values())
            and self.when.tzinfo is not None
        )
