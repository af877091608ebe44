"""The result as a person reads it at a terminal: the cause first, then the evidence, then what to do."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from bootmend.commit import CommitReport
from bootmend.findings import Action, Finding, Prediction, Safety, Severity, Station
from bootmend.formats.filetime import moment
from bootmend.plan import Plan
from bootmend.repair import Diagnosis, Proposal
from bootmend.reports.crash import crash_sentences
from bootmend.texts import say
from bootmend.windows.timeline import Timeline

COLOURS = {Severity.CAUSE: "bold red", Severity.RISK: "yellow", Severity.NOTE: "cyan"}
LABELS = {Severity.CAUSE: "report.cause", Severity.RISK: "report.risk", Severity.NOTE: "report.note_label"}

MOST_LINE = 200
"""Characters of one observation."""
MOST_STEPS = 12
"""A plan of more steps than this is shown by its first ones and a count; `--json` has all."""


def size(count: int) -> str:
    """Bytes in the unit a person would say."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def show_diagnosis(console: Console, result: Diagnosis, mend: str = "bootmend repair DISK") -> None:
    """`mend`: the command line that repairs what is told here."""
    windows = result.windows
    product = windows.version.product or "Windows"
    console.print(
        Text(
            say(
                "report.machine",
                product=product,
                build=windows.version.text or "?",
                hostname=windows.hostname or "?",
                where=windows.where("").rstrip("\\"),
                firmware=windows.chain.firmware or "?",
            )
        )
    )
    console.print(way(result.stops_at, result.windows.registry_fault is None))
    for note in result.notes:
        console.print(Text(say("report.note", text=note), style="dim"))
    if result.prediction is not None:
        console.print()
        console.print(Text(predicted(result.prediction, result.stops_at), style="bold"))
        console.print(Padding.indent(Text(result.prediction.why), 2))
    for number, finding in enumerate(result.findings, 1):
        console.print()
        _show_finding(console, number, finding)
    show_timeline(console, result.timeline)
    if told := " ".join(crash_sentences(result)):
        console.print()
        console.print(Text(told))
    console.print()
    if result.healthy:
        console.print(Text(say("report.healthy"), style="bold green"))
    else:
        words = "".join(f" --accept {risk}" for risk in risks(result.causes))
        told = say("report.causes", count=len(result.causes), command=mend, words=words)
        console.print(Text(told, style="bold red"))
    console.print(
        Text(say("report.effort", seconds=f"{result.seconds:.1f}", read=size(result.bytes_read)), style="dim")
    )
    traffic = result.image.device.traffic
    if traffic is not None:
        moved = size(traffic.received + traffic.sent)
        console.print(Text(say("http.effort", moved=moved, requests=traffic.requests), style="dim"))


def risks(findings: Iterable[Finding]) -> list[str]:
    """Words for `--accept` that the edits of these findings take."""
    return sorted({edit.risk for finding in findings for edit in finding.actions if edit.safety is Safety.RISKY})


def show_timeline(console: Console, timeline: Timeline) -> None:
    """The last starts in a few lines."""
    shown = timeline.highlights
    if not shown:
        return
    console.print()
    console.print(Text(say("timeline.title")))
    for one in shown:
        when = moment(one.when or 0)
        told = f"{when:%Y-%m-%d %H:%M}" if when is not None else say("timeline.no_time")
        console.print(Padding.indent(Text(say("timeline.line", when=told, what=one.what[:MOST_LINE])), 3))
    if rest := len(timeline.observations) - len(shown):
        console.print(Padding.indent(Text(say("timeline.more", count=rest), style="dim"), 3))


def predicted(prediction: Prediction, stops_at: Station | None) -> str:
    """One line that says it is a prediction."""
    details = ""
    if prediction.status is not None:
        details += say("report.predict_status", status=f"0x{prediction.status:08X}")
    if prediction.image is not None:
        details += say("report.predict_image", image=prediction.image)
    confidence = prediction.confidence.value
    if prediction.stop is not None:
        stop = f"0x{prediction.stop:X}"
        return say("report.predict_stop", stop=stop, name=prediction.name, details=details, confidence=confidence)
    station = station_name(stops_at) if stops_at is not None else "?"
    return say("report.predict_screen", station=station, name=prediction.name, details=details, confidence=confidence)


def station_name(station: Station) -> str:
    return say(f"report.station_{station.name.lower()}")


