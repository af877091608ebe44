"""What the newest dump of a disk adds to a diagnosis: which finding it bears out, or what it speaks against."""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.repair import Diagnosis
from bootmend.texts import say
from bootmend.windows.crash_witness import Age, Crash


def crash_sentences(result: Diagnosis) -> Iterator[str]:
    """What it tells, whether it counts, and what follows; nothing where there is no dump."""
    crash = result.crash
    if crash is None:
        return
    if crash.age is Age.TOOL:
        yield say("crash.tool", where=crash.where)
        return
    yield say("crash.told", what=crash.what, where=crash.where)
    if not crash.counts:
        yield say("crash.not_counted")
        yield say(f"crash.{crash.age.value}")
        return
    number = borne_out_finding(result)
    if number is not None:
        yield say("crash.bears_out", number=number, title=result.findings[number - 1].title.rstrip("."))
    elif crash.image and result.windows.registry_fault is None:
        yield from _against(result, crash)
    if result.prediction is not None and result.prediction.stop != crash.code:
        yield say("crash.other_stop")
    elif number is None and not crash.image and _same_status(result, crash):
        yield say("crash.same_stop")


def _against(result: Diagnosis, crash: Crash) -> Iterator[str]:
    drivers = [one for one in result.windows.audited if one.image.lower() == crash.image.lower()]
    if not drivers:
        yield say("crash.not_loaded", image=crash.image)
    elif all(one.trouble is None for one in drivers) and crash.verdict.status is not None:
        yield say("crash.over", image=drivers[0].image)


def _same_status(result: Diagnosis, crash: Crash) -> bool:
    predicted = result.prediction
    return predicted is not None and predicted.status is not None and predicted.status == crash.verdict.status


def borne_out_finding(result: Diagnosis) -> int | None:
    """The first finding with the dump in its evidence, counted from 1."""
    crash = result.crash
    if crash is None or not crash.counts:
        return None
    numbered = enumerate(result.findings, 1)
    return next((number for number, one in numbered if any(seen.where == crash.where for seen in one.evidence)), None)
