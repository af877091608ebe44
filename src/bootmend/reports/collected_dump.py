"""Of the newest crash dump what was asked for: nothing, the pages its analysis stands on, or all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bootmend.dumps import open_dump
from bootmend.dumps.dump import Dump
from bootmend.dumps.mini import mini_dump
from bootmend.dumps.stack import walk
from bootmend.dumps.verdict import judge
from bootmend.errors import InputError, Refused
from bootmend.formats.filetime import shown
from bootmend.reports import dump as analysis
from bootmend.reports.bundle import Bundle
from bootmend.reports.collected import Wanted
from bootmend.texts import say
from bootmend.windows.crash_files import CrashFile, crash_files
from bootmend.windows.crash_images import image_finder
from bootmend.windows.crash_suspects import with_suspects
from bootmend.windows.installation import Windows

_STEP = 4 << 20


def collect_dump(bundle: Bundle, windows: Windows, wanted: Wanted) -> None:
    """The newest dump that a crash made, else the newest; the others are listed as left out."""
    listed = crash_files(windows)
    found = sorted(listed.found, key=lambda one: one.header.made_by_a_tool)
    for reason in listed.unread:
        bundle.leave_out(say("collect.dump"), reason)
    for other in found if wanted == "none" else found[1:]:
        key = "collect.dump_unasked" if wanted == "none" else "collect.dump_older"
        bundle.leave_out(other.where, say(key, when=shown(other.header.system_time), size=other.file.size))
    if not found or wanted == "none":
        return
    try:
        _one(bundle, windows, found[0], wanted)
    except (InputError, Refused) as reason:
        bundle.leave_out(found[0].where, str(reason))


def _one(bundle: Bundle, windows: Windows, file: CrashFile, wanted: Wanted) -> None:
    dump = open_dump(file.file, file.where)
    stack = walk(dump, image_finder(windows))
    verdict = with_suspects(judge(dump, stack), dump, windows) if windows.registry_fault is None else judge(dump, stack)
    lines = [*analysis.summary(dump, verdict), "", *analysis.text(dump, verdict, stack)]
    bundle.add("dump/analysis.txt", say("collect.dump_analysis"), "\n".join([*lines, ""]), source=file.where)
    told = json.dumps(analysis.document(dump, verdict, stack), indent=2)
    bundle.add("dump/analysis.json", say("collect.dump_analysis"), told, source=file.where)
    if wanted == "mini":
        bundle.add("dump/mini.dmp", say("collect.dump_mini"), mini_dump(dump), source=file.where)
        return
    bundle.add("dump/full.dmp", say("collect.dump_full"), _all(dump), source=file.where, most=None)


def _all(dump: Dump) -> Iterator[bytes]:
    steps = range(0, dump.length, _STEP)
    return (dump.reader.bytes(at, min(_STEP, dump.length - at), "the dump") for at in steps)
