"""The answer of a bcdedit line for programs, schema bootmend.bcdedit/1. Keys are only ever added."""

from __future__ import annotations

from typing import Any

from bootmend import __version__
from bootmend.commands.bcdedit.listing import Listing, header
from bootmend.commands.bcdedit.partitions import Partitions
from bootmend.commands.bcdedit.run import Answer
from bootmend.formats.bcd import Store, identifier


def listing(answer: Answer, partitions: Partitions) -> dict[str, Any]:
    """Every entry with its elements, as id, name, shown values and raw bytes."""
    where = answer.place.where if answer.place else ""
    shown = Listing(Store(where, "", {}, (), False), partitions, full=True)
    return {
        **_head(answer),
        "entries": [
            {
                "id": f"{{{found.id}}}",
                "identifier": identifier(found.id),
                "type": f"0x{found.type:08x}",
                "kind": header(found),
                "elements": [
                    {
                        "id": f"{element.id:08x}",
                        "name": element.name,
                        "values": shown.values(element),
                        "raw": element.raw.hex(),
                    }
                    for element in found.elements.values()
                ],
            }
            for found in answer.entries
        ],
    }


def change(answer: Answer, changed_bytes: int, commit: dict[str, Any] | None) -> dict[str, Any]:
    """What a line changed; `commit` is null where nothing was written."""
    return {**_head(answer), "changed_bytes": changed_bytes, "commit": commit}


def _head(answer: Answer) -> dict[str, Any]:
    place = answer.place
    return {
        "schema": "bootmend.bcdedit/1",
        "bootmend": __version__,
        "store": {"volume": place.volume, "path": place.path} if place else None,
        "answer": answer.lines,
        "notes": answer.notes,
    }
