"""What stood in a place before a switch was turned on, and what the switch put there; kept in the journal.

    meta["captured"] = {"safe-mode": [{"volume": 1, "path": "\\\\EFI\\\\Microsoft\\\\Boot\\\\BCD", "object": "{...}",
                        "object_type": 270532611, "element": "25000080", "before": null,
                        "after": {"type": 3, "data": "0100000000000000"}, "made": []}]}

`before` and `after` are raw types and raw bytes (hexadecimal), null where nothing stands there. `made`
names the object or the keys that did not exist before, outermost first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bootmend.errors import ParseError
from bootmend.switches.setting import ElementPlace, Place, Stored, ValuePlace

_LONGEST = 1 << 20
"""Hexadecimal digits of one value; nothing that a switch touches is near it."""


@dataclass(frozen=True, slots=True)
class Captured:
    place: Place
    before: Stored | None
    after: Stored | None
    made: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            **place_to_json(self.place),
            "before": _stored_to_json(self.before),
            "after": _stored_to_json(self.after),
            "made": list(self.made),
        }


def captured_to_json(captured: Mapping[str, Sequence[Captured]]) -> dict[str, Any]:
    """By switch, for `meta["captured"]`."""
    return {switch: [one.to_json() for one in places] for switch, places in captured.items()}


def captured_of(meta: Mapping[str, Any], file: str, key: str = "captured") -> dict[str, list[Captured]]:
    """What a journal's meta captured, by switch; empty where it is no `enable`. ParseError naming the journal."""
    found = meta.get(key, {})
    try:
        return {str(switch): [_captured(one) for one in places] for switch, places in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ParseError(file, 0, "what enable captured, in the journal's header", str(error)) from error


def place_to_json(place: Place) -> dict[str, Any]:
    if isinstance(place, ElementPlace):
        return {
            "volume": place.volume,
            "path": place.path,
            "object": f"{{{place.object}}}",
            "object_type": place.object_type,
            "element": f"{place.element:08x}",
        }
    return {"volume": place.volume, "path": place.path, "key": place.key, "name": place.name}


def place_of(found: Mapping[str, Any]) -> Place:
    """Raises ValueError, KeyError or TypeError for what is no place."""
    volume, path = _checked(found["volume"], int), _checked(found["path"], str)
    if "element" in found:
        element, kind = int(_checked(found["element"], str), 16), _checked(found["object_type"], int)
        if not (0 <= element < 1 << 32 and 0 <= kind < 1 << 32):
            raise ValueError("an element or an object type of more than 32 bits")
        return ElementPlace(volume, path, UUID(_checked(found["object"], str)), element, kind)
    return ValuePlace(volume, path, _checked(found["key"], str), _checked(found["name"], str))


def _captured(found: Mapping[str, Any]) -> Captured:
    made = tuple(_checked(name, str) for name in found["made"])
    place = place_of(found)
    if isinstance(place, ElementPlace):
        for name in made:
            UUID(name)
    return Captured(place, _stored(found["before"]), _stored(found["after"]), made)


def _stored_to_json(stored: Stored | None) -> dict[str, Any] | None:
    return None if stored is None else {"type": int(stored.type), "data": stored.data.hex()}


def _stored(found: Mapping[str, Any] | None) -> Stored | None:
    if found is None:
        return None
    kind, data = _checked(found["type"], int), _checked(found["data"], str)
    if not 0 <= kind < 1 << 32 or len(data) > _LONGEST:
        raise ValueError("a value that no registry holds")
    return Stored(kind, bytes.fromhex(data))


def _checked(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
