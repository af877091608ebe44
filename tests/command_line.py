"""The command line in this process, as main() runs it: one interpreter a call would take minutes."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from bootmend.cli import main


class Ended(NamedTuple):
    returncode: int
    stdout: bytes
    stderr: bytes


def command(*arguments: str | Path, stdin: bytes = b"") -> Ended:
    with pytest.MonkeyPatch.context() as patch:
        held = {"stdout": io.BytesIO(), "stderr": io.BytesIO()}
        streams = {name: io.TextIOWrapper(one, encoding="utf-8") for name, one in held.items()}
        patch.setenv("BOOTMEND_LANG", "en")
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        code = main._run([str(one) for one in arguments], debug=False)
        for stream in streams.values():
            stream.flush()
    out, err = (held[name].getvalue() for name in ("stdout", "stderr"))
    return Ended(code, out, err)


def said(done: Ended) -> str:
    return done.stderr.decode()
