"""The fields of `!analyze -v`, in its order and under its names; None where the dump does not tell.

Names and formats as Microsoft's public debugger (10.0.16361) prints them. Fields about the debugger's own
session (host, time) are those of this one. FOLLOWUP_NAME comes from a list of owners that the debugger brings along.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bootmend import __version__
from bootmend.dumps.dump import EXCEPTIONS, Dump
from bootmend.dumps.header import DumpType
from bootmend.dumps.stack import Stack, StackFrame
from bootmend.dumps.verdict import EXCEPTION_CODES, IRQL_ARGUMENT, Verdict, bugcheck_str
from bootmend.errors import ParseError
from bootmend.formats.filetime import moment

_QUALIFIERS = {
    DumpType.FULL: (402, 0),
    DumpType.BITMAP_FULL: (402, 0),
    DumpType.KERNEL: (401, 1),
    DumpType.BITMAP_KERNEL: (401, 1),
    DumpType.TRIAGE: (400, 2),
}
"""DUMP_QUALIFIER and DUMP_TYPE."""
_SUITES = (
    (0x1, "SmallBusiness"),
    (0x2, "Enterprise"),
    (0x10, "TerminalServer"),
    (0x80, "DataCenter"),
    (0x100, "SingleUserTS"),
    (0x200, "Personal"),
    (0x400, "Blade"),
)
_PRODUCTS = {1: "WinNt", 2: "LanManNt", 3: "Server"}
_SYSTEMS = (
    (10240, "Windows 10"),
    (9600, "Windows 8.1"),
    (9200, "Windows 8"),
    (7600, "Windows 7"),
    (6000, "Windows Vista"),
)
_LAB = re.compile(r"(\d+)\.(\d+)\.\w+?(?:fre|chk)\.(\w+)\.(\d{6}-\d{4})")
REPORT_LINK = "https://go.microsoft.com/fwlink/?LinkID=397724&FailureHash="

Value = str | int | None


@dataclass(frozen=True, slots=True)
class Session:
    """Where and when the dump is looked at, and how long that took."""

    host: str
    started: datetime
    milliseconds: int


def analyze_fields(
    dump: Dump, verdict: Verdict, stack: Stack | None = None, session: Session | None = None
) -> dict[str, Value]:
    """Every field that the debugger prints of a dump, in its order."""
    header = dump.header
    qualifier, kind = next((row for one, row in _QUALIFIERS.items() if one == header.type), (None, None))
    found: dict[str, Value] = {"DUMP_CLASS": 1, "DUMP_QUALIFIER": qualifier}
    found["BUILD_VERSION_STRING"] = _version(dump)
    found["DUMP_TYPE"] = kind
    found |= {f"BUGCHECK_P{at}": f"{value:x}" for at, value in enumerate(header.arguments, 1)}
    found["BUGCHECK_STR"] = bugcheck_str(dump, verdict)
    found |= _processor(dump)
    if verdict.struck is not None:
        found["FAULTING_IP"] = where_struck(dump, verdict, stack)
    if dump.code in EXCEPTION_CODES and verdict.status is not None:
        found["EXCEPTION_CODE_STR"] = f"{verdict.status:x}"
    found["DEFAULT_BUCKET_ID"] = _default_bucket(header.build)
    found["PROCESS_NAME"] = dump.process
    found["CURRENT_IRQL"] = _irql(dump)
    found["ANALYSIS_SESSION_HOST"] = session.host if session is not None else None
    found["ANALYSIS_SESSION_TIME"] = _session_time(session.started) if session is not None else None
    found["ANALYSIS_VERSION"] = f"bootmend {__version__}"
    found["STACK_TEXT"] = "\n".join(map(_line, stack.frames if stack is not None else ())) or None
    if verdict.struck is None:
        found["RETRACER_ANALYSIS_TAG_STATUS"] = "DEBUG_FLR_FAULTING_IP is not found"
    found |= _hashes(stack or Stack())
    found["FOLLOWUP_NAME"] = None
    found |= _culprit(dump, verdict, stack)
    found |= _system(dump)
    found["ANALYSIS_SESSION_ELAPSED_TIME"] = f"{session.milliseconds:x}" if session is not None else None
    found["ANALYSIS_SOURCE"] = "KM"
    found["FAILURE_ID_HASH_STRING"] = verdict.hash_string or None
    found["FAILURE_ID_HASH"] = f"{{{verdict.failure_id}}}" if verdict.failure_id is not None else None
    found["FAILURE_ID_REPORT_LINK"] = f"{REPORT_LINK}{verdict.failure_id}" if verdict.failure_id is not None else None
    return found


def _hashes(stack: Stack) -> dict[str, Value]:
    """Those with functions only where the debugger would know no other names."""
    hashes = stack.hashes()
    return {
        "THREAD_SHA1_HASH_MOD_FUNC": hashes.mod_func if hashes is not None and stack.named else None,
        "THREAD_SHA1_HASH_MOD_FUNC_OFFSET": hashes.mod_func_offset if hashes is not None and stack.named else None,
        "THREAD_SHA1_HASH_MOD": hashes.mod if hashes is not None else None,
    }


def _line(frame: StackFrame) -> str:
    words = " ".join(_word(word) if word is not None else "?" * 17 for word in frame.words)
    return f"{_word(frame.rsp)} {_word(frame.back)} : {words} : {frame.name}"


def _word(value: int) -> str:
    return f"{value >> 32:08x}`{value & 0xFFFFFFFF:08x}"


def _processor(dump: Dump) -> dict[str, Value]:
    one = dump.processor or next(iter(dump.processors), None)
    return {
        "CPU_COUNT": f"{dump.header.processors:x}",
        "CPU_MHZ": _hex(one.megahertz if one is not None else None),
        "CPU_VENDOR": one.vendor or None if one is not None else None,
        "CPU_FAMILY": _hex(one.family if one is not None else None),
        "CPU_MODEL": _hex(one.model if one is not None else None),
        "CPU_STEPPING": _hex(one.stepping if one is not None else None),
    }


def _hex(value: int | None) -> str | None:
    return f"{value:x}" if value is not None else None


def _irql(dump: Dump) -> str | None:
    """As an argument tells it, else as the processor that stopped had it."""
    if dump.code in IRQL_ARGUMENT:
        return f"{dump.header.arguments[1]:x}"
    one = dump.processor
    return f"{one.irql:x}" if one is not None and one.irql is not None else None


def _session_time(when: datetime) -> str:
    return f"{when:%m-%d-%Y %H:%M:%S}.{when.microsecond // 100:04d}"


def symbol(dump: Dump, verdict: Verdict) -> str:
    """What is blamed: `module!function+offset`, or what is known of it."""
    if not verdict.function:
        return dump.modules.where(verdict.address or 0)
    inside = f"{verdict.module}!{verdict.function}"
    return f"{inside}+{verdict.offset:x}" if verdict.offset else inside


def where_struck(dump: Dump, verdict: Verdict, stack: Stack | None = None) -> str:
    """The instruction at which it struck, as far as it has a name."""
    struck = verdict.struck or 0
    if struck == verdict.address:
        return symbol(dump, verdict)
    module = dump.modules.at(struck)
    place = stack.place(struck) if stack is not None else None
    if module is None or place is None or not place.function:
        return dump.modules.where(struck)
    inside = f"{module.name}!{place.function}"
    return f"{inside}+{place.offset:x}" if place.offset else inside


def _image_version(dump: Dump, verdict: Verdict, stack: Stack | None) -> str | None:
    """Of the image's file; the debugger leaves it empty for an image that was never loaded."""
    loaded = dump.modules.by_file(verdict.image) if verdict.image else None
    if loaded is None:
        return "" if verdict.image else None
    pe = stack.names.file(loaded) if stack is not None and stack.names is not None else None
    try:
        version = pe.version() if pe is not None else None
    except ParseError:
        return None
    return version.file_version or None if version is not None else None


