"""Every error bootmend raises on purpose, and the exit code each one ends in.

    BootmendError
    ├── InputError             4   it cannot be read as what it should be
    │   ├── ParseError             broken bytes: file, offset, what was expected
    │   ├── DeviceError            the medium gave no bytes, or fewer than asked
    │   ├── Missing                no such file, key, volume
    │   └── Unequipped             a library or program that this takes is not installed
    ├── Unreachable            4   a disk behind a URL does not answer, or not any more
    │   ├── ChangedMeanwhile   3   it does, but it is no longer the disk that the reading began with
    │   └── CloudAway              a cloud's management gives no answer (network, sign-in): the same may work later
    ├── Refused                3   it could be done, but is not safe; nothing was written
    ├── HalfWay                1   something was changed, and neither the rest nor the way back could be done now
    └── Misuse                 2   the caller asked for something that makes no sense

Anything else that escapes is a fault in bootmend itself (exit code 5).
"Sound bytes with a bad answer" are never an error: they are a verdict or a `Skipped`.
"""

from __future__ import annotations


class BootmendError(Exception):
    """The root of the tree; `str()` of it is one sentence for a person."""

    exit_code = 5


class InputError(BootmendError):
    """What was given cannot be read as what it should be."""

    exit_code = 4


class ParseError(InputError):
    """Broken bytes: names the file, the offset in it (bytes), and what was expected there."""

    def __init__(self, file: str, offset: int, expected: str, found: str | None = None) -> None:
        self.file = file
        self.offset = offset
        self.expected = expected
        self.found = found
        tail = f", found {found}" if found is not None else ""
        super().__init__(f"{file}: at offset {offset:#x}: expected {expected}{tail}")


class DeviceError(InputError):
    """A device or file did not give the bytes asked for (I/O error, read past the end, read-only)."""


class Missing(InputError):
    """A file, key or volume that was asked for by name does not exist."""


class Unequipped(InputError):
    """A library or program that this takes is not installed here; the sentence says how to get it."""


class Unreachable(BootmendError):
    """A disk behind a URL does not answer: no network, no access, no such blob, or its access ended meanwhile.

    On purpose no InputError: rules take an InputError for damage on the disk, and go on.
    """

    exit_code = 4
    passing = False
    """The same may work later."""


class ChangedMeanwhile(Unreachable):
    """Somebody wrote to the disk behind the URL while it was read: old and new bytes mixed mean nothing."""

    exit_code = 3


class CloudAway(Unreachable):
    """A cloud could not be asked (network, sign-in, a failure of its own): what was begun can go on later."""

    passing = True


class Refused(BootmendError):
    """It could be done, but it is not safe: nothing was written. `next_step` says what to do instead."""

    exit_code = 3

    def __init__(self, reason: str, next_step: str = "") -> None:
        self.reason = reason
        self.next_step = next_step
        super().__init__(f"{reason} {next_step}".strip())


class HalfWay(BootmendError):
    """Something was changed, and that is as far as it goes: the sentence says how it stands and what can be done."""

    exit_code = 1


class Misuse(BootmendError):
    """The caller asked for something that makes no sense, such as an unknown name."""

    exit_code = 2
