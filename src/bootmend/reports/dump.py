"""What `bootmend dump` tells: a summary in plain words, the debugger's text, and one document for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bootmend import __version__
from bootmend.dumps.bugchecks import BugCheck, bug_check, fast_fail_name, status_name
from bootmend.dumps.dump import Dump, type_name
from bootmend.dumps.fields import Session, Value, analyze_fields, symbol, where_struck
from bootmend.dumps.stack import Stack
from bootmend.dumps.verdict import (
    CHECK_FAILURE,
    CRITICAL_SERVICE_FAILED,
    OBJECT_TERMINATION,
    PROCESS_DIED,
    Verdict,
    service_bucket,
)
from bootmend.formats.filetime import moment, shown
from bootmend.reports.document import stamp
from bootmend.texts import say

SCHEMA = "bootmend.dump/1"
_RULE = "*" * 79
_TICKS = 10_000_000
_HOUR = 3600 * _TICKS


def summary(dump: Dump, verdict: Verdict) -> list[str]:
    """Sentences for someone who has never seen a dump."""
    header = dump.header
    told = [
        say(
            "dumps.what",
            type=type_name(header.type, header.bits),
            build=header.build,
            platform=header.platform,
            when=shown(header.system_time),
        )
    ]
    if header.up_time is not None:
        key = "dumps.up_time" if header.up_time < _HOUR else "dumps.up_long"
        days, rest = divmod(header.up_time // _TICKS, 86_400)
        clock = f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
        told.append(say(key, seconds=f"{header.up_time / _TICKS:.1f}", days=days, clock=clock))
    if header.made_by_a_tool:
        return [*told, say("dumps.made_by_a_tool"), *dump.notes]
    check = bug_check(dump.code)
    key = "dumps.stopped" if check.meaning else "dumps.unpublished"
    told.append(say(key, code=f"0x{dump.code:X}", name=check.name, meaning=check.meaning))
    told += _blamed(dump, verdict)
    told += dump.notes
    if dump.kdbg is not None and dump.kdbg.encoded:
        told.append(say("dumps.encoded"))
    return told


def _blamed(dump: Dump, verdict: Verdict) -> Iterator[str]:
    if dump.code == CHECK_FAILURE and (kind := fast_fail_name(dump.header.arguments[0])):
        yield say("dumps.broken", name=kind)
    if dump.code in (PROCESS_DIED, OBJECT_TERMINATION):
        if verdict.text:
            yield say("dumps.process", name=verdict.text)
    elif verdict.unloaded:
        yield say("dumps.unloaded", image=verdict.image)
    elif verdict.address != verdict.struck:
        yield from _called(dump, verdict)
    elif verdict.module == "nt":
        yield say("dumps.in_kernel", where=symbol(dump, verdict))
    elif verdict.address is not None and not verdict.module and dump.modules.loaded:
        yield say("dumps.nowhere", where=symbol(dump, verdict))
    elif verdict.address is not None and verdict.image:
        yield say("dumps.in_driver", image=verdict.image, where=symbol(dump, verdict))
    elif verdict.image:
        yield say("dumps.image", image=verdict.image, path=verdict.path or verdict.image)
    elif verdict.text:
        yield say("dumps.names", text=verdict.text)
    elif verdict.inferred:
        yield say("dumps.inferred", images=", ".join(verdict.inferred), count=len(verdict.inferred))
    elif dump.code == CRITICAL_SERVICE_FAILED:
        yield say("dumps.no_image")
    if verdict.status:
        yield say("dumps.status", status=f"0x{verdict.status:08X}", name=status_name(verdict.status) or "?")


def _called(dump: Dump, verdict: Verdict) -> Iterator[str]:
    """A driver that is blamed for what it called, or for being on the stack: that is less than a fault of its own."""
    if verdict.struck is not None:
        known = dump.modules.at(verdict.struck) is not None
        where = where_struck(dump, verdict)
        yield say("dumps.struck_in_kernel" if known else "dumps.struck_nowhere", where=where)
    yield say("dumps.on_stack", image=verdict.image or verdict.module, where=symbol(dump, verdict))


def text(dump: Dump, verdict: Verdict, stack: Stack | None = None, session: Session | None = None) -> Iterator[str]:
    """The lines that the debugger prints, with "unknown" where the dump does not tell."""
    yield _RULE
    yield "*" + "Bugcheck Analysis".center(77) + "*"
    yield _RULE
    check = bug_check(dump.code)
    yield f"{check.name} ({dump.code:x})"
    yield "Arguments:"
    for argument in _arguments(dump, check):
        yield f"Arg{argument['number']}: {argument['value']}" + (
            f", {argument['meaning']}" if argument["meaning"] else ""
        )
    yield ""
    for name, value in analyze_fields(dump, verdict, stack, session).items():
        yield from _field(name, value)
    yield ""
    if not _kernel_named(stack):
        yield say("dumps.without_symbols")
    yield from _symbols_told(stack)
    if stack is not None and stack.ended:
        yield say("dumps.stack_ended", count=len(stack.frames), why=stack.ended)
    if verdict.bucket and not verdict.verified:
        yield say("dumps.unverified")


def _kernel_named(stack: Stack | None) -> bool:
    return stack is not None and stack.names is not None and stack.names.of_kernel


def _symbols_told(stack: Stack | None) -> list[str]:
    """Which symbols were used, and which were refused and why."""
    symbols = stack.names.symbols if stack is not None and stack.names is not None else None
    return symbols.told if symbols is not None else []


def _symbols(stack: Stack | None) -> list[dict[str, Any]]:
    symbols = stack.names.symbols if stack is not None and stack.names is not None else None
    return [
        {"pdb": one.where, "guid": f"{{{one.id.guid}}}", "age": one.id.age, "functions": len(one.starts)}
        for one in (symbols.used if symbols is not None else ())
    ]


def _field(name: str, value: Value) -> Iterator[str]:
    """One line; a stack on lines of its own."""
    lines = str(value).split("\n") if value is not None else [say("dumps.unknown")]
    yield f"{name}:  {lines[0]}".rstrip() if len(lines) == 1 else f"{name}:"
    yield from lines if len(lines) > 1 else []


def module_lines(dump: Dump) -> Iterator[str]:
    """The list of modules, as `lm` shows it."""
    width = 16 if dump.header.bits == 64 else 8
    for module in dump.modules.loaded:
        yield f"{module.base:0{width}x} {module.base + module.size:0{width}x}  {module.name:<16} {module.path}"
    if dump.modules.unloaded:
        yield say("dumps.unloaded_modules")
    for gone in dump.modules.unloaded:
        yield f"{gone.start:0{width}x} {gone.end:0{width}x}  {gone.name}"


def document(
    dump: Dump, verdict: Verdict, stack: Stack | None = None, session: Session | None = None
) -> dict[str, Any]:
    """The document of `dump --json`: the debugger's own field names in lower case, and what it shows elsewhere."""
    header, check = dump.header, bug_check(dump.code)
    when = moment(header.system_time)
    return {
        "schema": SCHEMA,
        "bootmend": __version__,
        "file": dump.name,
        "type": type_name(header.type, header.bits),
        "type_number": header.type,
        "time": stamp(when) if when is not None else None,
        "up_time_seconds": header.up_time / _TICKS if header.up_time is not None else None,
        "crash": not header.made_by_a_tool,
        "summary": summary(dump, verdict),
        "bugcheck_code": f"0x{dump.code:X}",
        "bugcheck_name": check.name,
        "arguments": _arguments(dump, check),
        **{name.lower(): value for name, value in analyze_fields(dump, verdict, stack, session).items()},
        "ntstatus": f"0x{verdict.status:08X}" if verdict.status is not None else None,
        "ntstatus_name": status_name(verdict.status) or None if verdict.status is not None else None,
        "image_path": verdict.path or None,
        "bucket_verified": verdict.verified,
        "inferred": [
            {"image_name": image, "failure_bucket_id": service_bucket(verdict.status or 0, image)}
            for image in verdict.inferred
        ],
        "nt_symbols": _kernel_named(stack),
        "symbols": _symbols(stack),
        "registers": (
            {name: f"0x{value:x}" for name, value in dump.fault_context.registers.items()}
            if dump.fault_context is not None
            else None
        ),
        "modules": [
            {
                "name": module.name,
                "path": module.path,
                "base": f"0x{module.base:x}",
                "size": module.size,
                "checksum": module.checksum,
                "timestamp": module.timestamp,
            }
            for module in dump.modules.loaded
        ],
        "unloaded_modules": [
            {"name": gone.name, "start": f"0x{gone.start:x}", "end": f"0x{gone.end:x}"}
            for gone in dump.modules.unloaded
        ],
        "stack": [
            {
                "frame": one.name,
                "module": one.module_name or None,
                "function": one.function or None,
                "offset": one.offset,
                "address": f"0x{one.address:x}",
                "rsp": f"0x{one.rsp:x}",
                "return": f"0x{one.back:x}",
            }
            for one in (stack.frames if stack is not None else ())
        ],
        "stack_ended": stack.ended or None if stack is not None else None,
        "notes": [*dump.notes, *_symbols_told(stack)],
        "reads": dump.reader.reads,
        "bytes_read": dump.reader.bytes_read,
    }


def _arguments(dump: Dump, check: BugCheck) -> list[dict[str, Any]]:
    width = 16 if dump.header.bits == 64 else 8
    return [
        {"number": at, "value": f"{value:0{width}x}", "meaning": meaning}
        for at, (value, meaning) in enumerate(zip(dump.header.arguments, check.arguments, strict=True), 1)
    ]
