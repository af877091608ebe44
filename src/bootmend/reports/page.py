"""A result as one page for a browser or a printer: HTML with everything in it, no script, nothing from elsewhere.

    RESULT.json -> Page (plain text, sorted) -> templates/result.html

What stands in a result came off a disk: every word is escaped by the template, and nothing becomes a link.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from bootmend.findings import Severity, Station
from bootmend.reports.result_file import Node
from bootmend.reports.terminal import LABELS, station_name
from bootmend.texts import say

_GREEN, _RED, _GREY = ("#e8f6ec", "#3d8b55", "#1a1a1a"), ("#fbe3e1", "#b3261e", "#1a1a1a"), ("#f4f4f4", "#bbb", "#888")
_LABELS = ("way", "stops", "findings", "nothing")
MOST_ROWS = 500
"""Of one table; a result may hold thousands of events."""

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Step:
    """A station of the boot, in the colours of what became of it."""

    words: list[str]
    fill: str
    line: str
    ink: str
    stops: bool


@dataclass(frozen=True, slots=True)
class Found:
    title: str
    rule: str
    severity: str
    label: str
    why: str
    groups: list[Group]


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    subtitle: str
    mood: str
    """good, bad, or nothing where the machine was not asked."""
    verdict: str
    prediction: list[str]
    way: list[Step]
    way_told: str
    findings: list[Found]
    groups: list[Group]
    made_by: str


def html(result: Node) -> str:
    """Raises ParseError where a member of the result is not what it should be."""
    labels = {name: say(f"page.{name}") for name in _LABELS}
    return _template().render(page=_page(result), labels=labels)


@cache
def _template() -> Template:
    source = resources.files("bootmend.reports").joinpath("templates/result.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        source
    )


def _page(result: Node) -> Page:
    machine = next(iter(result.nodes("windows")), None)
    name = (machine.text("hostname") or machine.text("product") if machine is not None else "") or "?"
    about = [machine.text(member) for member in ("product", "build", "boot")] if machine is not None else []
    causes = [one for one in result.nodes("findings") if one.text("severity") == Severity.CAUSE]
    healthy = result.flag("healthy")
    mood, verdict = {
        None: ("", say("page.unasked")),
        True: ("good", say("page.healthy")),
        False: ("bad", say("page.causes", count=len(causes))),
    }[healthy]
    stops_at = result.text("stops_at")
    disk = result.node("disk")
    return Page(
        title=say("page.title", machine=name),
        subtitle=" · ".join(
            word for word in (*about, disk.text("source") if disk else "", result.text("started")) if word
        ),
        mood=mood,
        verdict=verdict,
        prediction=_prediction(result.node("prediction")),
        way=_way(stops_at) if healthy is not None else [],
        way_told=say("page.way_told", station=stops_at.replace("_", " ") or say("page.no_station")),
        findings=[_found(one) for one in result.nodes("findings")],
        groups=list(_groups(result)),
        made_by=say("page.made_by", version=result.text("bootmend"), command=result.text("command")),
    )


def _prediction(predicted: Node | None) -> list[str]:
    if predicted is None:
        return []
    words = [predicted.text(member) for member in ("stop", "name", "status", "image")]
    told = " ".join(word for word in words if word)
    return [say("page.predicted", told=told, confidence=predicted.text("confidence")), predicted.text("why")]


def _way(stops_at: str) -> list[Step]:
    """The stations: passed, where it stops, and what therefore was not reached."""
    stop = Station.__members__.get(stops_at.upper())
    last = max(Station.SYSTEM_DRIVERS, stop or Station.SYSTEM_DRIVERS)
    steps = []
    for station in (one for one in Station if one <= last):
        colours = _GREEN if stop is None or station < stop else _RED if station == stop else _GREY
        steps.append(Step(station_name(station).split(), *colours, station == stop))
    return steps


def _found(finding: Node) -> Found:
    severity = finding.text("severity")
    known = severity in set(Severity)
    return Found(
        title=finding.text("title"),
        rule=finding.text("rule"),
        severity=severity if known else Severity.NOTE.value,
        label=say(LABELS[Severity(severity)]) if known else severity,
        why=finding.text("why"),
        groups=[
            Group(say("page.evidence"), _rows(finding, "evidence", "where", "what")),
            Group(say("page.actions"), _actions(finding, "actions")),
            Group(say("page.skipped"), _rows(finding, "skipped", "action", "reason")),
        ],
    )


def _groups(result: Node) -> list[Group]:
    """What stands below the findings, in the order in which it happened."""
    dump, commit, rehearsal = (result.node(name) for name in ("dump", "commit", "rehearsal"))
    told = [(dump.text("where"), line) for line in dump.texts("told")] if dump is not None else []
    done = []
    if rehearsal is not None:
        done.append((say("page.rehearsed"), say("page.changed", count=rehearsal.number("changed_bytes"))))
    if commit is not None:
        done.append((commit.text("journal"), say("page.written", count=commit.number("bytes"))))
    return [
        Group(say("page.plan"), _actions(result, "plan")),
        Group(say("page.left"), _rows(result, "skipped", "action", "reason")),
        Group(say("page.done"), done),
        Group(say("page.dump"), told),
        Group(say("page.timeline"), _rows(result, "timeline", "when", "what")[-MOST_ROWS:]),
        Group(say("page.notes"), [("", line) for line in result.texts("notes")]),
    ]


def _rows(node: Node, member: str, first: str, second: str) -> list[Row]:
    return [(one.text(first), one.text(second)) for one in node.nodes(member)]


def _actions(node: Node, member: str) -> list[Row]:
    rows = []
    for one in node.nodes(member):
        detail: list[Any] = [one.text("target"), one.text("value"), one.text("source"), one.text("risk")]
        rows.append((one.text("kind"), " — ".join(word for word in detail if word)))
    return rows
