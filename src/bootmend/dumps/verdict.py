"""What the dump blames: image, status, bucket, and how sure that is.

The argument that names the culprit differs by stop code (Microsoft's bug check code reference). The bucket
is the debugger's word for one kind of failure; its wording changed over the debugger's versions. The
wording here is that of 10.0.16361, and is called verified only for the forms that public outputs of that
time confirm. Functions have names by symbols and exports (`names`), as far as the stack was given any.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from bootmend.dumps.bugchecks import fast_fail_name
from bootmend.dumps.dump import FILE_SYSTEMS, Dump
from bootmend.dumps.hashes import failure_id_hash, hash_string
from bootmend.dumps.header import AMD64
from bootmend.dumps.modules import Module, is_of_kernel
from bootmend.dumps.names import is_decorated
from bootmend.dumps.processors import process_name
from bootmend.dumps.stack import Stack, StackFrame

CRITICAL_SERVICE_FAILED, PAGE_FAULT, CHECK_FAILURE = 0x5A, 0x50, 0x139
PROCESS_DIED, OBJECT_TERMINATION = 0xEF, 0xF4
ACCESS_VIOLATION = 0xC0000005
_ACCESS = {0: "R_", 1: "W_", 2: "W_"}
"""Kinds of page faults by the second argument of 0x50; the others ran code that is none."""
UNKNOWN_FUNCTION = "unknown_function"
"""What the debugger prints for a driver without symbols."""

FAULTING = {
    **dict.fromkeys((0x0A, 0xC5, 0xD0, 0xD1, 0xD3, 0xD4, 0xDB), 3),
    **dict.fromkeys((0x50, 0xCC, 0xCD, 0xCE, 0xCF, 0xD5, 0xD6), 2),
    **dict.fromkeys((0x1E, 0x3B, 0x78, 0x7E, 0x8E, 0x116, 0x117, 0x141), 1),
    **dict.fromkeys((0xCB, 0xE1, 0x128, 0x129, 0x15B), 0),
    0x135: 2,
}
"""Which argument is an address in the driver at fault, from 0."""
BY_STACK = (0x18, 0x7F, 0xBE, 0xC1, 0xC2, 0xC4, 0xC9, 0xFC, 0x10D, 0x133)
"""Codes whose arguments name no driver, but which the first one on the stack brought about or ran into."""
EXCEPTION_CODES = (0x1E, 0x3B, 0x78, 0x7E, 0x8E, 0x135)
"""Codes whose first argument is the NTSTATUS of an exception."""
STATUS_ARGUMENT = {
    **dict.fromkeys((0x32, 0x6B, 0x6D, 0x6E, 0x6F, 0x70, 0x71, 0x77, 0x123, 0x145), 0),
    **dict.fromkeys((0x73, 0x75, 0x7A, 0x7B, 0xBB, 0xED, 0xF8, 0x12A, 0x12F, 0xC000021A), 1),
    **dict.fromkeys((0x67,), 2),
    **dict.fromkeys((0x5A, 0x74), 3),
}
"""Which argument is an NTSTATUS that says why, from 0."""
_LOWEST_WARNING = 0x80000000
"""Below it an NTSTATUS tells of no failure: such a number is an exit code, a kind, or "none"."""
_SIGNS = (0, 0xFFFFFFFF)
"""The upper half of an argument that is an NTSTATUS."""
IRQL_ARGUMENT = (0x0A, 0xC5, 0xD0, 0xD1, 0xD3, 0xD4, 0xDB)
"""Codes whose second argument is the IRQL at which it happened."""
TEXT_ARGUMENTS = {
    0x5A: 2,
    0x73: 3,
    0x7B: 0,
    0xD8: 0,
    0xEA: 2,
    0xF2: 0,
    0xF4: 2,
    0xC0000218: 0,
    0xC000021A: 0,
    0xC0000221: 0,
}
"""Which argument points at a name, from 0."""
_DRIVER_NAMES = (0xD8, 0xEA, 0xF2)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Empty and None stand for what the dump does not tell."""

    image: str = ""
    """The file blamed, without its path."""
    path: str = ""
    module: str = ""
    """As the debugger calls it."""
    struck: int | None = None
    """The instruction at which it struck, where that is known."""
    address: int | None = None
    """What is blamed: that instruction, or where a driver called what it struck in."""
    status: int | None = None
    function: str = ""
    """That `address` lies in, where it has a known name; and how far behind its start."""
    offset: int = 0
    text: str = ""
    """What an argument names: a device, a hive, a process."""
    bucket: str = ""
    verified: bool = False
    """Public outputs of the debugger confirm this form of bucket."""
    unloaded: bool = False
    """The image had been unloaded when its address was used."""
    inferred: tuple[str, ...] = ()
    """Files that something else than the dump points at, where the dump names none."""

    @property
    def hash_string(self) -> str:
        return hash_string(self.bucket) if self.bucket else ""

    @property
    def failure_id(self) -> uuid.UUID | None:
        return failure_id_hash(self.hash_string) if self.bucket else None