def way(stops_at: Station | None, registry_asked: bool) -> Text:
    """The stations of the boot in a line: passed, where it stops, and what therefore was not reached."""
    line = Text(say("report.way"))
    last = max(Station.SYSTEM_DRIVERS, stops_at or Station.SYSTEM_DRIVERS)
    for number, station in enumerate(station for station in Station if station <= last):
        line.append(" > " if number else "", style="dim")
        if stops_at is not None and station == stops_at:
            line.append(f"{station_name(station)} ({say('report.way_stops')})", style="bold red")
        elif stops_at is not None and station > stops_at:
            line.append(station_name(station), style="dim")
        elif not registry_asked and station >= Station.REGISTRY:
            line.append(f"{station_name(station)} ({say('report.way_unknown')})", style="yellow")
        else:
            line.append(station_name(station), style="green")
    return line


def _show_finding(console: Console, number: int, finding: Finding) -> None:
    colour = COLOURS[finding.severity]
    label = say(LABELS[finding.severity])
    title = f"[{colour}]{number}. {escape(label)}[/] {escape(finding.title)} [dim]({finding.rule})[/]"
    console.print(title, markup=True)
    console.print(Padding.indent(Text(finding.why), 3))
    for evidence in finding.evidence:
        line = Text(f"{evidence.where}: ", style="dim")
        line.append(evidence.what, style="none")
        console.print(Padding.indent(line, 5))
    for edit in finding.actions:
        if edit.safety is Safety.RISKY:
            told = say("report.on_request", risk=edit.risk, action=_edit(edit))
            console.print(Padding.indent(Text(told), 3))
    for item in finding.skipped:
        console.print(Padding.indent(Text(say("report.skipped", action=item.action, reason=item.reason)), 3))


def _edit(edit: Action) -> str:
    """An edit in a line: what becomes of which target, and from where."""
    source = say("report.from", source=edit.source) if edit.source else ""
    value = say("report.becomes", value=edit.value) if edit.value else ""
    return f"{edit.kind}  {edit.target}{source}{value}"


def show_plan(console: Console, plan: Plan) -> None:
    console.print()
    console.print(Text(say("report.plan", count=len(plan.steps)), style="bold"))
    for step in plan.steps[:MOST_STEPS]:
        console.print(Padding.indent(Text(_edit(step.action)), 3))
    if len(plan.steps) > MOST_STEPS:
        console.print(Padding.indent(Text(say("report.more_steps", count=len(plan.steps) - MOST_STEPS)), 3))
    for item in plan.skipped:
        console.print(Padding.indent(Text(say("report.skipped", action=item.action, reason=item.reason)), 3))


def show_proposal(console: Console, proposal: Proposal) -> None:
    """The plan and how its rehearsal went."""
    if proposal.rehearsal is None:
        if proposal.diagnosis.healthy:
            console.print(Text(say("report.nothing_to_do")))
            return
        for item in proposal.dropped:
            console.print(Text(say("report.skipped", action=item.action, reason=item.reason)))
        words = [word for word in risks(proposal.diagnosis.causes) if word not in proposal.accepted]
        if words:
            told = "".join(f" --accept {word}" for word in words)
            console.print(Text(say("report.consent_needed", words=told), style="bold"))
        else:
            console.print(Text(say("report.nothing_possible")))
        return
    show_plan(console, proposal.plan)
    for finding in rehearsal_shows(proposal):
        console.print(Text(say("report.revealed", title=finding.title)))
    for item in proposal.dropped:
        console.print(Text(say("report.skipped", action=item.action, reason=item.reason)))
    rehearsal = proposal.rehearsal
    for note in rehearsal.notes:
        console.print(Text(say("report.note", text=note), style="dim"))
    key = "report.rehearsed" if rehearsal.silent else "report.rehearsed_badly"
    console.print(Text(say(key, changed=size(rehearsal.changed_bytes))))
    for finding in (*rehearsal.left, *rehearsal.new):
        console.print(Padding.indent(Text(finding.title), 3))


def rehearsal_shows(proposal: Proposal) -> list[Finding]:
    """Causes that could only be seen once others were mended."""
    asked = {finding.key for finding in proposal.diagnosis.findings}
    return [finding for finding in proposal.plan.findings if finding.key not in asked]


def show_commit(console: Console, report: CommitReport, source: str) -> None:
    console.print(
        Text(
            say("report.committed", patches=report.patches, changed=size(report.bytes), journal=report.journal),
            style="bold green",
        )
    )
    console.print(Text(say("report.undo_with", source=source)))
