"""What screens and serial logs show, as one JSON document and as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from bootmend.dumps.bugchecks import bug_check, status_name
from bootmend.screens import Kind, Screen, SerialVerdict
from bootmend.texts import say

SCHEMA = "bootmend.screen/1"

Shown = Screen | SerialVerdict


def document(shown: Iterable[Shown]) -> dict[str, Any]:
    return {"schema": SCHEMA, "screens": [entry(one) for one in shown]}


def entry(shown: Shown) -> dict[str, Any]:
    """One screen or serial log; numbers as people write them."""
    told: dict[str, Any] = {
        "file": shown.name,
        "source": "picture" if isinstance(shown, Screen) else "serial_log",
        "kind": str(shown.kind),
        "detail": shown.detail,
        "stop": _hex(shown.stop),
        "name": shown.stop_name,
        "status": _hex(shown.status),
        "image": shown.image,
        "language": shown.language if isinstance(shown, Screen) else None,
        "sure": shown.sure,
    }
    if isinstance(shown, Screen):
        return told | {"percent": shown.percent, "text": list(shown.text)}
    arguments = [f"0x{one:X}" for one in shown.arguments]
    return told | {"arguments": arguments, "starts": shown.starts, "line": shown.line, "evidence": shown.evidence}


def sentences(shown: Shown) -> Iterator[str]:
    """For a person: what it is, and what it says."""
    firmware = shown.detail == "firmware"
    yield say("screens.kind_firmware" if firmware else f"screens.kind_{shown.kind}", name=shown.name)
    if shown.detail and not firmware:
        yield say(f"screens.detail_{shown.detail}")
    if shown.stop is not None:
        meaning = bug_check(shown.stop).meaning
        yield say("screens.stop", code=_hex(shown.stop), name=shown.stop_name or "", meaning=meaning).strip()
    if shown.status is not None:
        yield say("screens.status", status=_hex(shown.status), name=status_name(shown.status)).replace(" .", ".")
    if shown.image:
        yield say("screens.image", image=shown.image)
    if isinstance(shown, Screen) and shown.percent is not None:
        yield say("screens.percent", percent=shown.percent)
    if isinstance(shown, SerialVerdict) and shown.line:
        yield say("screens.line", line=shown.line, text=shown.evidence)
        if shown.starts > 1:
            yield say("screens.starts", starts=shown.starts)
    if not shown.sure:
        yield say("screens.unsure_kind" if shown.kind is Kind.OTHER else "screens.unsure_code")


def _hex(number: int | None) -> str | None:
    return None if number is None else f"0x{number:X}"