def judge(dump: Dump, stack: Stack | None = None) -> Verdict:
    """The verdict of a dump; an empty one for a copy of memory that is no crash.

    Where an address in the kernel itself is at fault, the first frame of the stack outside of it is blamed; without
    one it is the kernel's own function, where symbols name it.
    """
    if dump.header.made_by_a_tool:
        return Verdict()
    code, arguments = dump.code, dump.header.arguments
    found = Verdict(status=_status(dump, code), text=_text(dump, code))
    if code == CRITICAL_SERVICE_FAILED:
        return _service(dump, found)
    if code in (PROCESS_DIED, OBJECT_TERMINATION):
        return _process(dump, found)
    if code in _DRIVER_NAMES and found.text:
        image = found.text.rsplit("\\", 1)[-1]
        return replace(
            found, image=image, path=found.text, module=_module_name(dump, image), bucket=f"0x{code:X}_IMAGE_{image}"
        )
    if code == CHECK_FAILURE:
        return _check(dump, found, stack)
    if code in FAULTING:
        return _fault(dump, found, arguments[FAULTING[code]], stack)
    if code in FILE_SYSTEMS and arguments[1] and dump.exception is not None:
        return _fault(dump, replace(found, status=dump.exception.code), dump.exception.address, stack)
    caller = stack.first_driver() if stack is not None and code in BY_STACK else None
    if caller is not None:
        return _called(found, caller, f"0x{code:X}_")
    return replace(found, bucket=f"0x{code:X}" + (f"_{found.status:x}" if found.status else ""))


def _status(dump: Dump, code: int) -> int | None:
    at = STATUS_ARGUMENT.get(code, 0 if code in EXCEPTION_CODES else None)
    number = dump.header.arguments[at] if at is not None else 0
    status = number & 0xFFFFFFFF
    return status if status >= _LOWEST_WARNING and number >> 32 in _SIGNS else None


def _text(dump: Dump, code: int) -> str:
    at = TEXT_ARGUMENTS.get(code)
    address = dump.header.arguments[at] if at is not None else 0
    return (dump.text_at(address) or dump.letters_at(address) or "") if address else ""


def _service(dump: Dump, found: Verdict) -> Verdict:
    """0x5A: the image's path behind the third argument, why behind the fourth."""
    status = found.status or 0
    image = found.text.rsplit("\\", 1)[-1]
    bucket = service_bucket(status, image)
    module = _module_name(dump, image) if image else ""
    return replace(found, image=image, path=found.text, module=module, bucket=bucket, verified=bool(image))


def service_bucket(status: int, image: str) -> str:
    return f"0x5A_{status:x}_IMAGE_{image}" if image else f"0x5A_{status:x}"


def _module_name(dump: Dump, image: str) -> str:
    loaded = dump.modules.by_file(image)
    return loaded.name if loaded is not None else Module(image, 0, 0).name


def _process(dump: Dump, found: Verdict) -> Verdict:
    """0xEF and 0xF4: which process ended. The debugger's bucket holds a part of a pointer: not to be had again."""
    name = found.text
    if dump.code == PROCESS_DIED and dump.kdbg is not None:
        head = dump.header.ps_active_process_head
        name = process_name(dump.memory, dump.kdbg, dump.header.arguments[0], head) or ""
    bucket = f"0x{dump.code:X}_{name}" if name else f"0x{dump.code:X}"
    return replace(found, image=name, text=name, bucket=bucket)