def _culprit(dump: Dump, verdict: Verdict, stack: Stack | None) -> dict[str, Value]:
    loaded = dump.modules.by_file(verdict.image) if verdict.image else None
    bucket = verdict.bucket or None
    return {
        "SYMBOL_NAME": symbol(dump, verdict) if loaded is not None and verdict.address is not None else None,
        "MODULE_NAME": verdict.module or None,
        "IMAGE_NAME": verdict.image or None,
        # The debugger prints 0 for an image that was never loaded.
        "DEBUG_FLR_IMAGE_TIMESTAMP": f"{loaded.timestamp or 0:x}"
        if loaded is not None
        else "0"
        if verdict.image
        else None,
        "IMAGE_VERSION": _image_version(dump, verdict, stack),
        "STACK_COMMAND": _stack_command(dump),
        "FAILURE_BUCKET_ID": bucket,
        "BUCKET_ID": bucket,
        "PRIMARY_PROBLEM_CLASS": bucket,
    }


def _system(dump: Dump) -> dict[str, Value]:
    header = dump.header
    lab = _LAB.fullmatch(dump.build_lab)
    kernel = next(iter(dump.modules.loaded), None)
    when = moment(header.system_time)
    stamp = datetime.fromtimestamp(kernel.timestamp, UTC) if kernel is not None and kernel.timestamp else None
    name = next((word for first, word in _SYSTEMS if header.build >= first), "Windows")
    words = [_PRODUCTS.get(header.product_type or 0, ""), *(w for bit, w in _SUITES if (header.suite_mask or 0) & bit)]
    return {
        "TARGET_TIME": f"{when:%Y-%m-%dT%H:%M:%S}.000Z" if when is not None else None,
        "OSBUILD": header.build,
        "OSSERVICEPACK": int(lab[2]) if lab is not None else None,
        # Windows has had no service packs since 8.
        "SERVICEPACK_NUMBER": 0 if header.build >= 9200 else None,
        # OS_REVISION, OS_LOCALE and USER_LCID are those of a program: empty in every dump of a kernel.
        "OS_REVISION": 0,
        "SUITE_MASK": header.suite_mask,
        "PRODUCT_TYPE": header.product_type,
        "OSPLATFORM_TYPE": header.platform,
        "OSNAME": name,
        "OSEDITION": " ".join([name, *filter(None, words)]),
        "OS_LOCALE": "",
        "USER_LCID": 0,
        "OSBUILD_TIMESTAMP": f"{stamp:%Y-%m-%d %H:%M:%S}" if stamp is not None else None,
        "BUILDDATESTAMP_STR": lab[4] if lab is not None else None,
        "BUILDLAB_STR": lab[3] if lab is not None else None,
        "BUILDOSVER_STR": f"10.0.{lab[1]}.{lab[2]}" if lab is not None and header.build >= 10240 else None,
    }


def _stack_command(dump: Dump) -> str:
    """What an engineer would type into the debugger to see the stack."""
    _, at = EXCEPTIONS.get(dump.code, (None, None))
    context = dump.header.arguments[at] if at is not None else 0
    return f".cxr 0x{context:x} ; kb" if context else ".thread ; .cxr ; kb"


def _version(dump: Dump) -> str | None:
    lab = _LAB.fullmatch(dump.build_lab)
    if lab is None:
        return None
    return f"10.0.{lab[1]}.{lab[2]} ({lab[3]}.{lab[4]})" if dump.header.build >= 10240 else dump.build_lab


def _default_bucket(build: int) -> str | None:
    """The debugger's class of a kernel crash for the system; newer debuggers no longer print it."""
    if build >= 9200:
        return "WIN8_DRIVER_FAULT"
    return "WIN7_DRIVER_FAULT" if build >= 7600 else None
