"""A bundle being written: a zip file that is there when it is whole, and not before.

Every part is bounded, hashed and listed in MANIFEST.json, with what was left out and why.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bootmend import __version__
from bootmend.errors import InputError, Refused
from bootmend.reports.document import stamp
from bootmend.reports.new_file import NewFile
from bootmend.texts import say

SCHEMA = "bootmend.bundle/1"
MANIFEST = "MANIFEST.json"
MOST = 64 << 20
"""Bytes of one part; what is asked for in words (a whole dump) has no bound."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A part as the manifest lists it; `source` is its address on the disk, empty for what bootmend wrote."""

    name: str
    what: str
    source: str
    size: int
    sha256: str
    cut: bool = False
    """It had more bytes than a part may have."""


@dataclass(slots=True)
class Contents:
    files: list[Listed] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)


class Bundle:
    """Raises Refused where `target` is there already, InputError where it cannot be written."""

    def __init__(self, target: Path, disk: str) -> None:
        self._new = NewFile(target)
        self.contents = Contents()
        self._disk = disk
        self._zip = zipfile.ZipFile(self._new.file, "w", zipfile.ZIP_DEFLATED, allowZip64=True)

    def add(
        self, name: str, what: str, pieces: bytes | str | Iterable[bytes], *, source: str = "", most: int | None = MOST
    ) -> None:
        """One part. What raises while it is read is left out, as far as it was not written yet."""
        if isinstance(pieces, str):
            pieces = pieces.encode("utf-8", "backslashreplace")
        whole = iter([pieces] if isinstance(pieces, bytes) else pieces)
        try:
            first = next(whole, b"")
        except (InputError, Refused) as reason:
            self.leave_out(what, str(reason))
            return
        size, digest, ended = 0, hashlib.sha256(), ""
        entry = zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        with self._zip.open(entry, "w", force_zip64=True) as part:
            piece: bytes | None = first
            while piece is not None and not ended:
                if most is not None and size + len(piece) > most:
                    piece, ended = piece[: most - size], say("collect.cut", most=most)
                part.write(piece)
                digest.update(piece)
                size += len(piece)
                try:
                    piece = next(whole, None)
                except (InputError, Refused) as reason:
                    piece, ended = None, str(reason)
        self.contents.files.append(Listed(name, what, source, size, digest.hexdigest(), bool(ended)))
        if ended:
            self.leave_out(say("collect.rest_of", name=name), ended)

    def leave_out(self, what: str, reason: str) -> None:
        self.contents.left_out.append({"what": what, "reason": reason})

    @property
    def manifest(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "bootmend": __version__,
            "made": stamp(datetime.now(UTC)),
            "disk": self._disk,
            "files": [asdict(one) for one in self.contents.files],
            "left_out": self.contents.left_out,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        with self._new:
            if kind is None:
                self._zip.writestr(MANIFEST, json.dumps(self.manifest, indent=2))
                self._zip.close()
                return
            with suppress(OSError, ValueError):  # in the middle of a part
                self._zip.close()
            if value is not None:
                raise value