def _check(dump: Dump, found: Verdict, stack: Stack | None) -> Verdict:
    """0x139: what was broken says the first argument, where the exception record says the third."""
    kind = dump.header.arguments[0]
    bucket = f"0x139_{kind:x}_{fast_fail_name(kind)}".rstrip("_")
    if dump.exception is None:
        caller = stack.first_driver() if stack is not None else None
        return _called(found, caller, f"{bucket}_") if caller is not None else replace(found, bucket=bucket)
    blamed = _fault(dump, found, dump.exception.address, stack)
    if not blamed.module or blamed.module == "nt":
        return replace(blamed, bucket=bucket)
    return replace(blamed, bucket=f"{bucket}_{blamed.module}!{blamed.function or UNKNOWN_FUNCTION}", verified=False)


def _fault(dump: Dump, found: Verdict, address: int, stack: Stack | None) -> Verdict:
    """The driver in which the address lies. In the kernel, or nowhere, it says little: who called it is to blame."""
    module, gone = dump.modules.at(address), dump.modules.unloaded_at(address)
    prefix, verified = _prefix(dump, found)
    found = replace(found, struck=address, address=address)
    if module is None and gone is not None:
        name = gone.name.rsplit(".", 1)[0]
        return replace(found, image=gone.name, module=name, bucket=f"{prefix}{name}", unloaded=True)
    theirs = module is None or is_of_kernel(module)
    caller = stack.first_driver() if stack is not None and theirs else None
    if caller is not None:
        return _called(found, caller, prefix)
    if module is None:
        return replace(found, bucket=prefix.rstrip("_"))
    blamed = replace(found, module=module.name, image=module.file, path=module.path)
    place = stack.place(address) if stack is not None else None
    if place is not None and place.function:
        blamed = replace(blamed, function=place.function, offset=place.offset)
    if module.kernel and not blamed.function:
        return replace(blamed, bucket=prefix.rstrip("_"))
    # Of other processors exported names are not looked for, which the debugger would use.
    verified = (
        verified
        and dump.header.machine == AMD64
        and not theirs
        and bool(module.path)
        and not is_decorated(blamed.function)
    )
    return replace(blamed, bucket=f"{prefix}{module.name}!{blamed.function or UNKNOWN_FUNCTION}", verified=verified)


def _called(found: Verdict, caller: StackFrame, prefix: str) -> Verdict:
    """The driver of a frame of the stack. The stack alone is no proof, and public outputs confirm no such bucket."""
    one = caller.module
    return replace(
        found,
        module=one.name if one is not None else "",
        image=one.file if one is not None else "",
        path=one.path if one is not None else "",
        address=caller.address,
        function=caller.function,
        offset=caller.offset if caller.function else 0,
        bucket=f"{prefix}{caller.module_name}!{caller.function or UNKNOWN_FUNCTION}",
    )


def _prefix(dump: Dump, found: Verdict) -> tuple[str, bool]:
    """How the bucket starts, and whether public outputs confirm it."""
    code = dump.code
    if code == PAGE_FAULT:
        kind = _ACCESS.get(dump.header.arguments[1], "")
        return f"AV_{kind}INVALID_", kind == "R_" and dump.header.arguments[3] == 0
    if code in (0x0A, 0xD1):
        return "AV_", code == 0xD1 and dump.header.arguments[2] in (0, 1)
    if code in EXCEPTION_CODES:
        return ("AV_" if found.status == ACCESS_VIOLATION else f"0x{code:X}_{found.status or 0:x}_"), False
    return f"0x{code:X}_", False


def bugcheck_str(dump: Dump, found: Verdict) -> str:
    """BUGCHECK_STR: what the debugger calls the kind of stop."""
    if dump.code == CRITICAL_SERVICE_FAILED:
        return f"0x5A_{found.status or 0:x}"
    if found.bucket.startswith("AV_") or found.bucket == "AV":
        return "AV"
    return f"0x{dump.code:X}"
